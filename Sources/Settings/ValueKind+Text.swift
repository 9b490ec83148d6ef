import Foundation
import Yams

extension ValueKind<String> {
    /// Text that `check` accepts, perhaps in a normal form.
    static func text(_ expectation: String, check: @escaping @Sendable (String) -> String? = { $0.isEmpty ? nil : $0 }) -> ValueKind<String> {
        ValueKind(
            read: { node throws(ValueFaults) in
                guard let scalar = node.scalar else { throw ValueFaults(expected: expectation, at: node) }
                if node.isPlain, [.int, .float, .bool, .null].map({ Tag($0) }).contains(node.tag) {
                    throw ValueFaults(expected: expectation, at: node, hint: isNull(node) ? "" : "; put it in quotes if it is meant as text")
                }
                guard let value = check(scalar.string) else { throw ValueFaults(expected: expectation, at: node) }
                return value
            }, write: { yamlText($0) })
    }

    static let host = text("a host name or address such as 127.0.0.1, without scheme and port") { text in
        let colons = text.count { $0 == ":" }
        let isValid = !text.isEmpty && colons != 1 && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".:-_%".contains($0)) }
        return isValid && (colons > 0 || isNameOrIPv4(text)) ? text : nil
    }

    /// What ends with a number is an IPv4 address and no name, as URLs have it; `127.1` is one too. No resolver is asked for a name like 256.1.1.1.
    private static func isNameOrIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let last = parts.last, !last.isEmpty, last.allSatisfy(\.isNumber) else { return true }
        guard parts.count <= 4, let rest = UInt64(last), rest < 1 << (8 * UInt64(5 - parts.count)) else { return false }
        return parts.dropLast().allSatisfy { UInt8($0) != nil }
    }

    /// A SHA-256 digest in hexadecimal, given back in small letters.
    static let sha256 = ValueKind(
        read: { node throws(ValueFaults) in
            let text = node.scalar?.string.lowercased() ?? ""
            if text.utf8.count == 64, text.allSatisfy({ $0.isASCII && $0.isHexDigit }) { return text }
            throw ValueFaults(expected: "a SHA-256 digest of 64 hexadecimal digits", hiding: node)
        }, write: { yamlText($0, quoted: true) })

    static let path = text("a path") { $0.isEmpty || $0.contains("\0") ? nil : $0 }

    /// The name of an environment variable. What was found is not shown: it may be the secret itself.
    static let environmentName = ValueKind(
        read: { node throws(ValueFaults) in
            if let text = node.scalar?.string, isEnvironmentName(text), !isNull(node) { return text }
            throw ValueFaults(expected: "the name of an environment variable such as OPENAI_API_KEY", hiding: node)
        }, write: { yamlText($0) })

    /// An http or https URL with a host and without user and fragment; given back without slashes at its path's end, and with `/v1` in place of no path.
    static let baseURL = ValueKind(
        read: { node throws(ValueFaults) in
            if let text = node.scalar?.string, let url = normalBaseURL(text) { return url }
            let expectation = "an http or https URL with a host and without user and fragment, such as https://api.openai.com/v1"
            // A user part would hold a password.
            if let text = node.scalar?.string, text.contains("@") { throw ValueFaults(expected: expectation, hiding: node) }
            throw ValueFaults(expected: expectation, at: node)
        }, write: { yamlText($0) })

    /// The URL of a shared engine. One with a password is refused and not shown.
    static let sharedURL = ValueKind(
        read: { node throws(ValueFaults) in
            let expectation = "a URL such as redis://host:6379/0 or postgres://user@host/database"
            guard let text = node.scalar?.string, !isNull(node), let address = SharedAddress(text) else {
                if let text = node.scalar?.string, text.contains("@") { throw ValueFaults(expected: expectation, hiding: node) }
                throw ValueFaults(expected: expectation, at: node)
            }
            if address.hasPassword {
                throw ValueFaults([
                    .init(mark: node.mark, message: "holds a password: put the whole URL into an environment variable and name that under 'url_env'")
                ])
            }
            return text
        }, write: { yamlText($0) })

    /// The prefix of keys, or the schema, in a shared engine.
    static let sharedNamespace = text("1 to 48 of the characters a-z, 0-9, _ and -") { text in
        let isValid =
            (1...48).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
        return isValid ? text : nil
    }
}

private func isEnvironmentName(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 200, first < UInt8(ascii: "0") || first > UInt8(ascii: "9") else { return false }
    return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
}

