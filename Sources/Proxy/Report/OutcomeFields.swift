import HTTPTypes
package import SemanticCache

/// How the cache took part in one response; becomes `Cache-Status` (RFC 9211), `Age` and the `X-Cache` fields.
package enum CacheOutcome: Sendable {
    /// Which tier answered.
    package enum Match: Sendable {
        case exact
        /// With the cosine similarity of the two wordings.
        case semantic(similarity: Float)
        /// By exact key, after the answer's time to live.
        case stale
    }

    /// Served from the cache. `age` is the time since the answer was stored, `remaining` what is left of its time to live.
    case hit(Match, entry: EntryID, age: Duration, remaining: Duration)
    /// Asked of the upstream after a look-up; `isStored` when the answer is kept if it ends well, `isCollapsed` when another request's call served.
    case miss(MissReason, isStored: Bool, isCollapsed: Bool)
    /// All inputs of a batch were served, the oldest of them `age` old, the first to expire in `remaining`.
    case batchHit(age: Duration, remaining: Duration)
    /// Some inputs of a batch were served, `known` of `count`, and the upstream was asked for the others.
    case partial(known: Int, count: Int, isStored: Bool)
    /// Asked of the upstream without a look-up.
    case bypass(BypassReason)
    /// Refused, because the request allows no call and the cache has no answer.
    case onlyIfCached(MissReason)

    /// The header fields that tell the client.
    var fields: HTTPFields {
        var fields = HTTPFields()
        write(to: &fields)
        return fields
    }

    /// Sets the header fields that tell the client.
    func write(to fields: inout HTTPFields) {
        switch self {
        case .hit(let match, let entry, let age, let remaining):
            let seconds = remaining < .zero ? -Int64((-remaining.inSeconds).rounded(.up)) : Int64(remaining.inSeconds)
            fields[.age] = String(max(0, Int64(age.inSeconds)))
            fields[.xCache] = "HIT"
            fields[.xCacheEntry] = entry.description
            switch match {
            case .exact:
                fields[.cacheStatus] = "reprise; hit; ttl=\(seconds); detail=exact"
                fields[.xCacheMatch] = "exact"
            case .semantic(let similarity):
                fields[.cacheStatus] = "reprise; hit; detail=semantic"
                fields[.xCacheMatch] = "semantic"
                fields[.xCacheSimilarity] = Self.fourDecimals(similarity)
            case .stale:
                fields[.cacheStatus] = "reprise; hit; ttl=\(seconds); detail=stale"
                fields[.xCache] = "STALE"
                fields[.xCacheMatch] = "exact"
            }
        case .miss(let reason, let isStored, let isCollapsed):
            let forward = reason == .refreshRequested ? "request" : "miss"
            fields[.cacheStatus] = "reprise; fwd=\(forward)" + (isStored ? "; stored" : "") + (isCollapsed ? "; collapsed" : "")
            fields[.xCache] = "MISS"
            fields[.xCacheReason] = reason.rawValue
        case .batchHit(let age, let remaining):
            fields[.age] = String(max(0, Int64(age.inSeconds)))
            fields[.xCache] = "HIT"
            fields[.cacheStatus] = "reprise; hit; ttl=\(max(0, Int64(remaining.inSeconds))); detail=exact"
            fields[.xCacheMatch] = "exact"
        case .partial(let known, let count, let isStored):
            fields[.cacheStatus] = "reprise; fwd=partial" + (isStored ? "; stored" : "") + "; detail=\"\(known)/\(count)\""
            fields[.xCache] = "MISS"
            fields[.xCacheReason] = MissReason.partialBatch.rawValue
        case .bypass(let reason):
            fields[.cacheStatus] = "reprise; fwd=bypass; detail=\(reason.rawValue)"
            fields[.xCache] = "BYPASS"
            fields[.xCacheReason] = reason.rawValue
        case .onlyIfCached(let reason):
            fields[.cacheStatus] = "reprise; detail=only-if-cached"
            fields[.xCache] = "MISS"
            fields[.xCacheReason] = reason.rawValue
        }
    }

    /// A number in 0...1 with four decimals, rounded down so that a shown similarity is never above the true one.
    static func fourDecimals(_ value: Float) -> String {
        let tenThousandths = Int((Double(max(0, min(1, value))) * 10_000).rounded(.down))
        let digits = String(tenThousandths % 10_000)
        return "\(tenThousandths / 10_000)." + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }
}
