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
        let onlyAsked = Self.surplus(pair.askedSide)
        let onlyCached = Self.surplus(pair.cachedSide)
        let lists = WordLists.shared
        var agreed = 0
        for first in onlyAsked {
            let a = pair.asked.tokens[first.token]
            let opposites = a.traits.contains(.opposite) ? lists.oppositesByStem[a.stem] ?? [] : []
            for second in onlyCached where !opposites.isEmpty || first.mayHaveAffix || second.mayHaveAffix {
                let b = pair.cached.tokens[second.token]
                guard opposites.contains(b.stem) || Affix.oppose(a.text, b.text) else { continue }
                // "not happy" and "unhappy" agree: the negator in front of the one makes up for the opposite.
                if Self.isNegated(first.token, pair.asked) == Self.isNegated(second.token, pair.cached) {
                    return "opposites: \(a.text) / \(b.text)"
                }
                agreed += 1
            }
        }
        for phrase in pair.asked.openedPhrases where pair.cached.openedPhrases.contains(phrase) {
            let phrase = lists.oppositePhrases[phrase]
            if phrase.mayStand(in: pair), let found = phrase.opposed(pair) { return "opposites: \(found)" }
        }
        return negation(pair, agreed: agreed)
    }

    private func negation(_ pair: PromptPair, agreed: Int) -> String? {
        let asked = pair.asked.negators
        let cached = pair.cached.negators
        guard (asked.count + cached.count + agreed) % 2 != 0, pair.changedWords <= 2 else { return nil }
        return "negation differs: " + PromptPair.shown(asked.map { pair.asked.shown($0) }, cached.map { pair.cached.shown($0) })
    }

    /// Whether one of the three words before it negates.
    private static func isNegated(_ index: Int, _ prompt: PromptTokens) -> Bool {
        prompt.negators.contains { $0 < index && index - $0 <= 3 }
    }

    private struct SurplusWord {
        let token: Int
        let mayHaveAffix: Bool
    }

    /// Words that stand more often in one prompt than in the other.
    private static func surplus(_ side: PromptPair.Side) -> [SurplusWord] {
        let tokens = side.prompt.tokens
        return tokens.indices.lazy.filter { tokens[$0].isWord && side.isSurplus($0) }.prefix(64)
            .map { SurplusWord(token: $0, mayHaveAffix: Affix.mayStand(in: tokens[$0].text)) }
    }
}

/// Opposites made by a prefix or suffix: "suitable" and "unsuitable", "careful" and "careless".
enum Affix {
    private static let prefixes = ["un", "in", "im", "ir", "il", "dis", "non", "de", "mis"]

    /// A quick look: whether the word begins or ends as one that was made an opposite.
    static func mayStand(in word: String) -> Bool { word.hasSuffix("less") || prefixes.contains { word.hasPrefix($0) } }

    /// Whether one word is the other with a negating prefix or suffix, and not on the list of lookalikes.
    static func oppose(_ a: String, _ b: String) -> Bool {
        if a.utf8.count > b.utf8.count { return oppose(b, a) }
        guard a.utf8.count >= 3, b.utf8.count <= a.utf8.count + 4,
            a.utf8.first != b.utf8.first || b.hasSuffix("less")
        else { return false }
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

    /// The first word of either side.
    var openings: [String] { [first, second].compactMap(\.first) }

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

    /// A quick look: whether the first word of the one phrase stands in one prompt, and that of the other phrase in the other prompt.
    func mayStand(in pair: PromptPair) -> Bool {
        guard let a = first.first, let b = second.first else { return false }
        return pair.asked.terms.contains(a) && pair.cached.terms.contains(b) || pair.asked.terms.contains(b) && pair.cached.terms.contains(a)
    }

    /// The opposed phrases, asked first, when one prompt has the one and the other prompt the other, and neither has both.
    func opposed(_ pair: PromptPair) -> String? {
        let asked = standing(in: pair.asked)
        let cached = standing(in: pair.cached)
        if asked == (true, false), cached == (false, true) { return "\(first.joined(separator: " ")) / \(second.joined(separator: " "))" }
        if asked == (false, true), cached == (true, false) { return "\(second.joined(separator: " ")) / \(first.joined(separator: " "))" }
        return nil
    }

    /// Which of the two stand in the prompt. "self-employed" holds "employed", and then only the longer one counts.
    private func standing(in prompt: PromptTokens) -> (Bool, Bool) {
        let hasFirst = Self.stands(first, in: prompt)
        let hasSecond = Self.stands(second, in: prompt)
        guard hasFirst, hasSecond else { return (hasFirst, hasSecond) }
        // "turn off 2FA on my phone" holds "turn ... on" too; the words side by side decide.
        let isFirstTight = Self.stands(first, in: prompt, gap: 0)
        let isSecondTight = Self.stands(second, in: prompt, gap: 0)
        if isFirstTight != isSecondTight { return (isFirstTight, isSecondTight) }
        return (!first.allSatisfy(second.contains), !second.allSatisfy(first.contains))
    }

    private static func stands(_ phrase: [String], in prompt: PromptTokens, gap: Int = 3) -> Bool {
        let gap = phrase.count == 2 ? gap + 1 : 1
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
