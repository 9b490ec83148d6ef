/// Adjectives in a degree: "the widest street" and "the longest street", "cheaper" and "more expensive", "the longest" and "the second longest".
enum Degrees {
    private struct Adjective {
        /// What it may be a degree of: "largest" of "larg" or "large".
        let bases: [String]
        let isSuperlative: Bool
        let isLess: Bool
        let token: Int
    }

    static func finding(_ pair: PromptPair) -> String? {
        let asked = adjectives(pair.asked.tokens)
        let cached = adjectives(pair.cached.tokens)
        if let found = unique(pair) { return found }
        guard let first = asked.first, let second = cached.first, asked.count == 1, cached.count == 1, first.isSuperlative == second.isSuperlative
        else {
            return nil
        }
        let shown = "\(pair.asked.tokens[first.token].text) / \(pair.cached.tokens[second.token].text)"
        let (isSame, isOpposite) = (areSame(first, second), areOpposite(first, second))
        if isSame ? first.isLess != second.isLess : isOpposite && first.isLess == second.isLess { return "degrees are opposed: \(shown)" }
        // Two opposites, of which one is turned round, are one: "cheaper", "less expensive".
        if !isSame, !isOpposite, pair.changedWords <= (first.isSuperlative ? 2 : 1),
            first.isSuperlative || pair.onlyAsked.contains(where: { $0.token == first.token })
        {
            return "degrees differ: \(shown)"
        }
        guard first.isSuperlative else { return nil }
        if ordinal(pair.asked.tokens, first.token) != ordinal(pair.cached.tokens, second.token) { return "rank differs: \(shown)" }
        return number(pair, first.token, second.token)
    }

    /// "the ingredients", "the main ingredient": all of them and one.
    private static func unique(_ pair: PromptPair) -> String? {
        guard pair.changedWords <= 1 else { return nil }
        for (one, other) in [(pair.asked, pair.cached), (pair.cached, pair.asked)] {
            for index in one.tokens.indices.dropLast() where ["main", "only", "primary", "key", "principal", "sole"].contains(one.tokens[index].text)
            {
                let noun = one.tokens[index + 1]
                guard !noun.text.hasSuffix("s"), !other.terms.contains(one.tokens[index].stem) else { continue }
                if other.tokens.contains(where: { $0.stem == noun.stem && $0.text != noun.text && $0.text.hasSuffix("s") }) {
                    return "one or several: \(one.tokens[index].text) \(noun.text)"
                }
            }
        }
        return nil
    }

    /// "the largest planet", "the largest planets": one or several.
    private static func number(_ pair: PromptPair, _ first: Int, _ second: Int) -> String? {
        guard first + 1 < pair.asked.tokens.count, second + 1 < pair.cached.tokens.count else { return nil }
        let (one, other) = (pair.asked.tokens[first + 1], pair.cached.tokens[second + 1])
        guard one.stem == other.stem, one.text != other.text, [one.text, other.text].contains(where: { $0.hasSuffix("s") }) else { return nil }
        return "one or several: \(one.text) / \(other.text)"
    }

    /// The ordinal before a superlative: the "second" of "the second longest".
    private static func ordinal(_ tokens: [Token], _ index: Int) -> String? {
        guard index > 0 else { return nil }
        let before = tokens[index - 1].text
        return ["second", "third", "fourth", "fifth", "2nd", "3rd", "4th"].contains(before) || tokens[index - 1].kind != .word ? before : nil
    }

    private static func adjectives(_ tokens: [Token]) -> [Adjective] {
        var found: [Adjective] = []
        for index in tokens.indices where tokens[index].kind == .word {
            let word = tokens[index].text
            switch word {
            case "best": found.append(Adjective(bases: ["good"], isSuperlative: true, isLess: false, token: index))
            case "worst": found.append(Adjective(bases: ["bad"], isSuperlative: true, isLess: false, token: index))
            case "better": found.append(Adjective(bases: ["good"], isSuperlative: false, isLess: false, token: index))
            case "worse": found.append(Adjective(bases: ["bad"], isSuperlative: false, isLess: false, token: index))
            case "more", "less", "most", "least":
                guard index + 1 < tokens.count, isAdjective(tokens[index + 1].text), !(index > 0 && tokens[index - 1].text == "at") else { continue }
                found.append(
                    Adjective(
                        bases: [tokens[index + 1].text], isSuperlative: word == "most" || word == "least", isLess: word == "less" || word == "least",
                        token: index + 1))
            default:
                guard !notDegrees.contains(word), word.utf8.count > 4 else { continue }
                if word.hasSuffix("est") {
                    found.append(Adjective(bases: bases(String(word.dropLast(3))), isSuperlative: true, isLess: false, token: index))
                } else if word.hasSuffix("er"), isCompared(tokens, index) {
                    found.append(Adjective(bases: bases(String(word.dropLast(2))), isSuperlative: false, isLess: false, token: index))
                }
            }
        }
        return found
    }

    /// "which is cheaper", "is it cheaper to", "older than": a word in "-er" that is no noun.
    private static func isCompared(_ tokens: [Token], _ index: Int) -> Bool {
        if index + 1 < tokens.count, tokens[index + 1].text == "than" { return true }
        guard index > 0 else { return false }
        return ["is", "are", "it", "be", "which", "much"].contains(tokens[index - 1].text)
    }

    private static func isAdjective(_ word: String) -> Bool {
        WordLists.shared.oppositesByStem[Stem.of(word)] != nil
            || ["able", "ible", "ive", "ous", "ful", "ant", "ent", "ic", "al"].contains { word.hasSuffix($0) && word.utf8.count > $0.utf8.count + 2 }
    }

    private static func bases(_ stem: String) -> [String] {
        var bases = [stem, stem + "e"]
        if stem.hasSuffix("i") { bases.append(stem.dropLast() + "y") }
        let bytes = Array(stem.utf8)
        if bytes.count > 2, bytes[bytes.count - 1] == bytes[bytes.count - 2] { bases.append(String(stem.dropLast())) }
        return bases
    }

    private static func areSame(_ a: Adjective, _ b: Adjective) -> Bool {
        if !Set(a.bases).isDisjoint(with: b.bases) { return true }
        return !groups(a).isDisjoint(with: groups(b))
    }

    private static func groups(_ adjective: Adjective) -> Set<Int> {
        adjective.bases.reduce(into: []) { $0.formUnion(WordLists.shared.synonyms[Stem.of($1)] ?? []) }
    }

    private static func areOpposite(_ a: Adjective, _ b: Adjective) -> Bool {
        let others = Set(b.bases.map(Stem.of))
        return a.bases.contains { WordLists.shared.oppositesByStem[Stem.of($0)]?.contains(where: others.contains) ?? false }
    }

    /// Words in "-est" and "-er" that are no degrees.
    private static let notDegrees: Set<String> = [
        "request", "interest", "guest", "forest", "invest", "suggest", "contest", "protest", "honest", "chest", "arrest", "digest", "harvest",
        "modest",
        "conquest", "quest", "crest", "everest", "budapest", "bucharest", "manifest", "latest", "pinterest", "ingest", "earnest", "attest", "detest",
        "other", "rather", "either", "neither", "after", "under", "over", "never", "ever", "there", "together", "whether", "number", "computer",
        "water", "paper", "order", "letter", "user", "server", "developer", "manager", "customer", "tinder", "docker", "cover", "covered",
    ]
}
