package import SemanticCache

/// Fires when the prompts name different things: words with a capital inside a sentence, acronyms, words in another script.
///
/// A name counts as shared when the other prompt has the word in any case, so that prompts typed in lower case are not refused.
package struct NamesGuard: HardGuard {
    package init() {}

    package var name: String { "names" }
    package var reason: MissReason { .namesDiffer }

    package func finding(in pair: PromptPair) -> String? {
        let onlyAsked = Self.missing(pair.askedSide)
        let onlyCached = Self.missing(pair.cachedSide)
        if onlyAsked.isEmpty, onlyCached.isEmpty { return nil }
        if onlyAsked.isEmpty || onlyCached.isEmpty {
            // One prompt has a name more. Where the wording changed too, it may be a paraphrase ("HTTP 405", "405 error").
            let isAddedOrReplaced =
                onlyAsked.isEmpty
                ? Self.isReplaced(names: onlyCached, pair.cached, words: pair.onlyCached, others: pair.onlyAsked)
                : Self.isReplaced(names: onlyAsked, pair.asked, words: pair.onlyAsked, others: pair.onlyCached)
            guard isAddedOrReplaced else { return nil }
        }
        return "names differ: " + PromptPair.shown(onlyAsked.map { pair.asked.shown($0) }, onlyCached.map { pair.cached.shown($0) })
    }

    private static func missing(_ side: PromptPair.Side) -> [Int] {
        side.prompt.names.filter { index in
            guard !side.isShared(index), !isRole(index, side) else { return false }
            // "British" and "UK" are two names of one thing.
            return !side.prompt.things.contains { thing in
                thing.token == index && side.other.things.contains { $0.kind == thing.kind && $0.thing == thing.thing }
            }
        }
    }

    /// "the CEO of Microsoft", "Microsoft's CEO": an acronym bound to a name that both prompts have says what of it is meant, and is no name itself.
    private static func isRole(_ index: Int, _ side: PromptPair.Side) -> Bool {
        let tokens = side.prompt.tokens
        guard tokens[index].isUpperCase else { return false }
        func isSharedName(_ place: Int) -> Bool { tokens.indices.contains(place) && side.prompt.names.contains(place) && side.isShared(place) }
        if isSharedName(index - 1), tokens[index - 1].range.count > tokens[index - 1].text.utf8.count { return true }
        guard index + 1 < tokens.count, tokens[index + 1].text == "of" else { return false }
        var place = index + 2
        while place < tokens.count, tokens[place].traits.contains(.article) { place += 1 }
        return isSharedName(place)
    }

    /// Whether all that the one prompt lost are names, and the other put no more words in their place.
    private static func isReplaced(
        names: [Int], _ prompt: PromptTokens, words: [PromptTokens.ContentWord], others: [PromptTokens.ContentWord]
    ) -> Bool {
        words.allSatisfy { names.contains($0.token) } && others.count <= words.count
    }
}
