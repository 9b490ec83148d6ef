package import SemanticCache

/// Fires when the prompts differ in what the embedder cannot see: capitals, marks, white space inside, invisible characters, words without a piece.
///
/// The residue is what the embedder's own tokenizer threw away (``SemanticCache/Embedder/readWords(in:)``), so a model that sees capitals has less of
/// it. It is compared on the words that both prompts have, and must be equal but where ``Residue`` says why a difference is harmless. Words that the
/// model has no piece for leave the same trace in every vector and must be equal; a picture that only one prompt has may be decoration.
package struct ResidueGuard: HardGuard {
    private let readWords: @Sendable (String) -> [ReadWord]

    /// - Parameter readWords: how the embedder reads a text.
    package init(_ readWords: @escaping @Sendable (String) -> [ReadWord]) { self.readWords = readWords }

    /// Asks an embedder how it reads.
    package init(_ embedder: any Embedder) { self.init { embedder.readWords(in: $0) } }

    package var name: String { "residue" }
    package var reason: MissReason { .unreadWords }

    package func finding(in pair: PromptPair) -> String? { compare(pair).finding }

    /// What differs, and whether nothing but what is harmless does: the same words in the same order.
    func compare(_ pair: PromptPair) -> (finding: String?, isRepeat: Bool) {
        guard !pair.asked.text.utf8.elementsEqual(pair.cached.text.utf8) else { return (nil, true) }
        let residue = Residue(
            asked: ReadText(readWords(pair.asked.text)), cached: ReadText(readWords(pair.cached.text)),
            areEnglish: pair.asked.isEnglish && pair.cached.isEnglish, areReworded: pair.changedWords > 1)
        let finding = residue.finding
        return (finding, finding == nil && residue.hasSameWords)
    }
}
