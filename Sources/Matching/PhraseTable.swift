/// Finds phrases of a list in a sequence of tokens, longest first.
package struct PhraseTable<Value: Sendable>: Sendable {
    /// Whether words are compared as they are or by their stems.
    package enum Folding: Sendable { case exact, stems }

    private struct Row: Sendable {
        let words: [String]
        /// Words of an entry written in capitals ("US") match only capitals: "us" is a pronoun.
        let needsUpperCase: Bool
        var value: Value
    }

    private let folding: Folding
    private var rows: [String: [Row]] = [:]

    /// The first words of all phrases.
    package var openings: some Sequence<String> { rows.keys }

    package init(folding: Folding) { self.folding = folding }

    /// Adds a phrase; it is taken apart by the same lexer as the prompts.
    package mutating func insert(_ phrase: String, _ value: Value) {
        merge(phrase, value) { _, new in new }
    }

    /// Adds a phrase, or joins its value with the one that is there.
    package mutating func merge(_ phrase: String, _ value: Value, by join: (Value, Value) -> Value) {
        let tokens = PromptLexer.tokens(of: phrase)
        let words = tokens.map { folding == .stems ? $0.stem : $0.text }
        guard let first = words.first else { return }
        let needsUpperCase = tokens.allSatisfy(\.isUpperCase)
        var bucket = rows[first] ?? []
        if let index = bucket.firstIndex(where: { $0.words == words && $0.needsUpperCase == needsUpperCase }) {
            bucket[index].value = join(bucket[index].value, value)
        } else {
            bucket.append(Row(words: words, needsUpperCase: needsUpperCase, value: value))
            bucket.sort { $0.words.count > $1.words.count }
        }
        rows[first] = bucket
    }

    /// The longest phrase that starts at `index`, and its number of tokens.
    package func match(_ tokens: [Token], at index: Int) -> (value: Value, count: Int)? {
        guard let bucket = rows[word(tokens[index])] else { return nil }
        for row in bucket where index + row.words.count <= tokens.count {
            var matches = true
            for offset in 0..<row.words.count {
                let token = tokens[index + offset]
                if word(token) != row.words[offset] || row.needsUpperCase && !token.isUpperCase {
                    matches = false
                    break
                }
            }
            if matches { return (row.value, row.words.count) }
        }
        return nil
    }

    private func word(_ token: Token) -> String { folding == .stems ? token.stem : token.text }
}
