package import SemanticCache

/// Fires when the same things change places: "from Paris to Rome" and "from Rome to Paris".
package struct OrderGuard: HardGuard {
    package init() {}

    package var name: String { "order" }
    package var reason: MissReason { .orderDiffers }

    package func finding(in pair: PromptPair) -> String? {
        Self.roleSwap(pair) ?? Self.exchange(pair) ?? Self.turned(pair) ?? Self.doer(pair) ?? Self.person(pair) ?? Self.sides(pair)
            ?? Self.subject(pair) ?? Self.asksForDoer(pair)
    }

    /// "to savings" and "from savings", "by me" and "to me": the same thing at the other end.
    private static func turned(_ pair: PromptPair) -> String? {
        let asked = ends(pair.asked)
        let cached = ends(pair.cached)
        for (thing, words) in asked.sorted(by: { $0.key < $1.key }) {
            guard let others = cached[thing], words.isDisjoint(with: others) else { continue }
            for word in words.sorted() {
                if let other = others.sorted().first(where: { opposite[word]?.contains($0) ?? false }) {
                    return "direction differs: \(word) \(thing) / \(other) \(thing)"
                }
            }
        }
        return nil
    }

    /// The words that say at which end a thing stands, and those that say the other end.
    static let opposite: [String: Set<String>] = [
        "to": ["from", "by"], "from": ["to", "by", "into"], "by": ["to", "from", "for"], "into": ["from"], "for": ["by", "against"],
        "against": ["for"],
    ]

    /// What each thing or person stands after, articles passed over.
    private static func ends(_ prompt: PromptTokens) -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for (index, token) in prompt.tokens.enumerated() where token.traits.contains(.direction) {
            var next = index + 1
            while next < prompt.tokens.count, prompt.tokens[next].traits.contains(.article) { next += 1 }
            if next < prompt.tokens.count { found[prompt.tokens[next].stem, default: []].insert(token.text) }
        }
        return found
    }

    /// "did Google acquire" and "acquired Google": a name and the word beside it changed places, all other words of content staying where they were.
    private static func doer(_ pair: PromptPair) -> String? {
        guard let moved = exchanged(pair) else { return nil }
        let asked = pair.asked.content
        guard moved[1] == moved[0] + 1,
            // Side by side: a little word between them would say itself who does what.
            [pair.asked, pair.cached].allSatisfy({ $0.content[moved[1]].token == $0.content[moved[0]].token + 1 }),
            moved.filter({ isThing(asked[$0].stem, pair) }).count == 1,
            // A word that is asked for after the verb ("did", "does") says that the name does it.
            pair.asked.tokens.contains(where: { isAuxiliary($0.text) }) != pair.cached.tokens.contains(where: { isAuxiliary($0.text) })
        else { return nil }
        return "order differs: \(asked[moved[0]].stem) \(asked[moved[1]].stem) / \(asked[moved[1]].stem) \(asked[moved[0]].stem)"
    }

    /// "Can I sue my employer" and "can my employer sue me": the same words, and who acts in one is acted upon in the other.
    private static func person(_ pair: PromptPair) -> String? {
        guard pair.changedWords == 0, pair.asked.tokens.count <= 256 else { return nil }
        for (doer, receiver) in persons {
            func turns(_ one: PromptTokens, _ other: PromptTokens) -> Bool {
                func place(_ word: String, _ prompt: PromptTokens) -> Int? { prompt.tokens.firstIndex { $0.text == word } }
                guard let acts = place(doer, one), place(receiver, one) == nil, let suffers = place(receiver, other), place(doer, other) == nil else {
                    return false
                }
                if doer == "who" {
                    // "By whom" is who did it, and "whom does the manager report to" is not who reports.
                    return suffers == 0 || other.tokens[suffers - 1].text != "by"
                }
                // "I sue", "sue me": the same verb on either side.
                return suffers > 0 && one.tokens[acts...].dropFirst().prefix(3).contains { $0.stem == other.tokens[suffers - 1].stem }
            }
            if turns(pair.asked, pair.cached) { return "who does it differs: \(doer) / \(receiver)" }
            if turns(pair.cached, pair.asked) { return "who does it differs: \(receiver) / \(doer)" }
        }
        return nil
    }

    private static let persons = [("i", "me"), ("we", "us"), ("he", "him"), ("she", "her"), ("they", "them"), ("who", "whom")]

    private static func isAuxiliary(_ word: String) -> Bool { word == "do" || word == "does" || word == "did" }

    /// A direction word that is followed by another of the things that both prompts have.
    private static func roleSwap(_ pair: PromptPair) -> String? {
        let asked = roles(pair.asked)
        let cached = roles(pair.cached)
        for (role, things) in asked {
            guard let others = cached.first(where: { $0.role == role })?.things else { continue }
            let moved = things.filter { !others.contains($0) && pair.cached.terms.contains($0) }.prefix(8)
            let replaced = others.filter { !things.contains($0) && pair.asked.terms.contains($0) }.prefix(8)
            for moved in moved {
                guard let replaced = replaced.first(where: { isPlaced(role, moved, $0, pair, asked, cached) }) else { continue }
                return "order differs: \(role) \(moved) / \(role) \(replaced)"
            }
        }
        return nil
    }

    /// Whether the two words really changed places. "to" and "by" stand before verbs too, so there either word must have another direction word
    /// in the other place, or both must be names or things; words side by side ("male British accent") are one phrase.
    private static func isPlaced(
        _ role: String, _ moved: String, _ replaced: String, _ pair: PromptPair, _ asked: [(role: String, things: [String])],
        _ cached: [(role: String, things: [String])]
    ) -> Bool {
        if areAdjacent(moved, replaced, pair.asked) || areAdjacent(moved, replaced, pair.cached) { return false }
        if role == "than" || role.hasPrefix("beat") || role.hasPrefix("defeat") { return true }
        if asked.contains(where: { $0.role != role && $0.things.contains(replaced) })
            || cached.contains(where: { $0.role != role && $0.things.contains(moved) })
        {
            return true
        }
        return isThing(moved, pair) && isThing(replaced, pair)
    }

    private static func isThing(_ stem: String, _ pair: PromptPair) -> Bool {
        for prompt in [pair.asked, pair.cached] {
            if prompt.names.contains(where: { prompt.tokens[$0].stem == stem })
                || prompt.things.contains(where: { prompt.tokens[$0.token].stem == stem })
            {
                return true
            }
            if prompt.tokens.contains(where: { $0.stem == stem && $0.kind != .word }) { return true }
        }
        return false
    }

    private static func areAdjacent(_ a: String, _ b: String, _ prompt: PromptTokens) -> Bool {
        prompt.tokens.indices.dropLast().contains { index in
            let first = prompt.tokens[index].stem
            let second = prompt.tokens[index + 1].stem
            return first == a && second == b || first == b && second == a
        }
    }

    private static func roles(_ prompt: PromptTokens) -> [(role: String, things: [String])] {
        var found: [(role: String, things: [String])] = []
        for word in prompt.content {
            // The direction word is the last one before this content word, with nothing but articles in between.
            var index = word.token - 1
            while index >= 0, prompt.tokens[index].traits.contains(.article) { index -= 1 }
            guard index >= 0, prompt.tokens[index].traits.contains(.role) else { continue }
            let role = prompt.tokens[index].text
            if let known = found.firstIndex(where: { $0.role == role }) {
                found[known].things.append(word.stem)
            } else {
                found.append((role, [word.stem]))
            }
        }
        return found
    }

    /// What may stand between a direction word and its thing.
    static let articles = ["a", "an", "the", "my", "your", "our", "his", "her", "their", "its", "this", "that", "some"]

    /// The same words in the same order, but for two that changed places with no "and", "or" or "vs" between them.
    private static func exchange(_ pair: PromptPair) -> String? {
        guard let moved = exchanged(pair) else { return nil }
        let asked = pair.asked.content
        let cached = pair.cached.content
        guard !isListed(pair.asked, asked[moved[0]].token, asked[moved[1]].token),
            !isListed(pair.cached, cached[moved[0]].token, cached[moved[1]].token),
            sameFrame(pair, moved), !areAdjacent(asked[moved[0]].stem, asked[moved[1]].stem, pair.asked)
        else { return nil }
        return "order differs: \(asked[moved[0]].stem), \(asked[moved[1]].stem) / \(asked[moved[1]].stem), \(asked[moved[0]].stem)"
    }

    /// Where the two words of content stand that changed places, when all others stand where they stood.
    private static func exchanged(_ pair: PromptPair) -> [Int]? {
        let asked = pair.asked.content
        let cached = pair.cached.content
        guard pair.changedWords == 0, asked.count == cached.count, asked.count > 1, asked.count <= 256 else { return nil }
        let moved = asked.indices.filter { asked[$0].stem != cached[$0].stem }
        guard moved.count == 2, asked[moved[0]].stem == cached[moved[1]].stem, asked[moved[1]].stem == cached[moved[0]].stem else { return nil }
        return moved
    }

    private static func isListed(_ prompt: PromptTokens, _ from: Int, _ to: Int) -> Bool {
        prompt.tokens[(from + 1)..<to].contains { ["and", "or", "vs", "with", "nor", "between"].contains($0.text) }
    }

    /// Whether the little words around the exchanged things are the same too; a turned sentence ("on my phone, how ...") has them moved.
    private static func sameFrame(_ pair: PromptPair, _ moved: [Int]) -> Bool {
        func frame(_ prompt: PromptTokens) -> [String] {
            let holes = Set(moved.map { prompt.content[$0].token })
            return prompt.tokens.indices.map { holes.contains($0) ? "" : prompt.tokens[$0].stem }
        }
        return frame(pair.asked) == frame(pair.cached)
    }
}
