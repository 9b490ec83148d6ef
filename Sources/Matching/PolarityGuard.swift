package import SemanticCache

/// Fires when one prompt negates or opposes the other.
///
/// Negation: an odd number of negators in one and an even number in the other, with at most two other content words changed; beyond that a
/// negated wording is often an honest paraphrase ("not included", "extra costs"). Opposites: one prompt has "enable" where the other has
/// "disable", by the list or by prefix and suffix.
package struct PolarityGuard: HardGuard {
    package init() {}

    package var name: String { "polarity" }
    package var reason: MissReason { .polarityDiffers }

    package func finding(in pair: PromptPair) -> String? {
        opposites(pair) ?? negation(pair)
    }

    private func negation(_ pair: PromptPair) -> String? {
        let asked = pair.asked.negators
        let cached = pair.cached.negators
        guard asked.count % 2 != cached.count % 2, pair.changedWords <= 2 else { return nil }
        return "negation differs: " + PromptPair.shown(asked.map { pair.asked.shown($0) }, cached.map { pair.cached.shown($0) })
    }

    private func opposites(_ pair: PromptPair) -> String? {
        let asked = Self.counts(pair.asked)
        let cached = Self.counts(pair.cached)
        let lists = WordLists.shared
        let onlyAsked = Self.surplus(asked, cached, pair.asked)
        let onlyCached = Self.surplus(cached, asked, pair.cached)
        for first in onlyAsked {
            for second in onlyCached {
                if lists.oppositesByStem[first.stem]?.contains(second.stem) == true || Affix.oppose(first.text, second.text) {
                    return "opposites: \(first.text) / \(second.text)"
                }
            }
        }
        for phrase in lists.oppositePhrases where phrase.mayStand(in: pair) {
            if let found = phrase.opposed(pair) { return "opposites: \(found)" }
        }
        return nil
    }

    private static func counts(_ prompt: PromptTokens) -> [String: Int] {
        var counts: [String: Int] = [:]
        for token in prompt.tokens where token.kind == .word { counts[token.stem, default: 0] += 1 }
        return counts
    }

    /// Words that stand more often in one prompt than in the other.
    private static func surplus(_ counts: [String: Int], _ others: [String: Int], _ prompt: PromptTokens) -> [Token] {
        Array(prompt.tokens.lazy.filter { $0.kind == .word && counts[$0.stem] ?? 0 > others[$0.stem] ?? 0 }.prefix(64))
    }
}

/// Opposites made by a prefix or suffix: "suitable" and "unsuitable", "careful" and "careless".
enum Affix {
    private static let prefixes = ["un", "in", "im", "ir", "il", "dis", "non", "de", "mis"]

    /// Whether one word is the other with a negating prefix or suffix, and not on the list of lookalikes.
    static func oppose(_ a: String, _ b: String) -> Bool {
        if a.utf8.count > b.utf8.count { return oppose(b, a) }
        guard a.utf8.count >= 2, b.utf8.count <= a.utf8.count + 4, a.utf8.first != b.utf8.first || b.hasSuffix("less") else { return false }
        let isPrefixed = prefixes.contains { b.utf8.count == a.utf8.count + $0.utf8.count && b.hasPrefix($0) && b.hasSuffix(a) }
        let isLess = b.hasSuffix("less") && (a + "less" == b || a.hasSuffix("ful") && a.dropLast(3) + "less" == b)
        guard isPrefixed || isLess else { return false }
        return !WordLists.shared.lookalikes.contains("\(a) \(b)")
    }
}

/// A pair of opposites of which at least one is a phrase. Two words of a phrase may have up to three others in between.
package struct OppositePhrase: Sendable {
    private let first: [String]
    private let second: [String]

    /// Sorts the list into pairs of single words, by stem and both ways, and the rest.
    static func index(_ antonyms: [WordLists.Antonym]) -> ([String: [String]], [OppositePhrase]) {
        var byStem: [String: [String]] = [:]
        var phrases: [OppositePhrase] = []
        for pair in antonyms {
            let first = PromptLexer.tokens(of: pair.first).map(\.stem)
            let second = PromptLexer.tokens(of: pair.second).map(\.stem)
            if first.count == 1, second.count == 1 {
                byStem[first[0], default: []].append(second[0])
                byStem[second[0], default: []].append(first[0])
            } else {
                phrases.append(OppositePhrase(first: first, second: second))
            }
        }
        return (byStem, phrases)
    }

    /// A quick look: whether every word of the pair stands in one of the prompts.
    func mayStand(in pair: PromptPair) -> Bool {
        guard let a = first.first, let b = second.first else { return false }
        return pair.asked.stems.contains(a) && pair.cached.stems.contains(b) || pair.asked.stems.contains(b) && pair.cached.stems.contains(a)
    }

    /// The opposed phrases, asked first, when one prompt has the one and the other prompt the other, and neither has both.
    func opposed(_ pair: PromptPair) -> String? {
        let asked = (Self.stands(first, in: pair.asked), Self.stands(second, in: pair.asked))
        let cached = (Self.stands(first, in: pair.cached), Self.stands(second, in: pair.cached))
        if asked == (true, false), cached == (false, true) { return "\(first.joined(separator: " ")) / \(second.joined(separator: " "))" }
        if asked == (false, true), cached == (true, false) { return "\(second.joined(separator: " ")) / \(first.joined(separator: " "))" }
        return nil
    }

    private static func stands(_ phrase: [String], in prompt: PromptTokens) -> Bool {
        let gap = phrase.count == 2 ? 4 : 1
        for start in prompt.tokens.indices where prompt.tokens[start].stem == phrase[0] {
            var index = start
            var found = true
            for word in phrase.dropFirst() {
                let end = min(prompt.tokens.count, index + 1 + gap)
                guard let next = (index + 1..<max(end, index + 1)).first(where: { prompt.tokens[$0].stem == word }) else {
                    found = false
                    break
                }
                index = next
            }
            if found { return true }
        }
        return false
    }
}
