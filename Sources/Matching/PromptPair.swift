/// Two prompts side by side: the asked one and the best neighbour's, with what only one of them has.
package struct PromptPair: Sendable {
    package let asked: PromptTokens
    package let cached: PromptTokens
    /// Content words without a partner in the other prompt; a word that stands twice needs two partners.
    package let onlyAsked: [PromptTokens.ContentWord]
    package let onlyCached: [PromptTokens.ContentWord]
    let askedSide: Side
    let cachedSide: Side

    /// One prompt of the pair, as it looks beside the other.
    struct Side: Sendable {
        let prompt: PromptTokens
        let other: PromptTokens
        /// For each term of the prompt the number of the same one in the other.
        fileprivate let partners: [Int?]

        /// Whether a token's stem stands in the other prompt.
        func isShared(_ token: Int) -> Bool { partners[prompt.terms.ofTokens[token]] != nil }

        /// Whether more words of this prompt than of the other have the token's stem.
        func isSurplus(_ token: Int) -> Bool {
            let term = prompt.terms.ofTokens[token]
            return prompt.terms.all[term].words > (partners[term].map { other.terms.all[$0].words } ?? 0)
        }

        fileprivate func unmatched() -> [PromptTokens.ContentWord] {
            var left = other.terms.all.map(\.contentWords)
            return prompt.content.filter { word in
                guard let partner = partners[prompt.terms.ofTokens[word.token]], left[partner] > 0 else { return true }
                left[partner] -= 1
                return false
            }
        }
    }

    package init(asked: PromptTokens, cached: PromptTokens) {
        self.asked = asked
        self.cached = cached
        let partners = asked.terms.partners(in: cached.terms)
        askedSide = Side(prompt: asked, other: cached, partners: partners)
        cachedSide = Side(prompt: cached, other: asked, partners: cached.terms.partners(from: partners))
        onlyAsked = askedSide.unmatched()
        onlyCached = cachedSide.unmatched()
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
}
