package import SemanticCache

/// What makes a kind of traffic: the tenant, the endpoint, the namespace, the model and the instructions (system prompt), not one history.
package struct PopulationName: Hashable, Sendable {
    package let tenant: TenantID
    package let endpoint: Endpoint
    package let namespace: String
    package let model: String
    /// A hash of the instructions.
    package let instructions: UInt64

    package init(tenant: TenantID, endpoint: Endpoint, namespace: String, model: String, instructions: UInt64) {
        self.tenant = tenant
        self.endpoint = endpoint
        self.namespace = namespace
        self.model = model
        self.instructions = instructions
    }

    /// What the population is kept under.
    package var key: PopulationKey {
        PopulationKey(tenant: tenant, endpoint: endpoint, namespace: namespace, model: model, instructions: instructions)
    }
}

/// A name as one line of text: parts apart by tabs, with control characters in them written as `%` and two hexadecimal digits.
extension PopulationName {
    var line: String {
        [tenant.digest.hex, endpoint.rawValue, Self.escaped(namespace), Self.escaped(model), String(instructions, radix: 16)].joined(separator: "\t")
    }

    /// Reads what ``line`` wrote.
    init?(line: some StringProtocol) {
        let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard parts.count == 5, let tenant = Digest256(hexadecimal: parts[0]), let endpoint = Endpoint(rawValue: String(parts[1])),
            let namespace = Self.unescaped(String(parts[2])), let model = Self.unescaped(String(parts[3])),
            let instructions = UInt64(parts[4], radix: 16)
        else { return nil }
        self.init(tenant: TenantID(tenant), endpoint: endpoint, namespace: namespace, model: model, instructions: instructions)
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
