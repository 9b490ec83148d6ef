/// Compares two answers to one question, or to two wordings of it: their substance first, then how alike the whole texts are on this kind of traffic.
///
/// Similarity alone calls the answers to "enable" and "disable" the same. So of short answers, which are one fact, it may only hint that they are different;
/// what substance leaves open there stays open. Long answers in which one side turns round what the other says stay open as well.
package enum AnswerComparison {
    /// Of 100 pairs that substance calls the same some two are not, and of those it calls different one is the same.
    private static let sameBySubstance = 3.9
    private static let differentBySubstance = -3.9
    /// The most that distance says of short answers.
    private static let farApart = -2.2

    /// - Parameters:
    ///   - similarity: the cosine of the answers' vectors; `nil` where there is none.
    ///   - likeness: what similarity says on this kind of traffic.
    package static func compare(
        _ first: AnswerClaims, _ second: AnswerClaims, questions: [AnswerClaims], similarity: Double?, likeness: AnswerLikeness
    ) -> AnswerEvidence {
        switch SubstanceComparison.compare(first, second, questions: questions) {
        case .same(let rule):
            return rule == "equal" ? AnswerEvidence(isSame: true, basis: .equal) : AnswerEvidence(logRatio: sameBySubstance, basis: .substance)
        case .different: return AnswerEvidence(logRatio: differentBySubstance, basis: .substance)
        case .silent: break
        }
        guard let similarity, !likeness.isBlind else { return .undecided }
        let ratio = likeness.logRatio(similarity)
        if first.isOneFact || second.isOneFact {
            guard ratio < 0 else { return .undecided }
            // A bare name lies far from the sentence that says no more than it.
            let isApart = SubstanceComparison.sharesNothing(first, second)
            return AnswerEvidence(logRatio: isApart ? ratio : max(farApart, ratio / 2), basis: .likeness)
        }
        if ratio > 0, SubstanceComparison.opposes(first, second) { return .undecided }
        return AnswerEvidence(logRatio: ratio, basis: .likeness)
    }
}
