package import HTTPTypes

/// One HTTP exchange with a provider.
package protocol Upstream: Sendable {
    /// Sends the request and returns when the response's head is there; its body follows with back-pressure.
    ///
    /// Cancelling the calling task, or dropping the body before its end, cancels the exchange.
    func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse
}

/// A request as it leaves the house.
package struct UpstreamRequest: Sendable {
    package var method: HTTPRequest.Method
    /// Path and query below the upstream's base URL, with its leading slash: `/chat/completions?x=1`.
    package var target: String
    /// Whether `target` begins at the host's root instead, as Azure's paths do: `/openai/deployments/...`.
    package var isFromRoot: Bool
    /// End-to-end fields. `Host`, `Content-Length`, `Transfer-Encoding` and `Connection` are the adapter's own.
    package var fields: HTTPFields
    package var body: RequestBody
    /// The protocol to which the connection is to be switched, such as `websocket`; `nil` for a request like any other. Where the upstream agrees
    /// (status 101), the response's body is what it says in that protocol, and this request's body is sent as it comes.
    package var upgrade: String?

    package init(
        method: HTTPRequest.Method, target: String, isFromRoot: Bool = false, fields: HTTPFields, body: RequestBody, upgrade: String? = nil
    ) {
        self.method = method
        self.target = target
        self.isFromRoot = isFromRoot
        self.fields = fields
        self.body = body
        self.upgrade = upgrade
    }
}

/// The body of a request.
package enum RequestBody: Sendable {
    case none
    case bytes([UInt8])
    /// Sent as it comes: with `Content-Length` where `length` is known, else in chunks.
    case stream(ByteStream, length: Int?)
}

/// A response whose head has come.
package struct UpstreamResponse: Sendable {
    package var status: HTTPResponse.Status
    /// End-to-end fields as the upstream sent them, in order; hop-by-hop ones removed.
    package var fields: HTTPFields
    package var body: ByteStream
    /// Whether another upstream gave it than the one that the request is for, because that one could not.
    package var isStandIn = false

    package init(status: HTTPResponse.Status, fields: HTTPFields, body: ByteStream) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}

/// Why an exchange with a provider failed.
package enum UpstreamError: Error, Sendable, CustomStringConvertible {
    /// A step that has its own time limit.
    package enum Phase: String, Sendable {
        case connecting = "connecting"
        case firstByte = "waiting for the first byte"
        case silence = "waiting for more of the body"
    }

    /// No connection: name, route, refusal.
    case unreachable(String)
    /// TLS could not be agreed or the certificate not verified.
    case tls(String)
    /// A time limit passed.
    case timedOut(Phase, limit: Duration)
    /// The connection broke, or the peer broke the protocol, after it was made.
    case broken(String)
    /// The caller's own body failed while it was sent.
    case requestBody(String)
    /// More calls wait for this upstream than may; worth trying again after this time.
    case overloaded(retryAfter: Duration)
    /// The upstream failed so often that it is left alone for this time.
    case circuitOpen(retryAfter: Duration)
    /// The caller gave up.
    case cancelled
    /// The program is shutting down.
    case closed

    package var description: String {
        switch self {
        case .unreachable(let reason): "the upstream cannot be reached: \(reason)"
        case .tls(let reason): "no secure connection to the upstream: \(reason)"
        case .timedOut(let phase, let limit): "the upstream took longer than \(limit) while \(phase.rawValue)"
        case .broken(let reason): "the connection to the upstream broke: \(reason)"
        case .requestBody(let reason): "the request's body could not be sent: \(reason)"
        case .overloaded: "too many calls wait for the upstream"
        case .circuitOpen: "the upstream failed repeatedly and is left alone for a moment"
        case .cancelled: "the call was cancelled"
        case .closed: "the proxy is shutting down"
        }
    }
}
