package import SemanticCache

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
    private let residue: ResidueGuard?
    private let floor: Float
    private let draw: Double
    private let prompts: PreparedPrompts

    /// - Parameters:
    ///   - errorBound: the largest share of wrong answers among those served, in 0...1.
    ///   - floor: the least similarity that is looked at, in 0...1; not a number serves nothing.
    ///   - draw: a number drawn evenly from 0..<1 for this decision; 1 never explores.
    ///   - prompts: remembers cached prompts taken apart.
    ///   - residue: compares what the embedder cannot see.
    package init(
        population: Population, errorBound: Double, profile: GuardProfile, floor: Float, draw: Double, prompts: PreparedPrompts,
        residue: ResidueGuard? = nil
    ) {
        self.population = population
        self.errorBound = errorBound
        self.profile = profile
        self.floor = floor
        self.draw = draw
        self.prompts = prompts
        guards = profile.guards()
        self.residue = residue
        cut = population.cut(bound: errorBound)
    }

    package func decide(query: String, candidates: [Candidate]) -> Decision { decide(query: query, candidates: candidates, verdict: nil) }

    /// Decides with the verifier's logit for the asked prompt and the best candidate; `nil` where it did not answer.
    ///
    /// - Complexity: O(n) in the lengths of the two prompts.
    package func decide(query: String, candidates: [Candidate], verdict: Double?) -> Decision {
        prepare(query: query, candidates: candidates).decide(verdict: verdict)
    }

    /// Goes as far as a decision goes without the verifier's logit: the prompts are read, the guards asked, the features made.
    ///
    /// - Complexity: O(n) in the lengths of the two prompts.
    package func prepare(query: String, candidates: [Candidate]) -> Prepared {
        guard let best = candidates.first else { return refused(.emptyScope, nil, []) }
        // Written so that NaN on either side fails.
        guard best.similarity.isFinite, best.similarity >= floor else { return refused(.belowThreshold, best, []) }
        let asked: PreparedPrompt
        let cached: PreparedPrompt
        do {
            asked = try PreparedPrompt(query)
            cached = try prompts.prepared(best.query)
        } catch {
            return refused(error == .empty ? .notText : .queryTooLong, best, [])
        }
        let pair = PromptPair(asked: asked.tokens, cached: cached.tokens)
        var verdicts = guards.map { GuardVerdict(guardName: $0.name, reason: $0.reason, finding: $0.finding(in: pair)) }
        let compared = residue?.compare(pair)
        if let residue, let compared { verdicts.append(GuardVerdict(guardName: residue.name, reason: residue.reason, finding: compared.finding)) }
        guard let features = FeatureReader.read(candidates, asked: asked, cached: cached, pair: pair, frequencies: population.frequencies) else {
            return refused(.belowThreshold, best, verdicts)
        }
        return Prepared(
            policy: self,
            state: .read(
                best, guards: verdicts, features,
                ground: compared?.isRepeat ?? false
                    ? .repeated
                    : population.speaks(for: asked.tokens.textClass) && population.speaks(for: cached.tokens.textClass) ? .learned : .unknown))
    }

    /// What a decision about a pair of prompts can rest on.
    fileprivate enum Ground: Sendable {
        /// The same words in the same order, different in nothing but what is harmless: no rewording.
        case repeated
        /// What was learned, or inherited from texts of the same class.
        case learned
        /// Nothing: the population's evidence is about texts of other classes.
        case unknown
    }

    private func decision(
        _ best: Candidate, _ guards: [GuardVerdict], _ unheard: FeatureVector, _ ground: Ground, verdict: Double?, draw: Double
    ) -> Decision {
        let features = verdict.flatMap { unheard.settingVerdict($0) } ?? unheard
        let score = population.model.score(features)
        func calibration(isExplored: Bool = false) -> Decision.Calibration {
            Decision.Calibration(
                features: features, score: score, cut: cut, errorBound: errorBound, observations: population.observations, isExplored: isExplored)
        }
        if let fired = guards.first(where: \.isFired) { return decision(.forward(fired.reason), best, guards, calibration()) }
        if ground == .unknown { return decision(.forward(.belowCut), best, guards, calibration()) }
        if ground == .repeated {
            // Nothing had to be learned for it.
        } else if let floor = population.verdictFloor, verdict?.isFinite == true, population.restsOnVerifier {
            guard features[.verifier] >= floor + features[.replacedWord] * Self.replacedWordMargin else {
                return decision(.forward(.verifierDoubts), best, guards, calibration())
            }
        } else if score < cut.score {
            return decision(.forward(.belowCut), best, guards, calibration())
        }
        if draw < population.explorationRate { return decision(.forward(.explored), best, guards, calibration(isExplored: true)) }
        return decision(.replay(best.answer), best, guards, calibration())
    }

    private func refused(_ reason: MissReason, _ best: Candidate?, _ guards: [GuardVerdict]) -> Prepared {
        Prepared(policy: self, state: .refused(decision(.forward(reason), best, guards)))
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

extension CalibratedPolicy {
    /// A decision that lacks nothing but the verifier's logit, which may take long to come and may not be needed.
    package struct Prepared: Sendable {
        fileprivate enum State: Sendable {
            /// No pair of prompts was come to that could be served.
            case refused(Decision)
            /// The best candidate, what the guards said, and the features without a logit.
            case read(Candidate, guards: [GuardVerdict], FeatureVector, ground: Ground)
        }

        /// The surest logit of all.
        private static let surest = 1000.0

        fileprivate let policy: CalibratedPolicy
        fileprivate let state: State

        /// Whether the surest logit would let the answer out; whether it is explored in its place is not asked.
        package var canServe: Bool { decide(verdict: Self.surest, draw: 1).isReplay }

        /// Decides with the verifier's logit; `nil` where it did not answer or was not asked.
        package func decide(verdict: Double?) -> Decision { decide(verdict: verdict, draw: policy.draw) }

        private func decide(verdict: Double?, draw: Double) -> Decision {
            switch state {
            case .refused(let decision): decision
            case .read(let best, let guards, let features, let ground):
                policy.decision(best, guards, features, ground, verdict: verdict, draw: draw)
            }
        }
    }
}
