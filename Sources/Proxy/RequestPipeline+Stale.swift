import Cache
import HTTPTypes
import Learning
import Matching
import SemanticCache
import WireFormats

extension RequestPipeline {
    /// An expired answer that may be given at once while a fresh one is fetched (stale-while-revalidate).
    ///
    /// Not where the request itself says how old an answer may be.
    func staleWhileRevalidate(_ entry: Entry, controls: RequestControls) -> Bool {
        guard options.staleWhileRevalidate > .zero, controls.maxAge == nil, !controls.onlyIfCached else { return false }
        let now = clock.now()
        return entry.isExpired(at: now) && now < entry.expiresAt + options.staleWhileRevalidate
    }

    /// The answer that stands in when the upstream fails (stale-if-error); `nil` when none may.
    ///
    /// The request's own `stale-if-error` goes before the configuration's, within what is kept at all. Without one, a request that wants a fresh
    /// answer or limits its age gets none.
    func standIn(for key: CacheKey, controls: RequestControls) async -> Entry? {
        guard !controls.onlyIfCached, let entry = await cache.entry(for: key) else { return nil }
        let now = clock.now()
        if let asked = controls.staleIfError { return now < entry.expiresAt + min(asked, options.staleWindow) ? entry : nil }
        guard !controls.noCache, controls.mode != .refresh, now < entry.expiresAt + options.staleIfError else { return nil }
        if let maximum = controls.maxAge, now - entry.createdAt > maximum { return nil }
        return entry
    }

    /// The hit that the request would have been, had it not been asked afresh to learn from; `nil` for all others.
    ///
    /// What is forwarded for the cache's own sake is no worse off for it when the upstream fails.
    func spared(_ lookUp: LookUp) async -> ProxyResponse? {
        switch lookUp.lesson {
        case .noise(let entry):
            return entry.isExpired(at: clock.now()) ? nil : replay(entry, as: .exact, for: lookUp)
        case .decision(let decision, let near) where decision.verdict == .forward(.explored) && matching(of: lookUp).mode == .calibrated:
            guard let id = near.first, learner?.isVerificationDue(id) == false, let query = lookUp.content.query,
                let similarity = decision.evidence.similarity, let entry = await cache.entry(id), !entry.isExpired(at: clock.now()),
                wordings.admits(query, of: id, limit: options.maximumWordings)
            else { return nil }
            return replay(entry, as: .semantic(similarity: similarity), for: lookUp)
        case .decision, nil: return nil
        }
    }

    /// What a request gets that is not looked up and may not be forwarded either (only-if-cached); `nil` for those that may.
    static func refusalToForward(_ request: ProxyRequest, _ reason: BypassReason) -> ProxyResponse? {
        guard (try? RequestControls(request.fields))?.onlyIfCached == true else { return nil }
        var refusal = ErrorResponse.client(
            .gatewayTimeout,
            message: "This request is not answered from the cache (\(reason.rawValue)), and only-if-cached forbids asking the model.",
            type: "cache_miss", code: "only_if_cached", path: request.path
        ).adding(CacheOutcome.bypass(reason).fields)
        refusal.fields[.cacheStatus] = "reprise; detail=only-if-cached"
        return refusal
    }

    /// Whether a response says that the upstream cannot answer now: a server error, or its own "too many requests".
    static func saysNotNow(_ response: ProxyResponse) -> Bool { response.status.code >= 500 || response.status == .tooManyRequests }
}
