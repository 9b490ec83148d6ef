package import SemanticCache

/// Fires when numbers, dates, times, units, identifiers or versions differ, stand in another order, or stand more often.
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
        if hasStrong || !onlyAsked.isEmpty && !onlyCached.isEmpty {
            return "numbers differ: " + PromptPair.shown(onlyAsked.map(\.shown), onlyCached.map(\.shown))
        }
        return Self.arrangement(asked, cached)
    }

    /// The same numbers in another order or number: "2 - 3" and "3 - 2", "2 + 2 + 3" and "2 + 3 + 3". Units may change places ("5 ft 3 in"), and so may
    /// the parts of a date; an identifier, a month or a time may be said again.
    private static func arrangement(_ asked: [NumberFact], _ cached: [NumberFact]) -> String? {
        let first = quantities(asked)
        let second = quantities(cached)
        if first.count == second.count, zip(first, second).allSatisfy({ $0.matches($1) }) { return nil }
        // "15 percent of 80", "what percent of 80 is 15": the unit stands elsewhere, and the numbers tell the order as they stand.
        let isUnitMoved = first.count == second.count && first.map { $0.unit ?? "" }.sorted() != second.map { $0.unit ?? "" }.sorted()
        let differs =
            first.count != second.count || isUnitMoved && !zip(first, second).allSatisfy { $0.statedValue == $1.statedValue }
            || Set(first.map(\.unit) + second.map(\.unit)).contains { unit in
                let (one, other) = (first.filter { $0.unit == unit }, second.filter { $0.unit == unit })
                // A unit that only one prompt names leaves nothing to tell the order by.
                return one.count == other.count ? !zip(one, other).allSatisfy { $0.matches($1) } : false
            }
        return differs ? "numbers are arranged differently: " + PromptPair.shown(first.map(\.shown), second.map(\.shown)) : nil
    }

    private static func quantities(_ facts: [NumberFact]) -> [NumberFact] {
        facts.indices.filter { index in
            guard facts[index].kind == .quantity, !facts[index].isWeak else { return false }
            return !facts[max(0, index - 2)...min(facts.count - 1, index + 2)].contains { $0.kind == .month }
        }.map { facts[$0] }
    }
}
