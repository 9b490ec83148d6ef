/// Two prompts side by side: the asked one and the best neighbour's, with the content words that only one of them has.
package struct PromptPair: Sendable {
    package let asked: PromptTokens
    package let cached: PromptTokens
    /// Content words without a partner in the other prompt; a word that stands twice needs two partners.
    package let onlyAsked: [PromptTokens.ContentWord]
    package let onlyCached: [PromptTokens.ContentWord]

    package init(asked: PromptTokens, cached: PromptTokens) {
        self.asked = asked
        self.cached = cached
        onlyAsked = Self.unmatched(asked.content, cached.content)
        onlyCached = Self.unmatched(cached.content, asked.content)
    }

    /// Content words that were changed from one prompt to the other: the larger of what was added and what was taken away.
    package var changedWords: Int { max(onlyAsked.count, onlyCached.count) }

    /// Both sides for a sentence of the evidence: "48213 / 48231"; a dash where a side has nothing.
    package static func shown(_ asked: [String], _ cached: [String]) -> String {
        func side(_ words: [String]) -> String {
            guard !words.isEmpty else { return "-" }
            let shown = words.prefix(6).map { $0.count > 60 ? String($0.prefix(60)) + "..." : $0 }.joined(separator: ", ")
            return words.count > 6 ? shown + ", ..." : shown
        }
        return "\(side(asked)) / \(side(cached))"
    }

    private static func unmatched(_ words: [PromptTokens.ContentWord], _ others: [PromptTokens.ContentWord]) -> [PromptTokens.ContentWord] {
        var left: [String: Int] = [:]
        for other in others { left[other.stem, default: 0] += 1 }
        return words.filter { word in
            guard let count = left[word.stem], count > 0 else { return true }
            left[word.stem] = count - 1
            return false
        }
    }
}
