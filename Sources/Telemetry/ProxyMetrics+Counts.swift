package import SemanticCache

extension ProxyMetrics {
    /// A plain copy of the counters.
    package struct Counts: Sendable {
        package var exactHits = 0
        package var semanticHits = 0
        package var misses = 0
        package var bypassed = 0
        package var stale = 0
        package var refused = 0
        package var coalesced = 0
        package var upstreamErrors = 0
        package var replacedTurns = 0
        package var expired = 0
        package var capacityEvictions = 0
        package var flushed = 0
        package var savedCalls = 0
        package var savedPromptTokens = 0
        package var savedCompletionTokens = 0
        package var savedSeconds = 0.0
        /// What the spared calls would have cost, the cache's own spending not taken off.
        package var saved = Money.zero
        package var spentPromptTokens = 0
        package var spentCompletionTokens = 0
        package var spent = Money.zero
        package var costs: [Cost: Money] = [:]
        package var missReasons: [MissReason: Int] = [:]
        package var bypassReasons: [BypassReason: Int] = [:]
        package var notStored: [NotStoredReason: Int] = [:]

        /// All requests that reached the proxy's own paths.
        package var total: Int { exactHits + semanticHits + misses + bypassed + stale }

        /// Hits by requests that were looked up; zero before the first.
        package var hitRatio: Double {
            let lookedUp = total - bypassed
            return lookedUp == 0 ? 0 : Double(exactHits + semanticHits) / Double(lookedUp)
        }

        /// What was saved, less what the cache spent for it.
        package var net: Money { costs.values.reduce(saved, -) }
    }

    /// A copy of all counters, read one after the other.
    package var snapshot: Counts {
        var counts = Counts()
        counts.exactHits = requests.count(.exactHit)
        counts.semanticHits = requests.count(.semanticHit)
        counts.stale = requests.count(.stale)
        for reason in MissReason.allCases { counts.missReasons[reason] = Self.positive(requests.count(.miss(reason))) }
        for reason in BypassReason.allCases { counts.bypassReasons[reason] = Self.positive(requests.count(.bypass(reason))) }
        counts.misses = counts.missReasons.values.reduce(0, +)
        counts.bypassed = counts.bypassReasons.values.reduce(0, +)
        for (index, reason) in NotStoredReason.allCases.enumerated() { counts.notStored[reason] = Self.positive(notStored[index]) }
        for cost in Cost.allCases { counts.costs[cost] = Money(nanodollars: costs[cost.rawValue]) }
        counts.refused = self[.refused]
        counts.coalesced = self[.coalesced]
        counts.upstreamErrors = self[.upstreamErrors]
        counts.replacedTurns = self[.replacedTurns]
        counts.expired = evictions[Eviction.expired.rawValue]
        counts.capacityEvictions = evictions[Eviction.capacity.rawValue]
        counts.flushed = evictions[Eviction.flushed.rawValue]
        counts.savedCalls = self[.savedCalls]
        counts.savedPromptTokens = self[.savedPromptTokens]
        counts.savedCompletionTokens = self[.savedCompletionTokens]
        counts.savedSeconds = Double(self[.savedMicroseconds]) / 1_000_000
        counts.saved = Money(nanodollars: self[.savedNanodollars])
        counts.spentPromptTokens = self[.spentPromptTokens]
        counts.spentCompletionTokens = self[.spentCompletionTokens]
        counts.spent = Money(nanodollars: self[.spentNanodollars])
        return counts
    }

    /// The accounts by name; `other` for all beyond the limit.
    package var modelAccounts: [Account] { models.all }
    package var tenantAccounts: [Account] { tenants.all }
    package var namespaceAccounts: [Account] { namespaces.all }

    private static func positive(_ count: Int) -> Int? { count > 0 ? count : nil }

    private subscript(single: Single) -> Int { singles[single.rawValue] }
}
