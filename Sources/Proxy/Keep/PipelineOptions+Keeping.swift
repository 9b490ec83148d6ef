import Matching
import SemanticCache
import WireFormats

extension PipelineOptions {
    /// Whether the prompt speaks of a moment, and the operator wants care taken of that.
    func isOfTheMoment(_ query: String) -> Bool { timeSensitive == .exact && TimeSensitivity.phrase(in: query) != nil }

    /// Whether rewordings may find the answer to this request.
    func isSearchable(_ content: CacheableRequest, _ asked: @autoclosure () -> Asked?) -> Bool {
        guard mode != .exact || !overrides.isEmpty, !content.hasTools || semanticTools, let asked = asked() else { return false }
        return !isOfTheMoment(asked.query)
    }

    /// How long an answer is kept: as asked, else as configured, within the configuration's limits.
    func timeToLive(asked: Duration?, query: String) -> Duration {
        let ttl = min(asked ?? ttl, maximumTTL)
        return isOfTheMoment(query) ? min(ttl, timeSensitiveTTL) : ttl
    }

    /// Why the operator does not let the answer to this request be stored; `nil` when it may be.
    func refusalToStore(_ request: ProxyRequest) -> NotStoredReason? {
        guard case .bytes(let body) = request.body, storage.allowsStoring(body) else { return .sensitive }
        return nil
    }
}
