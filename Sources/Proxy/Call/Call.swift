import HTTPTypes
import Learning
import SemanticCache

/// What goes along with a call to the upstream.
struct CallOrder: Sendable {
    /// Why the cache did not answer.
    let reason: MissReason
    /// The query's vector, or how it is made while the upstream works.
    var vector: LateVector?
    /// What is to be learned from the fresh answer.
    var lesson: LabelJob.Kind?
}

/// A call to the upstream, as far as its head.
struct Call: Sendable {
    let head: Result<Flight.Head, UpstreamError>
    /// From the first byte on.
    let body: ByteStream
    /// Whether another request made it.
    let isCollapsed: Bool

    /// Whether the upstream cannot answer now: no answer, a server error, or its own "too many requests".
    var saysNotNow: Bool {
        let status =
            switch head {
            case .success(let head): head.status
            case .failure(let error): ErrorResponse.status(of: error)
            }
        return status.code >= 500 || status == .tooManyRequests
    }
}
