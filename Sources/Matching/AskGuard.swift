package import SemanticCache

/// Fires when the prompts ask for different kinds of things: how and why, where and when, a list and a number, a summary and a translation.
///
/// Where the words changed too, only kinds that nobody takes for each other count; where hardly a word did, the question word is what differs.
package struct AskGuard: HardGuard {
    package init() {}

    package var name: String { "ask" }
    package var reason: MissReason { .askDiffers }

    package func finding(in pair: PromptPair) -> String? {
        let (asked, cached) = (pair.asked.ask, pair.cached.ask)
        // The "long" of "how long" belongs to the question word.
        func changed(_ words: [PromptTokens.ContentWord], _ prompt: PromptTokens) -> Int {
            words.count { $0.token == 0 || prompt.tokens[$0.token - 1].text != "how" }
        }
        let count = max(changed(pair.onlyAsked, pair.asked), changed(pair.onlyCached, pair.cached))
        if asked.differs(from: cached, changed: count) {
            return "what is asked differs: " + PromptPair.shown(asked.kinds.map(\.rawValue).sorted(), cached.kinds.map(\.rawValue).sorted())
        }
        return Tense.finding(pair) ?? Bounds.finding(pair) ?? Degrees.finding(pair) ?? both(pair)
    }
}

extension AskGuard {
    /// "cats or dogs", "both cats and dogs".
    private func both(_ pair: PromptPair) -> String? {
        func hold(_ prompt: PromptTokens, _ word: String) -> Bool { prompt.tokens.contains { $0.text == word } }
        func asksForBoth(_ prompt: PromptTokens) -> Bool { hold(prompt, "both") && hold(prompt, "and") && !hold(prompt, "or") }
        func asksForEither(_ prompt: PromptTokens) -> Bool { hold(prompt, "or") && !hold(prompt, "both") }
        guard asksForBoth(pair.asked) && asksForEither(pair.cached) || asksForEither(pair.asked) && asksForBoth(pair.cached), pair.changedWords <= 2
        else { return nil }
        return "both or either"
    }
}

/// When it happens: "did the Fed raise" and "will the Fed raise".
enum Tense {
    static func finding(_ pair: PromptPair) -> String? {
        guard pair.changedWords <= 2, let asked = auxiliary(pair.asked.tokens), let cached = auxiliary(pair.cached.tokens), asked != cached else {
            return nil
        }
        let kinds: Set<String> = [asked, cached]
        let isSure = kinds == ["past", "future"] || pair.changedWords == 0 && (kinds == ["past", "advice"] || kinds == ["leave", "duty"])
        return isSure ? "tense or modality differs: \([asked, cached].joined(separator: " / "))" : nil
    }

    /// What the first auxiliary says; `nil` where it says nothing of time or will.
    private static func auxiliary(_ tokens: [Token]) -> String? {
        for token in tokens.prefix(24) {
            switch token.text {
            case "did", "was", "were", "had": return "past"
            case "will", "shall": return "future"
            case "should", "ought": return "advice"
            case "can", "may": return "leave"
            case "must", "need": return "duty"
            case "do", "does", "is", "are", "has", "have", "could", "would": return "other"
            default: continue
            }
        }
        return nil
    }
}

/// What a number bounds: "at least 100 GB", "at most 100 GB", "exactly 100 GB".
enum Bounds {
    private enum Bound: String { case least, most, exactly }

    static func finding(_ pair: PromptPair) -> String? {
        guard !pair.asked.facts.isEmpty, !pair.cached.facts.isEmpty else {
            // "From what age" and "up to what age" bound a number that is asked for.
            return nil
        }
        let (share, other) = (ofShare(pair.asked.tokens), ofShare(pair.cached.tokens))
        if let share, let other, share != other { return "shares differ: \(share) / \(other)" }
        let (asked, cached) = (bounds(pair.asked.tokens), bounds(pair.cached.tokens))
        guard !asked.isEmpty, !cached.isEmpty, asked.isDisjoint(with: cached) else { return nil }
        return "bounds differ: " + PromptPair.shown(asked.map(\.rawValue).sorted(), cached.map(\.rawValue).sorted())
    }

    /// "15 percent of", "15 percent more than", "15 percent off".
    private static func ofShare(_ tokens: [Token]) -> String? {
        for index in tokens.indices.dropLast() {
            var isShare = ["percent", "%", "percentage"].contains(tokens[index].text)
            if case .number(let number) = tokens[index].kind, number.unit?.base == "percent" { isShare = true }
            guard isShare else { continue }
            switch tokens[index + 1].text {
            case "of": return "of"
            case "more", "above", "over", "plus", "higher", "greater": return "more"
            case "less", "off", "below", "under", "minus", "lower": return "less"
            default: continue
            }
        }
        return nil
    }

    private static func bounds(_ tokens: [Token]) -> Set<Bound> {
        var found: Set<Bound> = []
        for index in tokens.indices {
            let next = index + 1 < tokens.count ? tokens[index + 1].text : ""
            let isBeforeNumber = index + 1 < tokens.count && tokens[index + 1].kind != .word
            switch tokens[index].text {
            case "at" where next == "least": found.insert(.least)
            case "at" where next == "most", "up" where next == "to": found.insert(.most)
            case "minimum", "min", "exceed", "exceeds", "exceeding": found.insert(.least)
            case "maximum", "max": found.insert(.most)
            case "or" where next == "more" || next == "above" || next == "over": found.insert(.least)
            case "or" where next == "less" || next == "fewer" || next == "below" || next == "under": found.insert(.most)
            case "more" where next == "than", "greater" where next == "than", "bigger" where next == "than":
                found.insert(index > 0 && tokens[index - 1].text == "no" ? .most : .least)
            case "less" where next == "than", "fewer" where next == "than":
                found.insert(index > 0 && tokens[index - 1].text == "no" ? .least : .most)
            case "over" where isBeforeNumber, "above" where isBeforeNumber: found.insert(.least)
            case "under" where isBeforeNumber, "below" where isBeforeNumber, "within" where isBeforeNumber: found.insert(.most)
            case "exactly" where isBeforeNumber, "precisely" where isBeforeNumber: found.insert(.exactly)
            default: continue
            }
        }
        return found
    }
}
