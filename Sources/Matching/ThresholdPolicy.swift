package import SemanticCache

/// Serves the best candidate when it is similar enough and no hard guard fires.
package struct ThresholdPolicy: DecisionPolicy {
    /// The least cosine similarity that is served.
    package let threshold: Float
    package let profile: GuardProfile
    private let guards: [any HardGuard]

    /// A threshold that is not a number serves nothing.
    package init(threshold: Float, profile: GuardProfile, residue: ResidueGuard? = nil) {
        self.threshold = threshold
        self.profile = profile
        guards = profile.guards(residue)
    }

    /// - Complexity: O(n) in the lengths of the two prompts.
    package func decide(query: String, candidates: [Candidate]) -> Decision {
        guard let best = candidates.first else { return decision(.forward(.emptyScope), nil, []) }
        let asked: PromptTokens
        let cached: PromptTokens
        do {
            asked = try PromptTokens(query)
            cached = try PromptTokens(best.query)
        } catch {
            switch error {
            case .empty: return decision(.forward(.notText), best, [])
            case .tooLong: return decision(.forward(.queryTooLong), best, [])
            }
        }
        let pair = PromptPair(asked: asked, cached: cached)
        let verdicts = guards.map { GuardVerdict(guardName: $0.name, reason: $0.reason, finding: $0.finding(in: pair)) }
        // Written so that NaN on either side fails.
        guard best.similarity >= threshold, best.similarity.isFinite else { return decision(.forward(.belowThreshold), best, verdicts) }
        if let fired = verdicts.first(where: \.isFired) { return decision(.forward(fired.reason), best, verdicts) }
        return decision(.replay(best.answer), best, verdicts)
    }

    private func decision(_ verdict: Decision.Verdict, _ best: Candidate?, _ guards: [GuardVerdict]) -> Decision {
        Decision(
            verdict: verdict,
            evidence: Decision.Evidence(best: best?.id, similarity: best?.similarity, threshold: threshold, profile: profile, guards: guards))
    }
}
