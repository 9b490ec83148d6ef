package import HTTPTypes
package import SemanticCache

/// A request as it came in, its head read and its body not necessarily so.
package struct ProxyRequest: Sendable {
    /// Names the request in logs and in `X-Request-Id`.
    package let id: String
    package let method: HTTPRequest.Method
    /// Path and query as the client sent them, beginning as ``ProxyPath`` says.
    package let path: String
    /// All header fields as the client sent them.
    package let fields: HTTPFields
    /// Whole bytes for endpoints whose answers are cached; a stream for everything that passes through.
    package let body: RequestBody
    /// The protocol that the connection is to speak from here on, of which the body is then the client's part; `nil` for a request like any other.
    package let upgrade: String?

    package init(
        id: String, method: HTTPRequest.Method, path: String, fields: HTTPFields, body: RequestBody, upgrade: String? = nil
    ) {
        self.id = id
        self.upgrade = upgrade
        self.method = method
        self.path = path
        self.fields = fields
        self.body = body
    }

    /// The same request with another body.
    func withBody(_ bytes: [UInt8]) -> ProxyRequest { ProxyRequest(id: id, method: method, path: path, fields: fields, body: .bytes(bytes)) }

    /// The fields, and those that stand elsewhere: all that says on whose behalf the request is made.
    var callerFields: HTTPFields {
        let given = QueryCredentials.fields(in: path) + (upgrade == nil ? [] : SocketCredentials.fields(in: fields))
        return given.isEmpty ? fields : HTTPFields(Array(fields) + given)
    }

    /// The path without its query.
    package var pathWithoutQuery: Substring { path.beforeQuery }
}

/// What goes back to the client.
package struct ProxyResponse: Sendable {
    /// The body of a response.
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Throws when the answer breaks off; the connection must then be closed without a clean end.
        case stream(ByteStream)
    }

    package var status: HTTPResponse.Status
    package var fields: HTTPFields
    package var body: Body

    package init(status: HTTPResponse.Status, fields: HTTPFields, body: Body) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}
