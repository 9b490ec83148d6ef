import Matching
import SemanticCache
import WireFormats

extension PipelineOptions {
    /// Whether the answer holds for a moment only, and the operator wants care taken of that: the prompt speaks of one, or the provider searches for it.
    func isOfTheMoment(_ content: CacheableRequest, _ query: String?) -> Bool {
        timeSensitive == .exact && (content.asksForSearch || query.map { TimeSensitivity.phrase(in: $0) != nil } ?? false)
    }

    /// Whether what the provider does for the answer, beside the model, leaves it one for other wordings.
    func allowsRewording(_ content: CacheableRequest) -> Bool { !content.hasTools && !content.asksForSearch || semanticTools }

    /// Whether rewordings may find the answer to this request.
    func isSearchable(_ content: CacheableRequest, _ asked: @autoclosure () -> Asked?) -> Bool {
        guard mode != .exact || !overrides.isEmpty, allowsRewording(content), let asked = asked() else { return false }
        return !isOfTheMoment(content, asked.query)
    }

    /// How long an answer is kept: as asked, else as configured, within the configuration's limits.
    ///
    /// - Parameter query: what of the request may be worded otherwise.
    func timeToLive(asked: Duration?, _ content: CacheableRequest, query: String?) -> Duration {
        let ttl = min(asked ?? ttl, maximumTTL)
        return isOfTheMoment(content, query) ? min(ttl, timeSensitiveTTL) : ttl
    }

    /// The same for an answer at hand. One that another upstream gave in place of the one that was meant is not that one's answer: it is kept so that a
    /// storm of equal questions does not reach the other, and asked for anew each minute, until the one that was meant is back.
    func timeToLive(of answer: Answer, asked: Duration?, _ content: CacheableRequest, query: String?) -> Duration {
        let ttl = timeToLive(asked: asked, content, query: query)
        return answer.isStandIn ? min(ttl, .seconds(60)) : ttl
    }

    /// Why the operator does not let the answer to this request be stored; `nil` when it may be.
    func refusalToStore(_ request: ProxyRequest) -> NotStoredReason? {
        guard case .bytes(let body) = request.body, storage.allowsStoring(body) else { return .sensitive }
        return nil
    }
}
