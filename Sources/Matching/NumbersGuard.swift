package import SemanticCache

/// Fires when numbers, dates, times, units, identifiers or versions differ.
package struct NumbersGuard: HardGuard {
    package init() {}

    package var name: String { "numbers" }
    package var reason: MissReason { .numbersDiffer }

    package func finding(in pair: PromptPair) -> String? {
        let asked = pair.asked.facts
        let cached = pair.cached.facts
        if asked.isEmpty, cached.isEmpty { return nil }
        let onlyAsked = asked.filter { fact in !cached.contains { fact.matches($0) } }
        let onlyCached = cached.filter { fact in !asked.contains { fact.matches($0) } }
        let hasStrong = onlyAsked.contains { !$0.isWeak } || onlyCached.contains { !$0.isWeak }
        // "one egg" beside "three eggs" has a strong number already; "first" beside "second" has two weak ones.
        guard hasStrong || !onlyAsked.isEmpty && !onlyCached.isEmpty else { return nil }
        return "numbers differ: " + PromptPair.shown(onlyAsked.map(\.shown), onlyCached.map(\.shown))
    }
}
