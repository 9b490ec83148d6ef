import HTTPTypes
import WireFormats

/// Says once more what became of a request, in the words of the peers in whose words it asked.
extension ProxyResponse {
    /// This response with the fields of `families`. Nothing is added to a response that says nothing of the cache, such as a refusal.
    func answering(_ families: Set<PeerFamily>) -> ProxyResponse {
        guard !families.isEmpty, let outcome = fields[.xCache] else { return self }
        let isHit = outcome == "HIT" || outcome == "STALE"
        var response = self
        for family in families {
            switch family {
            case .liteLLM:
                // There the field's presence is what says hit.
                if isHit, let entry = fields[.xCacheEntry] { response.fields[.liteLLMCacheKey] = entry }
            case .helicone:
                response.fields[.heliconeCache] = isHit ? "HIT" : "MISS"
                if isHit { response.fields[.heliconeBucketIndex] = "0" }
            case .cloudflare: response.fields[.cloudflareStatus] = isHit ? "HIT" : "MISS"
            case .openRouter:
                response.fields[.openRouterStatus] = isHit ? "HIT" : "MISS"
                if isHit, let age = fields[.age] { response.fields[.openRouterAge] = age }
            case .portkey: response.fields[.portkeyStatus] = portkeyStatus(outcome, isHit: isHit)
            case .bifrost: break  // It answers in its own body, which would not be the upstream's any more.
            }
        }
        return response
    }

    private func portkeyStatus(_ outcome: String, isHit: Bool) -> String {
        if isHit { return fields[.xCacheMatch] == "semantic" ? "SEMANTIC HIT" : "HIT" }
        if outcome == "BYPASS" { return "DISABLED" }
        return fields[.xCacheReason] == "refresh-requested" ? "REFRESH" : "MISS"
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
