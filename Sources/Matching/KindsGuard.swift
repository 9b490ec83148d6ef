package import SemanticCache

/// Fires when the prompts are about different things of one kind: another country, another animal, another audience (`Words/kinds.txt`).
package struct KindsGuard: HardGuard {
    package init() {}

    package var name: String { "kinds" }
    package var reason: MissReason { .namesDiffer }

    package func finding(in pair: PromptPair) -> String? {
        if pair.asked.things.isEmpty, pair.cached.things.isEmpty { return nil }
        let onlyAsked = Self.missing(pair.askedSide)
        let onlyCached = Self.missing(pair.cachedSide)
        if onlyAsked.isEmpty, onlyCached.isEmpty { return nil }
        for (index, kind) in WordLists.shared.kinds.enumerated() {
            let first = onlyAsked.filter { $0.kind == index }
            let second = onlyCached.filter { $0.kind == index }
            let differs: Bool
            switch kind.rule {
            case .equal: differs = !first.isEmpty || !second.isEmpty
            case .exclusive: differs = !first.isEmpty && !second.isEmpty
            case .near: differs = !first.isEmpty && !second.isEmpty && pair.changedWords <= 2
            }
            if differs { return "\(kind.name) differs: " + PromptPair.shown(first.map(\.thing), second.map(\.thing)) }
        }
        return nil
    }

    private static func missing(_ side: PromptPair.Side) -> [PromptTokens.Thing] {
        side.prompt.things.filter { thing in
            // A word whose capital was needed may stand in small letters in the other prompt.
            !side.isShared(thing.token) && !side.other.things.contains { $0.kind == thing.kind && $0.thing == thing.thing }
        }
    }
}
