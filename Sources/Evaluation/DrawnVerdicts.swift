import Matching

/// Stands in for a verifier on questions that it was trained on, of which it knows more than it will of anybody's own.
///
/// Its word on such a pair is drawn from what it said of pairs that it had never seen, as similar as this one and with the same truth. What links its word to
/// similarity and truth stays; what links it to the pair's words is lost, so that the draw is rather too harsh.
struct DrawnVerdicts: Sendable {
    private struct Kind: Hashable {
        let isRight: Bool
        /// Similarity in steps of 0.05.
        let step: Int
    }

    /// The fewest words of a kind that are drawn from; with fewer, those of less similar pairs stand in.
    private static let fewest = 8

    private let features: [Kind: [Double]]

    /// - Parameter samples: decisions on pairs that the verifier was not trained on.
    init(_ samples: [StreamReplay.Sample]) {
        features = Dictionary(grouping: samples) { Kind(isRight: $0.isRight, step: Self.step(0.8 + $0.features[.similarity] / 5)) }
            .mapValues { $0.map { $0.features[.verifier] } }
    }

    /// A logit; `nil` where no pair is known that is like this one.
    func logit(isRight: Bool, similarity: Float, using generator: inout some RandomNumberGenerator) -> Double? {
        for step in stride(from: Self.step(Double(similarity)), through: Self.step(Double(StreamReplay.floor)), by: -1) {
            let known = features[Kind(isRight: isRight, step: step)] ?? []
            if known.count >= Self.fewest, let feature = known.randomElement(using: &generator) { return Feature.logit(feature) }
        }
        return nil
    }

    private static func step(_ similarity: Double) -> Int { Int((similarity * 20).rounded(.down)) }
}
