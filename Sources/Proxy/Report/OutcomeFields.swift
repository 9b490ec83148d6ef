import HTTPTypes
import SemanticCache

/// An outcome as the client is told of it: `Cache-Status` (RFC 9211), `Age` and the `X-Cache` fields.
extension Outcome {
    /// Sets the header fields that tell the client; none for a refusal.
    func write(to fields: inout HTTPFields) {
        switch self {
        case .refused: return
        case .hit(let hit): Self.write(hit, to: &fields)
        case .miss(let reason, let isStored, let isCollapsed):
            let forward = reason == .refreshRequested ? "request" : "miss"
            fields[.cacheStatus] = "reprise; fwd=\(forward)" + (isStored ? "; stored" : "") + (isCollapsed ? "; collapsed" : "")
        case .partial(let known, let count, let isStored, _):
            fields[.cacheStatus] = "reprise; fwd=partial" + (isStored ? "; stored" : "") + "; detail=\"\(known)/\(count)\""
        case .bypass(let reason): fields[.cacheStatus] = "reprise; fwd=bypass; detail=\(reason.rawValue)"
        case .onlyIfCached: fields[.cacheStatus] = "reprise; detail=only-if-cached"
        }
        fields[.xCache] = capitals
        if let reason { fields[.xCacheReason] = reason }
    }

    private static func write(_ hit: Hit, to fields: inout HTTPFields) {
        let seconds = hit.remaining < .zero ? -Int64((-hit.remaining.inSeconds).rounded(.up)) : Int64(hit.remaining.inSeconds)
        fields[.age] = String(max(0, Int64(hit.age.inSeconds)))
        fields[.xCacheMatch] = hit.match.word
        fields[.xCacheTier] = hit.tier.rawValue
        // Several entries have no one name.
        if hit.parts == 1 { fields[.xCacheEntry] = hit.entry.description }
        if case .semantic(let similarity) = hit.match { fields[.xCacheSimilarity] = fourDecimals(similarity) }
        switch hit.match {
        case _ where hit.isStale: fields[.cacheStatus] = "reprise; hit; ttl=\(seconds); detail=stale"
        case .exact: fields[.cacheStatus] = "reprise; hit; ttl=\(seconds); detail=exact"
        case .semantic: fields[.cacheStatus] = "reprise; hit; detail=semantic"
        }
    }

    /// ``word`` as `X-Cache` has it.
    private var capitals: String {
        switch self {
        case .hit(let hit): hit.isStale ? "STALE" : "HIT"
        case .miss, .partial, .onlyIfCached(.miss): "MISS"
        case .bypass, .onlyIfCached(.bypass): "BYPASS"
        case .refused: "REFUSED"
        }
    }

    /// A number in 0...1 with four decimals, rounded down so that a shown similarity is never above the true one.
    static func fourDecimals(_ value: Float) -> String {
        let tenThousandths = Int((Double(max(0, min(1, value))) * 10_000).rounded(.down))
        let digits = String(tenThousandths % 10_000)
        return "\(tenThousandths / 10_000)." + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }
}
