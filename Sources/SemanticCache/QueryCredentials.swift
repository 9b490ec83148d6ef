package import HTTPTypes

/// Credentials that stand in a request's query: what Google's clients, OAuth and Azure's sockets let stand there in place of a header field.
///
/// Each counts as the field that it stands for, wherever a caller is told from others, and is in no key, no log and no other provider's hands.
package enum QueryCredentials {
    private static let fields: [(parameter: String, name: HTTPField.Name, scheme: String)] = [
        ("key", HTTPField.Name("x-goog-api-key")!, ""), ("access_token", .authorization, "Bearer "), ("api-key", HTTPField.Name("api-key")!, ""),
    ]

    /// The fields that the query of `target` stands for; none for most requests.
    package static func fields(in target: String) -> [HTTPField] {
        items(of: target).compactMap { item in
            guard let field = field(of: item) else { return nil }
            let value = item.dropFirst(field.parameter.count + 1).percentDecoded
            return value.isEmpty ? nil : HTTPField(name: field.name, value: field.scheme + value)
        }
    }

    /// The same path and query without them, all else as it stands.
    package static func removed(from target: String) -> String {
        let items = items(of: target)
        guard items.contains(where: { field(of: $0) != nil }) else { return target }
        let kept = items.filter { field(of: $0) == nil }
        return target.beforeQuery + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
    }

    private static func items(of target: String) -> [Substring] {
        let path = target.beforeQuery
        guard path.endIndex < target.endIndex else { return [] }
        return target[target.index(after: path.endIndex)...].split(separator: "&", omittingEmptySubsequences: false)
    }

    private static func field(of item: Substring) -> (parameter: String, name: HTTPField.Name, scheme: String)? {
        fields.first { item.hasPrefix($0.parameter) && item.dropFirst($0.parameter.count).first == "=" }
    }
}

/// Credentials among the subprotocols of a WebSocket's handshake: a browser has no other place for them.
package enum SocketCredentials {
    private static let prefix = "openai-insecure-api-key."

    /// The fields that they stand for.
    package static func fields(in fields: HTTPFields) -> [HTTPField] {
        protocols(fields).filter { $0.hasPrefix(prefix) }.map { HTTPField(name: .authorization, value: "Bearer " + $0.dropFirst(prefix.count)) }
    }

    /// Takes them out.
    package static func remove(from fields: inout HTTPFields) {
        let named = protocols(fields)
        guard named.contains(where: { $0.hasPrefix(prefix) }) else { return }
        fields[.secWebSocketProtocol] = named.filter { !$0.hasPrefix(prefix) }.joined(separator: ", ")
    }

    private static func protocols(_ fields: HTTPFields) -> [String] {
        fields[values: .secWebSocketProtocol].flatMap { $0.split(separator: ",") }.map { name in
            String(name.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" })
        }
    }
}

extension Substring {
    /// With the bytes in place of their codes; what is no code stays.
    package var percentDecoded: String {
        guard utf8.contains(UInt8(ascii: "%")) else { return String(self) }
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(code)
                rest.removeFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
