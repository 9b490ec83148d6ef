package import SemanticCache

/// Fires when exactly one content word was replaced and the rest is the same, unless the two words are spellings or synonyms of one.
///
/// One changed word in an otherwise equal question is the commonest trap ("pool" for "gym"), and the rarest form of an honest rewording.
package struct ReplacedWordGuard: HardGuard {
    package init() {}

    package var name: String { "replaced word" }
    package var reason: MissReason { .wordReplaced }

    package func finding(in pair: PromptPair) -> String? {
        guard pair.onlyAsked.count == 1, pair.onlyCached.count == 1 else { return nil }
        let asked = pair.asked.tokens[pair.onlyAsked[0].token]
        let cached = pair.cached.tokens[pair.onlyCached[0].token]
        if Self.areSynonyms(asked, cached) || Self.isSlip(asked, cached) { return nil }
        return "one word replaced: \(asked.text) / \(cached.text)"
    }

    private static func areSynonyms(_ a: Token, _ b: Token) -> Bool {
        let groups = WordLists.shared.synonyms
        guard let first = groups[a.stem], let second = groups[b.stem] else { return false }
        return !first.isDisjoint(with: second)
    }

    /// Whether the words are one slip of the keyboard apart: long enough, the same first letter, and not names.
    private static func isSlip(_ a: Token, _ b: Token) -> Bool {
        guard a.kind == .word, b.kind == .word, !(a.isCapitalised && b.isCapitalised) else { return false }
        let first = Array(a.text.utf8)
        let second = Array(b.text.utf8)
        guard min(first.count, second.count) >= 5, max(first.count, second.count) <= 40, first[0] == second[0] else { return false }
        return Slip.isOne(first, second)
    }
}

/// One letter added, dropped, changed or exchanged with its neighbour.
enum Slip {
    static func isOne(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        if a.count < b.count { return isOne(b, a) }
        guard a.count - b.count <= 1, a != b else { return false }
        guard let at = b.indices.first(where: { a[$0] != b[$0] }) else { return true }
        if a.count > b.count { return a[(at + 1)...].elementsEqual(b[at...]) }
        if a[(at + 1)...].elementsEqual(b[(at + 1)...]) { return true }
        return at + 1 < a.count && a[at] == b[at + 1] && a[at + 1] == b[at] && a[(at + 2)...].elementsEqual(b[(at + 2)...])
    }
}