private func normalBaseURL(_ text: String) -> String? {
    guard text.allSatisfy({ $0.isASCII && !$0.isWhitespace }), let parts = URLComponents(string: text),
        let scheme = parts.scheme?.lowercased(), ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty,
        parts.user == nil, parts.password == nil, parts.fragment == nil, parts.port.map({ (1...65535).contains($0) }) ?? true
    else { return nil }
    var url = String(text.prefix { $0 != "?" })
    let query = text.dropFirst(url.count)
    while url.hasSuffix("/") { url.removeLast() }
    if parts.path.isEmpty { url += "/v1" }
    return url + (query == "?" ? "" : query)
}

extension ValueKind<[Settings.Header]> {
    /// Fields that the proxy or libcurl writes itself.
    private static let ownFields: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "proxy-connection",
    ]
    /// Fields whose value is a secret.
    private static let secretFields: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "api-key", "x-api-key", "x-goog-api-key", "x-auth-token",
    ]

    /// Header fields as a map of name and value; secrets are refused.
    static let headers = headers(refusing: secretFields, value: "text of visible characters") { node throws(ValueFaults) in
        let isText = { (text: String) in text.unicodeScalars.allSatisfy { $0 == "\t" || ($0.value >= 32 && $0.value != 127) } }
        guard let text = node.scalar?.string, !isNull(node), isText(text) else {
            throw ValueFaults(expected: "a header value: text on one line", at: node)
        }
        return text
    }

    /// Header fields as a map of name and environment variable.
    static let headersEnv = headers(refusing: [], value: "the name of an environment variable", read: ValueKind<String>.environmentName.read)

    private static func headers(
        refusing secrets: Set<String>, value: String, read: @escaping @Sendable (Node) throws(ValueFaults) -> String
    ) -> ValueKind<[Settings.Header]> {
        ValueKind(
            read: { node throws(ValueFaults) in
                if isNull(node) { return [] }
                guard case .mapping(let mapping) = node else { throw ValueFaults(expected: "a map of header names and \(value)", at: node) }
                var faults: [ValueFaults.Fault] = []
                var headers: [Settings.Header] = []
                for (key, item) in mapping {
                    let name = key.scalar?.string ?? ""
                    func fault(_ message: String) { faults.append(.init(mark: key.mark, message: message)) }
                    if !isFieldName(name) {
                        fault("expected a header name of letters, digits and dashes; found \(found(in: key))")
                    } else if ownFields.contains(name.lowercased()) {
                        fault("the header '\(name)' is written by the proxy itself and cannot be set")
                    } else if secrets.contains(name.lowercased()) {
                        fault("the header '\(name)' holds a secret: name an environment variable for it under 'headers_env'")
                    } else if headers.contains(where: { $0.name.lowercased() == name.lowercased() }) {
                        fault("the header '\(name)' is given twice")
                    }
                    do throws(ValueFaults) { headers.append(.init(name: name, value: try read(item))) } catch { faults += error.faults }
                }
                guard faults.isEmpty else { throw ValueFaults(faults) }
                return headers
            },
            write: { headers in
                headers.isEmpty ? "{}" : headers.map { "\n    \(yamlText($0.name)): \(yamlText($0.value, quoted: true))" }.joined()
            })
    }
}

func isFieldName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 200 && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "!#$%&'*+-.^_`|~".contains($0)) }
}

/// Text as YAML: plain where nothing in it could be read otherwise, else in double quotes.
func yamlText(_ text: String, isChoice: Bool = false, quoted: Bool = false) -> String {
    if !quoted, isChoice || isPlainSafe(text) { return text }
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case _ where scalar.value < 32 || (0x7F...0x9F).contains(scalar.value) || [0x2028, 0x2029, 0xFEFF].contains(scalar.value):
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

private func isPlainSafe(_ text: String) -> Bool {
    guard let first = text.first, text.last != ":", text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_./~@+:-".contains($0)) })
    else { return false }
    if first.isNumber { return text.count { $0 == "." } > 1 && text.allSatisfy { $0.isNumber || $0 == "." } }
    guard first.isLetter || first == "/" || text.hasPrefix("./") || text.hasPrefix("../") || text.hasPrefix("~/") else { return false }
    return Node(text, .implicit, .plain).tag == Tag(.str) && !["y", "n"].contains(text.lowercased())
}
