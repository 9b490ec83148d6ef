import HTTPTypes
import SemanticCache

/// A request as libcurl is to send it: the rules about fields, without libcurl.
struct RequestPlan: Sendable {
    let url: String
    let method: String
    /// The fields that are sent, those aside that follow from the connection and the body.
    let fields: [(name: String, value: String)]
    /// The same as lines for curl: `Name: value`, `Name;` for an empty value, `Name:` to suppress a field that curl would add.
    let lines: [String]
    let body: RequestBody
    let connectTimeout: Duration
    let firstByteTimeout: Duration
    let silenceTimeout: Duration
    let caFile: String?
    let minimumTLS: TLSVersion

    init(_ request: UpstreamRequest, endpoint: UpstreamEndpoint) {
        url = endpoint.url(for: request)
        method = request.method.rawValue
        body = request.body
        connectTimeout = endpoint.connectTimeout
        firstByteTimeout = endpoint.firstByteTimeout
        silenceTimeout = endpoint.silenceTimeout
        caFile = endpoint.caFile
        minimumTLS = endpoint.minimumTLS

        var replaced = Set(endpoint.headers.map { $0.name.lowercased() })
        // A client's key is for whoever gave it out: where the endpoint has its own, the client's stays here, in whatever field it came.
        var sent = request.fields.endToEnd
        if endpoint.hasOwnCredential {
            replaced.formUnion(HTTPFields.credentialNames.map(\.canonicalName))
            SocketCredentials.remove(from: &sent)
        }
        var fields: [(name: String, value: String)] = []
        var given: Set<String> = []
        for field in sent where !Self.ours.contains(field.name.canonicalName) && !replaced.contains(field.name.canonicalName) {
            fields.append((field.name.rawName, field.value))
            given.insert(field.name.canonicalName)
        }
        for (name, value) in endpoint.headers { fields.append((name, Self.oneLine(value))) }
        if let authorization = endpoint.authorization { fields.append(("Authorization", Self.oneLine(authorization))) }
        self.fields = fields
        given.formUnion(replaced)
        let suppressed = ["Accept", "Content-Type", "Expect", "User-Agent"].filter { !given.contains($0.lowercased()) }
        lines = fields.map { $0.value.isEmpty ? $0.name + ";" : $0.name + ": " + $0.value } + suppressed.map { $0 + ":" }
    }

    /// Fields that follow from the connection and the body, so that libcurl writes them. An expectation of `100-continue` would only cost time.
    private static let ours: Set<String> = ["host", "content-length", "expect"]

    /// HTTPFields lets no line break in; a value from the configuration might hold one.
    private static func oneLine(_ value: String) -> String { String(value.unicodeScalars.filter { $0 != "\r" && $0 != "\n" && $0 != "\0" }) }
}

extension HTTPFields {
    /// The fields without those that concern one connection only (RFC 9110, section 7.6.1).
    var endToEnd: HTTPFields {
        var hopByHop: Set<String> = [
            "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
            "upgrade",
        ]
        for value in self[values: .connection] {
            for name in value.split(separator: ",") { hopByHop.insert(name.trimmed.lowercased()) }
        }
        return filter { !hopByHop.contains($0.name.canonicalName) }.reduce(into: HTTPFields()) { $0.append($1) }
    }
}

extension Substring {
    /// Without spaces and tabs around it.
    var trimmed: Substring {
        var result = self
        while let first = result.first, first == " " || first == "\t" { result = result.dropFirst() }
        while let last = result.last, last == " " || last == "\t" { result = result.dropLast() }
        return result
    }
}
