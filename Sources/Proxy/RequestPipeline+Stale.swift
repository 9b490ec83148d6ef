import HTTPTypes
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
    /// The request's own `stale-if-error` goes before the configuration's. Without one, a request that wants a fresh answer or limits its age gets none.
    func standIn(for key: CacheKey, controls: RequestControls) async -> Entry? {
        guard !controls.onlyIfCached, let entry = await cache.entry(for: key) else { return nil }
        let now = clock.now()
        if let asked = controls.staleIfError { return now < entry.expiresAt + asked ? entry : nil }
        guard !controls.noCache, controls.mode != .refresh, now < entry.expiresAt + options.staleIfError else { return nil }
        if let maximum = controls.maxAge, now - entry.createdAt > maximum { return nil }
        return entry
    }

    /// Whether a response says that the upstream cannot answer now: a server error, or its own "too many requests".
    static func saysNotNow(_ response: ProxyResponse) -> Bool { response.status.code >= 500 || response.status == .tooManyRequests }
}
