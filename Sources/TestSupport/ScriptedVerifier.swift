package import SemanticCache

/// A deterministic verifier without a model, for tests: the words that two wordings share, or whatever the test says.
package struct ScriptedVerifier: Verifier {
    package typealias Outcome = Result<Float, ModelRefusal>

    package let fingerprint: String
    package let dayOneCut: Float
    private let answer: @Sendable (WordingPair) async throws(ModelError) -> Outcome

    /// - Parameter answer: one pair's outcome; it may throw, and may sleep to be late.
    package init(
        fingerprint: String = "scripted", dayOneCut: Float = 0,
        answer: @escaping @Sendable (WordingPair) async throws(ModelError) -> Outcome = { pair in ScriptedVerifier.overlap(of: pair) }
    ) {
        self.fingerprint = fingerprint
        self.dayOneCut = dayOneCut
        self.answer = answer
    }

    package func logit(of pair: WordingPair) async throws(ModelError) -> Outcome { try await answer(pair) }

    /// From -6, no word in common, to 6, the same words in any order and case.
    package static func overlap(of pair: WordingPair) -> Outcome {
        let asked = words(pair.asked)
        let cached = words(pair.cached)
        guard !asked.isEmpty, !cached.isEmpty else { return .failure(.empty) }
        return .success(12 * Float(asked.intersection(cached).count) / Float(asked.union(cached).count) - 6)
    }

    private static func words(_ text: String) -> Set<Substring> { Set(text.lowercased().split { !$0.isLetter && !$0.isNumber }.map { $0 }) }
}
