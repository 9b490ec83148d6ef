/// What a comparison of two answers says: how many times likelier it looks as it does where both say the same than where they do not.
///
/// Not every comparison is a label. One that looks as likely either way says nothing, and is counted as undecided.
package struct AnswerEvidence: Sendable, Equatable {
    package enum Verdict: Sendable, Hashable {
        case same, different
        /// As likely either way, or nearly so: neither for nor against.
        case undecided
    }

    /// What decided.
    package enum Basis: Sendable, Hashable {
        /// The same words.
        case equal
        /// Claims, names and numbers.
        case substance
        /// The direction of the whole texts, held against what is known of this traffic.
        case likeness
        /// A model that was asked.
        case model
        /// Somebody said so.
        case person
        /// Nothing did.
        case none
    }

    /// From here on odds are a verdict: 19 to 1.
    package static let decisive = 2.944_438_979_166_440_5
    /// No comparison is surer than this: 1,000 to 1.
    static let surest = 6.907_755_278_982_137

    /// The natural logarithm of the likelihood ratio of "same" to "different".
    package let logRatio: Double
    package let basis: Basis

    package init(logRatio: Double, basis: Basis) {
        self.logRatio = min(Self.surest, max(-Self.surest, logRatio.isNaN ? 0 : logRatio))
        self.basis = basis
    }

    /// A plain yes or no, as of a person.
    package init(isSame: Bool, basis: Basis = .person) { self.init(logRatio: isSame ? Self.surest : -Self.surest, basis: basis) }

    package static let undecided = AnswerEvidence(logRatio: 0, basis: .none)

    package var verdict: Verdict {
        if logRatio >= Self.decisive { return .same }
        return logRatio <= -Self.decisive ? .different : .undecided
    }

    /// How much it says, 0 (as likely either way) to 1.
    package var weight: Double { abs(2 * probability(prior: 0.5) - 1) }

    /// The chance of "same" where it was `prior` before the comparison.
    package func probability(prior: Double) -> Double {
        let prior = min(max(prior, 1e-9), 1 - 1e-9)
        return 1 / (1 + (1 - prior) / prior * Exponential.exp(-logRatio))
    }
}
