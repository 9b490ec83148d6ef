package import Matching
package import SemanticCache

/// What makes a kind of traffic: the tenant, the endpoint, the namespace, the model and the instructions (system prompt), not one history; and, where
/// nothing that ships was fitted on such texts, the class of text.
package struct PopulationName: Hashable, Sendable {
    package let tenant: TenantID
    package let endpoint: Endpoint
    package let namespace: String
    package let model: String
    /// A hash of the instructions.
    package let instructions: UInt64
    /// The class of its texts, where that begins with nothing and learns by itself alone; `nil` for the classes that the prior was fitted on.
    package let text: TextClass?

    package init(tenant: TenantID, endpoint: Endpoint, namespace: String, model: String, instructions: UInt64, text: TextClass? = nil) {
        self.tenant = tenant
        self.endpoint = endpoint
        self.namespace = namespace
        self.model = model
        self.instructions = instructions
        self.text = text
    }

    /// What the population is kept under.
    package var key: PopulationKey {
        PopulationKey(tenant: tenant, endpoint: endpoint, namespace: namespace, model: model, instructions: instructions, text: text)
    }

    /// The same kind of traffic whatever its texts are.
    package var ofAnyText: PopulationName {
        PopulationName(tenant: tenant, endpoint: endpoint, namespace: namespace, model: model, instructions: instructions)
    }

    /// The part of it that texts of a class belong to.
    package func of(_ text: TextClass) -> PopulationName {
        PopulationName(
            tenant: tenant, endpoint: endpoint, namespace: namespace, model: model, instructions: instructions,
            text: TextClass.fitted.contains(text) ? nil : text)
    }
}

/// A name as one line of text: parts apart by tabs, with control characters in them written as `%` and two hexadecimal digits.
extension PopulationName {
    var line: String {
        let parts = [tenant.digest.hex, endpoint.rawValue, Self.escaped(namespace), Self.escaped(model), String(instructions, radix: 16)]
        return (parts + (text.map { [$0.description] } ?? [])).joined(separator: "\t")
    }

    /// Reads what ``line`` wrote.
    init?(line: some StringProtocol) {
        let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard (5...6).contains(parts.count), let tenant = Digest256(hexadecimal: parts[0]), let endpoint = Endpoint(rawValue: String(parts[1])),
            let namespace = Self.unescaped(String(parts[2])), let model = Self.unescaped(String(parts[3])),
            let instructions = UInt64(parts[4], radix: 16)
        else { return nil }
        let text = parts.count == 6 ? TextClass(String(parts[5])) : nil
        guard parts.count == 5 || text != nil else { return nil }
        self.init(tenant: TenantID(tenant), endpoint: endpoint, namespace: namespace, model: model, instructions: instructions, text: text)
    }

    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte < 0x20 || byte == UInt8(ascii: "%") {
                bytes += "%\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func unescaped(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
