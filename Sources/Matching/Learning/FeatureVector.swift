/// What the learned part of a decision looks at: one number for each ``Feature``.
package struct FeatureVector: Hashable, Sendable {
    /// In the order of ``Feature/allCases``; every one finite.
    package let values: [Double]

    /// `nil` when the count is not that of the features, or one of the numbers is not finite.
    package init?(_ values: [Double]) {
        guard values.count == Feature.allCases.count, values.allSatisfy(\.isFinite) else { return nil }
        self.values = values
    }

    /// The same with a verifier's logit, which came later; `nil` when it is not finite.
    package func settingVerdict(_ logit: Double) -> FeatureVector? {
        var values = values
        values[Feature.verifier.rawValue] = Feature.verdict(logit)
        return logit.isFinite ? FeatureVector(values) : nil
    }

    package subscript(feature: Feature) -> Double { values[feature.rawValue] }
}

/// The meaning of each component of a ``FeatureVector``. Scaled so that each is about -2...2 on real traffic.
package enum Feature: Int, CaseIterable, Sendable {
    /// Always 1.
    case bias
    /// 5 (s1 - 0.8), s1 the best candidate's similarity.
    case similarity
    /// The square of ``similarity``.
    case similaritySquared
    /// 5 (s1 - s2), s2 the best similarity, from 0.6 on, of a candidate with another answer; at most 2, and 0 when there is none.
    case margin
    /// 1 when no near candidate has another answer: a young cache, where the margin says nothing.
    case unrivalled
    /// ln(1 + n), n other candidates with the best one's answer.
    case support
    /// 2 j - 1, j the share of the two prompts' words, weighted by their rarity, that both have.
    case overlap
    /// 2 r - 1, r the rarity (0 to 1) of the rarest word that only one of the prompts has.
    case rarestUnmatched
    /// ln((right + 1) / (wrong + 1)) of the best candidate's answer, cut at ±2.
    case history
    /// 1 when exactly one content word was replaced and the rest is the same.
    case replacedWord
    /// The verifier's logit divided by 4, cut at ±2; ``absentVerdict`` where it did not answer.
    case verifier

    /// What stands for a verifier that is off, missing or late: a doubtful verdict, so that the cut is harder to reach without one.
    package static let absentVerdict = -0.25

    /// The ``verifier`` feature for a logit.
    package static func verdict(_ logit: Double) -> Double { min(2, max(-2, logit / 4)) }

    /// The logit that has this ``verifier`` feature; the nearest one where it was cut.
    package static func logit(_ verdict: Double) -> Double { verdict * 4 }

    /// The name in evidence and reports.
    package var name: String {
        switch self {
        case .bias: "bias"
        case .similarity: "similarity"
        case .similaritySquared: "similarity squared"
        case .margin: "margin"
        case .unrivalled: "unrivalled"
        case .support: "support"
        case .overlap: "word overlap"
        case .rarestUnmatched: "rarest unmatched word"
        case .history: "history"
        case .replacedWord: "replaced word"
        case .verifier: "verifier"
        }
    }
}
