/// Who does it: the subject of a question, and what stands on either side of a verb.
extension OrderGuard {
    /// "Can a patient refuse ..." and "can a doctor refuse ...", where each prompt names both: another one acts.
    static func subject(_ pair: PromptPair) -> String? {
        guard !isPassive(pair.asked), !isPassive(pair.cached), let asked = subject(pair.asked), let cached = subject(pair.cached) else { return nil }
        let (one, other) = (pair.asked.tokens[asked], pair.cached.tokens[cached])
        guard one.stem != other.stem, pair.askedSide.isShared(asked), pair.cachedSide.isShared(cached), pair.changedWords <= 2 else { return nil }
        return "who does it differs: \(one.text) / \(other.text)"
    }

    /// Where the subject after "can", "does", "should" stands, when it is a word of content and not one of several.
    private static func subject(_ prompt: PromptTokens) -> Int? {
        let tokens = prompt.tokens
        guard let auxiliary = tokens.indices.first(where: { Self.auxiliaries.contains(tokens[$0].text) }), auxiliary < 4 else { return nil }
        // "You can read": told, and not asked.
        guard auxiliary == 0 || tokens[..<auxiliary].contains(where: { ["who", "what", "which", "when", "where", "why", "how"].contains($0.text) })
        else {
            return nil
        }
        var index = auxiliary + 1
        if index < tokens.count, tokens[auxiliary].text == "is" || tokens[auxiliary].text == "are" {
            // "Is a patient allowed to".
            guard tokens.contains(where: { ["allowed", "able", "entitled", "permitted"].contains($0.text) }) else { return nil }
        }
        while index < tokens.count, tokens[index].traits.contains(.article) { index += 1 }
        guard index + 1 < tokens.count, tokens[index].kind == .word, prompt.isContent(index), !["or", "and", "of"].contains(tokens[index + 1].text)
        else { return nil }
        return index
    }

    private static let auxiliaries: Set<String> = ["do", "does", "did", "can", "could", "should", "must", "may", "will", "is", "are"]

    private static func isPassive(_ prompt: PromptTokens) -> Bool { prompt.tokens.contains { $0.text == "by" } }

    /// "The cat chases the mouse", "the mouse is chased by the cat" and "the mouse chases the cat": one word of content between two others, which
    /// change sides, or stay while the verb turns passive.
    static func sides(_ pair: PromptPair) -> String? {
        // All three words must stand in both.
        guard pair.asked.content.count - pair.onlyAsked.count >= 2 else { return nil }
        let asked = triples(pair.asked)
        guard !asked.isEmpty else { return nil }
        let cached = triples(pair.cached)
        for (verb, one) in asked.sorted(by: { $0.key < $1.key }) {
            guard let other = cached[verb] else { continue }
            let isTurned = one.first == other.second && one.second == other.first && one.first != one.second
            let isKept = one.first == other.first && one.second == other.second
            let differs = isTurned && one.isPassive == other.isPassive || isKept && one.isPassive != other.isPassive
            if differs { return "who does what to whom differs: \(one.first) \(verb) \(one.second) / \(other.first) \(verb) \(other.second)" }
        }
        return nil
    }

    private struct Triple {
        let first: String
        let second: String
        let isPassive: Bool
    }

    /// For each word of content those beside it, at most three tokens away and in its sentence; words that stand twice are left out.
    private static func triples(_ prompt: PromptTokens) -> [String: Triple] {
        var found: [String: Triple] = [:]
        var seen: Set<String> = []
        let content = prompt.content
        guard content.count >= 3, content.count <= 64 else { return [:] }
        for place in 1..<content.count - 1 {
            let (before, verb, after) = (content[place - 1], content[place], content[place + 1])
            // "chased" and "chases" have stems that differ in the vowel.
            let key = verb.stem.hasSuffix("e") ? String(verb.stem.dropLast()) : verb.stem
            guard seen.insert(key).inserted else {
                found[key] = nil
                continue
            }
            guard verb.token - before.token <= 4, after.token - verb.token <= 4,
                !prompt.tokens[(before.token + 1)...after.token].contains(where: \.startsSentence)
            else { continue }
            let between = prompt.tokens[(before.token + 1)..<verb.token].map(\.text)
            let behind = prompt.tokens[(verb.token + 1)..<after.token].map(\.text)
            // "A vs B", "and", "or": two of a kind, and no verb between them.
            guard verb.stem != "vs", !(between + behind).contains(where: { ["and", "or", "vs", "with"].contains($0) }) else { continue }
            // "Was Brahms influenced by" as well as "Brahms was influenced by".
            let around = between + prompt.tokens[max(0, before.token - 2)..<before.token].map(\.text)
            let isPassive =
                behind.first == "by" && around.contains { ["is", "are", "was", "were", "be", "been", "being", "get", "got"].contains($0) }
            guard behind.first != "by" || isPassive else { continue }
            found[key] = Triple(first: before.stem, second: after.stem, isPassive: isPassive)
        }
        return found
    }

    /// "What causes high blood pressure" and "what does high blood pressure cause": the same words, and the question word acts in one of them.
    static func asksForDoer(_ pair: PromptPair) -> String? {
        guard pair.changedWords <= 1, !isPassive(pair.asked), !isPassive(pair.cached) else { return nil }
        let (asked, cached) = (question(pair.asked), question(pair.cached))
        guard let asked, let cached, asked.isSubject != cached.isSubject else { return nil }
        let subject = asked.isSubject ? asked : cached
        let object = asked.isSubject ? pair.cached : pair.asked
        // The verb that the question word takes stands behind the subject of the other.
        guard object.content.dropFirst().contains(where: { $0.stem == subject.verb }) || pair.changedWords == 1 && !subject.isVerbLost else {
            return nil
        }
        return "who does what differs: \(pair.asked.tokens.prefix(3).map(\.text).joined(separator: " "))"
            + " / \(pair.cached.tokens.prefix(3).map(\.text).joined(separator: " "))"
    }

    private struct Question {
        let isSubject: Bool
        let verb: String
        let isVerbLost: Bool
    }

    private static func question(_ prompt: PromptTokens) -> Question? {
        let tokens = prompt.tokens
        // "What's covered" is "what is covered".
        guard tokens.count > 2, ["who", "whom", "what"].contains(tokens[0].text), tokens[0].range.count == tokens[0].text.utf8.count else {
            return nil
        }
        if ["do", "does", "did"].contains(tokens[1].text) || tokens[0].text == "whom" {
            return prompt.content.count > 1 ? Question(isSubject: false, verb: "", isVerbLost: false) : nil
        }
        guard prompt.isContent(1), tokens[1].kind == .word, prompt.content.count > 1 else { return nil }
        return Question(isSubject: true, verb: tokens[1].stem, isVerbLost: tokens[0].text != "who")
    }
}
