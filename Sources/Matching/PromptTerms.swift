/// The stems of a prompt, each once and numbered, so that two prompts are held against each other by number and not word by word.
package struct PromptTerms: Sendable {
    /// One stem.
    package struct Term: Sendable {
        package let stem: String
        /// How many words have the stem; tokens of other kinds do not count.
        package fileprivate(set) var words: Int32 = 0
        /// How many content words have it.
        package fileprivate(set) var contentWords: Int32 = 0
    }

    /// In the order in which they first stand in the prompt.
    package private(set) var all: [Term] = []
    /// The number of each token's term.
    package private(set) var ofTokens: [Int] = []
    private var numbers: [String: Int]

    /// - Complexity: O(n) in the tokens.
    init(_ tokens: [Token], content: [PromptTokens.ContentWord]) {
        numbers = Dictionary(minimumCapacity: tokens.count)
        ofTokens.reserveCapacity(tokens.count)
        all.reserveCapacity(tokens.count)
        for token in tokens {
            let number = numbers[token.stem] ?? append(token.stem)
            ofTokens.append(number)
            if token.isWord { all[number].words += 1 }
        }
        for word in content { all[ofTokens[word.token]].contentWords += 1 }
    }

    private mutating func append(_ stem: String) -> Int {
        numbers[stem] = all.count
        all.append(Term(stem: stem))
        return all.count - 1
    }

    package func contains(_ stem: String) -> Bool { numbers[stem] != nil }

    /// For each term the number of the same one in another prompt.
    func partners(in other: PromptTerms) -> [Int?] { all.map { other.numbers[$0.stem] } }

    /// The same, turned round from what the other prompt found here.
    func partners(from others: [Int?]) -> [Int?] {
        var partners = [Int?](repeating: nil, count: all.count)
        for (other, own) in others.enumerated() { if let own { partners[own] = other } }
        return partners
    }
}
