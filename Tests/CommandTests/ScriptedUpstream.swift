import HTTPTypes
import SemanticCache
import Synchronization

@testable import reprise

/// A proxy that answers as it is told and remembers what it was asked.
final class ScriptedUpstream: Upstream {
    struct Seen: Sendable {
        var method: String
        var target: String
        var fields: HTTPFields
        var body: String
    }

    private let seen = Mutex<[Seen]>([])
    private let answer: @Sendable (Seen, Int) throws(UpstreamError) -> (Int, String)

    /// - Parameter answer: status and body for a request and its number, which starts at 0.
    init(_ answer: @escaping @Sendable (Seen, Int) throws(UpstreamError) -> (Int, String)) { self.answer = answer }

    var requests: [Seen] { seen.withLock { $0 } }

    var client: AdminClient { AdminClient(upstream: self, server: "http://proxy", token: nil) }

    func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        var body = ""
        if case .bytes(let bytes) = request.body { body = String(decoding: bytes, as: UTF8.self) }
        let item = Seen(method: request.method.rawValue, target: request.target, fields: request.fields, body: body)
        let number = seen.withLock { seen in
            seen.append(item)
            return seen.count - 1
        }
        let (status, text) = try answer(item, number)
        return UpstreamResponse(status: .init(code: status), fields: HTTPFields(), body: ByteStream([Array(text.utf8)]))
    }
}
