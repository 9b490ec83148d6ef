import Cache
import HTTPTypes
import SemanticCache
import WireFormats

/// Says once more what became of a request, in the words of the peers in whose words it asked.
extension Outcome {
    /// Sets the fields of `families`; none for a refusal, which says nothing of the cache.
    func write(to fields: inout HTTPFields, for families: Set<PeerFamily>) {
        if families.isEmpty || self == .refused { return }
        for family in families {
            switch family {
            case .liteLLM:
                // There the field's presence is what says hit.
                if let hit, hit.parts == 1 { fields[.liteLLMCacheKey] = hit.entry.description }
            case .helicone:
                fields[.heliconeCache] = hitOrMiss
                if hit != nil { fields[.heliconeBucketIndex] = "0" }
            case .cloudflare: fields[.cloudflareStatus] = hitOrMiss
            case .openRouter:
                fields[.openRouterStatus] = hitOrMiss
                if let hit { fields[.openRouterAge] = String(max(0, Int64(hit.age.inSeconds))) }
            case .portkey: fields[.portkeyStatus] = portkeyStatus
            case .bifrost: break  // It answers in its own body, which would not be the upstream's any more.
            }
        }
    }

    private var hitOrMiss: String { hit == nil ? "MISS" : "HIT" }

    private var portkeyStatus: String {
        switch self {
        case .hit(let hit): if case .semantic = hit.match { "SEMANTIC HIT" } else { "HIT" }
        case .bypass, .onlyIfCached(.bypass): "DISABLED"
        case .miss(.refreshRequested, _, _), .onlyIfCached(.miss(.refreshRequested)): "REFRESH"
        case .miss, .partial, .onlyIfCached, .refused: "MISS"
        }
    }
}

extension HTTPField.Name {
    // The names are valid tokens, so they cannot fail to be made.
    static let liteLLMCacheKey = Self("x-litellm-cache-key")!
    static let heliconeCache = Self("Helicone-Cache")!
    static let heliconeBucketIndex = Self("Helicone-Cache-Bucket-Idx")!
    static let cloudflareStatus = Self("cf-aig-cache-status")!
    static let openRouterStatus = Self("X-OpenRouter-Cache-Status")!
    static let openRouterAge = Self("X-OpenRouter-Cache-Age")!
    static let portkeyStatus = Self("x-portkey-cache-status")!
}
