/// What the guards know of one prompt, found once: tokens, numbers, code, quotes, names, things, content words.
package final class PromptTokens: Sendable {
    /// Longer prompts are refused before anything is read; the embedder's window ends far below (some 250 tokens).
    package static let maximumBytes = 16 * 1024

    package enum Refusal: Error, Hashable, Sendable {
        /// Nothing but white space.
        case empty
        /// Over ``maximumBytes``.
        case tooLong(bytes: Int)
    }

    /// A content word: its stem, and the token it is.
    package struct ContentWord: Sendable {
        package let stem: String
        package let token: Int
    }

    /// A thing of a kind that the prompt names.
    package struct Thing: Hashable, Sendable {
        package let kind: Int
        package let thing: String
        /// The first token of its name.
        package let token: Int
    }

    /// The prompt as it was written.
    package let text: String
    package let tokens: [Token]
    package let codes: [String]
    package let quotes: [String]
    package let fences: [String]
    /// Signs that are no words, punctuation or code, in order.
    package let signs: [String]
    package let facts: [NumberFact]
    package let content: [ContentWord]
    package let things: [Thing]
    /// Indices of the tokens that are written as names.
    package let names: [Int]
    /// Indices of the words that negate.
    package let negators: [Int]
    /// The stems of all tokens, each once.
    package let terms: PromptTerms
    /// The places in ``WordLists/oppositePhrases`` of those that may stand in the prompt, by the first word of either side; ascending.
    let openedPhrases: [Int]
    package let dominantScript: Script
    /// The language of its little words; `nil` where they do not tell.
    let language: String?
    /// Whether its words are English ones, as far as words can tell.
    package let isEnglish: Bool
    /// The kind of text it is.
    package var textClass: TextClass { TextClass(self) }
    /// What it asks for.
    package let ask: Ask
    /// The prompt in lower case, white space collapsed, as UTF-8.
    package let folded: [UInt8]

    /// - Complexity: O(n) in the prompt's length.
    package init(_ text: String) throws(Refusal) {
        let bytes = text.utf8.count
        guard bytes <= Self.maximumBytes else { throw .tooLong(bytes: bytes) }
        let lexer = PromptLexer.read(text)
        let lists = WordLists.shared
        let tokens = Self.applyingAliases(lexer.tokens, lists)
        folded = FoldedText.fold(text.unicodeScalars)
        guard !folded.isEmpty else { throw .empty }
        let numbers = NumberReader(tokens)

        self.text = text
        self.tokens = tokens
        codes = lexer.codes
        quotes = lexer.quotes
        fences = lexer.fences
        signs = lexer.signs
        facts = numbers.facts
        negators = tokens.indices.filter { tokens[$0].traits.contains(.negator) }
        let dominantScript = Self.dominantScript(of: tokens)
        self.dominantScript = dominantScript
        language = LanguageReader.language(of: tokens)
        isEnglish = LanguageReader.isEnglish(tokens)
        ask = Ask(tokens)
        let content = tokens.indices.compactMap { index -> ContentWord? in
            let token = tokens[index]
            if token.isWord, !token.traits.isDisjoint(with: [.function, .negator]) {
                // "US" and "IT" in capitals are no pronouns.
                return token.isUpperCase && !token.traits.contains(.courtesy) && !Self.isShouted(tokens)
                    ? ContentWord(stem: token.stem, token: index) : nil
            }
            return ContentWord(stem: token.stem, token: index)
        }
        self.content = content
        terms = PromptTerms(tokens, content: content)
        openedPhrases = Self.openedPhrases(tokens, lists)
        things = Self.things(in: tokens, lists)
        names = Self.names(in: tokens, consumed: numbers.consumed, dominant: dominantScript)
    }

    /// Whether a token is a word of content.
    func isContent(_ token: Int) -> Bool { content.contains { $0.token == token } }

    /// A token's own text, folded (lower case) and with aliases replaced, for the evidence.
    package func shown(_ index: Int) -> String { tokens[index].text }

    /// The tokens with other spellings replaced, and what the lists say of each.
    private static func applyingAliases(_ tokens: [Token], _ lists: WordLists) -> [Token] {
        var result: [Token] = []
        result.reserveCapacity(tokens.count)
        var index = 0
        while index < tokens.count {
            var token = tokens[index]
            token.traits = lists.traits(of: token)
            if token.traits.contains(.alias), let (words, count) = lists.aliases.match(tokens, at: index) {
                for word in words {
                    token = tokens[index].reading(word)
                    token.traits = lists.traits(of: token)
                    result.append(token)
                }
                index += count
            } else {
                result.append(token)
                index += 1
            }
        }
        return result
    }

    private static func dominantScript(of tokens: [Token]) -> Script {
        if let first = tokens.first(where: { $0.kind == .word })?.script, tokens.allSatisfy({ $0.kind != .word || $0.script == first }) {
            return first
        }
        var counts: [Script: Int] = [:]
        for token in tokens where token.kind == .word { counts[token.script, default: 0] += max(1, token.range.count / 2) }
        // Kana marks Japanese, however many Han letters stand beside it.
        if counts[.kana] != nil { return .kana }
        return Script.allCases.max { (counts[$0] ?? 0, $1.rawValue) < (counts[$1] ?? 0, $0.rawValue) } ?? .latin
    }

    private static func openedPhrases(_ tokens: [Token], _ lists: WordLists) -> [Int] {
        let opened = tokens.lazy.filter { $0.traits.contains(.oppositePhrase) }.flatMap { lists.oppositePhrasesByOpening[$0.stem] ?? [] }
        return Set(opened).sorted()
    }

    private static func things(in tokens: [Token], _ lists: WordLists) -> [Thing] {
        var things: [Thing] = []
        var index = 0
        while index < tokens.count {
            guard tokens[index].traits.contains(.thing), let (members, count) = lists.kindMembers.match(tokens, at: index) else {
                index += 1
                continue
            }
            for member in members where !member.needsCapital || tokens[index].isCapitalised && !tokens[index].startsSentence {
                things.append(Thing(kind: member.kind, thing: member.thing, token: index))
            }
            index += count
        }
        return things
    }
}
