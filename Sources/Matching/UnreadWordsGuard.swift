package import SemanticCache

/// Fires when the prompts hold different words that the embedder has no piece for: rare ideographs, most emoji, endless words.
///
/// Such words leave the same trace in every vector, so that two prompts which differ in them alone look like one prompt to the embedder, and to a
/// verifier with the same vocabulary. A picture that only one prompt has may be decoration.
package struct UnreadWordsGuard: HardGuard {
    private let unreadWords: @Sendable (String) -> [String]

    /// - Parameter unreadWords: what the embedder cannot read of a text in lower case, in order.
    package init(_ unreadWords: @escaping @Sendable (String) -> [String]) { self.unreadWords = unreadWords }

    /// Asks an embedder what it cannot read.
    package init(_ embedder: any Embedder) { self.init { embedder.unreadWords(in: $0) } }

    package var name: String { "unread words" }
    package var reason: MissReason { .unreadWords }

    package func finding(in pair: PromptPair) -> String? {
        let asked = unreadWords(String(decoding: pair.asked.folded, as: UTF8.self))
        let cached = unreadWords(String(decoding: pair.cached.folded, as: UTF8.self))
        if asked == cached { return nil }
        if asked.isEmpty && cached.allSatisfy(Signs.isPictorial) || cached.isEmpty && asked.allSatisfy(Signs.isPictorial) { return nil }
        return "words that the embedder cannot read differ: " + PromptPair.shown(asked, cached)
    }
}
