import SemanticCache

/// Serves the best candidate when no hard guard fires and what was learned says that answers with such a score are right often enough.
///
/// Pure: equal inputs give equal decisions. Chance comes in as `draw` and decides exploration alone.
package struct CalibratedPolicy: DecisionPolicy {
    /// What the verifier's verdict must be better by on day one where one content word was replaced and the rest is the same: the commonest trap, and the
    /// one that the verifier is most often sure of wrongly. Five units of its logit: chosen on pairs that differ in little.
    private static let replacedWordMargin = Feature.verdict(5)

    private let population: Population
    private let cut: ErrorGate.Cut
    private let errorBound: Double
    private let profile: GuardProfile
    private let guards: [any HardGuard]
    private let floor: Float
    private let draw: Double
    private let prompts: PreparedPrompts

    /// - Parameters:
    ///   - errorBound: the largest share of wrong answers among those served, in 0...1.
    ///   - floor: the least similarity that is looked at, in 0...1; not a number serves nothing.
    ///   - draw: a number drawn evenly from 0..<1 for this decision; 1 never explores.
    ///   - prompts: remembers cached prompts taken apart.
    ///   - unreadWords: looks for what the embedder cannot read.
    package init(
        population: Population, errorBound: Double, profile: GuardProfile, floor: Float, draw: Double, prompts: PreparedPrompts,
        unreadWords: UnreadWordsGuard? = nil
    ) {
        self.population = population
        self.errorBound = errorBound
        self.profile = profile
        self.floor = floor
        self.draw = draw
        self.prompts = prompts
        guards = profile.guards(unreadWords)
        cut = population.cut(bound: errorBound)
    }

    package func decide(query: String, candidates: [Candidate]) -> Decision { decide(query: query, candidates: candidates, verdict: nil) }

    /// Decides with the verifier's logit for the asked prompt and the best candidate; `nil` where it did not answer.
    ///
    /// - Complexity: O(n) in the lengths of the two prompts.
    package func decide(query: String, candidates: [Candidate], verdict: Double?) -> Decision {
        guard let best = candidates.first else { return decision(.forward(.emptyScope), nil, []) }
        // Written so that NaN on either side fails.
        guard best.similarity.isFinite, best.similarity >= floor else { return decision(.forward(.belowThreshold), best, []) }
        let asked: PreparedPrompt
        let cached: PreparedPrompt
        do {
            asked = try PreparedPrompt(query)
            cached = try prompts.prepared(best.query)
        } catch {
            return decision(.forward(error == .empty ? .notText : .queryTooLong), best, [])
        }
        let pair = PromptPair(asked: asked.tokens, cached: cached.tokens)
        let verdicts = guards.map { GuardVerdict(guardName: $0.name, reason: $0.reason, finding: $0.finding(in: pair)) }
        guard
            let features = FeatureReader.read(
                candidates, asked: asked, cached: cached, pair: pair, frequencies: population.frequencies, verdict: verdict)
        else { return decision(.forward(.belowThreshold), best, verdicts) }
        let score = population.model.score(features)
        func calibration(isExplored: Bool = false) -> Decision.Calibration {
            Decision.Calibration(
                features: features, score: score, cut: cut, errorBound: errorBound, observations: population.observations, isExplored: isExplored)
        }
        if let fired = verdicts.first(where: \.isFired) { return decision(.forward(fired.reason), best, verdicts, calibration()) }
        if let floor = population.verdictFloor, verdict?.isFinite == true, population.restsOnVerifier {
            guard features[.verifier] >= floor + features[.replacedWord] * Self.replacedWordMargin else {
                return decision(.forward(.verifierDoubts), best, verdicts, calibration())
            }
        } else if score < cut.score {
            return decision(.forward(.belowCut), best, verdicts, calibration())
        }
        if draw < population.explorationRate { return decision(.forward(.explored), best, verdicts, calibration(isExplored: true)) }
        return decision(.replay(best.answer), best, verdicts, calibration())
    }

    private func decision(_ verdict: Decision.Verdict, _ best: Candidate?, _ guards: [GuardVerdict], _ calibration: Decision.Calibration? = nil)
        -> Decision
    {
        Decision(
            verdict: verdict,
            evidence: Decision.Evidence(
                best: best?.id, similarity: best?.similarity, threshold: floor, profile: profile, guards: guards, calibration: calibration))
    }
}
