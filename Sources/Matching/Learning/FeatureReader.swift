/// Computes the features of a request from its candidates and the two prompts.
enum FeatureReader {
    /// A candidate with another answer that is less near than this is no rival: in a young cache the eight nearest are whatever is there.
    private static let rivalry: Float = 0.6

    /// The features as they are without a verifier's logit; `nil` when a similarity is not a number.
    ///
    /// - Parameter pair: the asked prompt and the best candidate's.
    static func read(
        _ candidates: [Candidate], asked: PreparedPrompt, cached: PreparedPrompt, pair: PromptPair, frequencies: WordFrequencies
    ) -> FeatureVector? {
        guard let best = candidates.first, best.similarity.isFinite else { return nil }
        let rival = candidates.dropFirst().first { $0.answer != best.answer && $0.similarity >= rivalry }
        let support = candidates.dropFirst().reduce(0) { $0 + ($1.answer == best.answer ? 1 : 0) }
        let similarity = 5 * (Double(best.similarity) - 0.8)
        let margin = rival.map { min(5 * (Double(best.similarity) - Double($0.similarity)), 2) } ?? 0
        let (overlap, rarest) = words(asked, cached, frequencies)
        let history = Exponential.ln(Double(best.right + 1) / Double(best.wrong + 1))
        return FeatureVector([
            1, similarity, similarity * similarity, margin, rival == nil ? 1 : 0, Exponential.ln(1 + Double(support)), 2 * overlap - 1,
            2 * rarest - 1,
            min(2, max(-2, history)), ReplacedWordGuard().finding(in: pair) == nil ? 0 : 1, Feature.absentVerdict,
        ])
    }

    /// The share of the words, weighted by rarity, that both prompts have, and the rarity of the rarest word that only one has.
    private static func words(_ asked: PreparedPrompt, _ cached: PreparedPrompt, _ frequencies: WordFrequencies) -> (overlap: Double, rarest: Double)
    {
        var common = 0.0
        var all = 0.0
        var rarest = 0.0
        var first = asked.words[...]
        var second = cached.words[...]
        while let word = first.first ?? second.first {
            var isCommon = false
            let next: PreparedPrompt.Word
            if let other = second.first, let one = first.first, one.place == other.place {
                isCommon = true
                next = one
                first.removeFirst()
                second.removeFirst()
            } else if let other = second.first, first.first.map({ other.place < $0.place }) ?? true {
                next = other
                second.removeFirst()
            } else {
                next = word
                first.removeFirst()
            }
            let rarity = frequencies.rarity(of: next.place, isFunctionWord: next.isFunctionWord)
            all += rarity
            if isCommon { common += rarity } else { rarest = max(rarest, rarity) }
        }
        return (all > 0 ? common / all : 1, rarest)
    }
}
