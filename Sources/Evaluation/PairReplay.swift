package import Matching
package import SemanticCache

/// Day one: each pair in a cache of its own, one prompt cached, the other asked.
package struct PairReplay: Sendable {
    /// What became of one pair.
    package struct Outcome: Sendable {
        package let pair: LabelledPair
        package let isServed: Bool
        package let decision: Decision
    }

    let vector: @Sendable (String) -> UnitVector?
    let verdict: (@Sendable (String, String) -> Double?)?

    package init(vector: @escaping @Sendable (String) -> UnitVector?, verdict: (@Sendable (String, String) -> Double?)?) {
        self.vector = vector
        self.verdict = verdict
    }

    /// Decides every pair. Pairs whose histories differ are of different scopes and never meet: they are forwarded without a look.
    package func run(_ pairs: [LabelledPair], policy: any DecisionPolicy) -> [Outcome] {
        pairs.compactMap { pair in
            guard let cached = vector(pair.cached), let asked = vector(pair.asked) else { return nil }
            let id = EntryID(rawValue: 1)
            let isReachable = pair.cachedHistory == pair.askedHistory
            let candidates = isReachable ? [Candidate(id: id, query: pair.cached, similarity: asked.similarity(to: cached))] : []
            let decision = policy.decide(query: pair.asked, candidates: candidates, verdict: isReachable ? verdict?(pair.asked, pair.cached) : nil)
            // Equal prompts are an exact repeat where the histories are equal too.
            let isExact = isReachable && pair.cached == pair.asked
            return Outcome(pair: pair, isServed: isExact || decision.verdict == .replay(id), decision: decision)
        }
    }

    /// The pairs as examples for fitting a prior.
    ///
    /// A trap that a hard guard catches is kept at `missedShare` of its weight: word lists are written with such traps in mind, and of those that
    /// nobody has seen yet some will slip through. `trapShare` weighs all traps: a file of traps has many more of them than traffic has.
    package func samples(_ pairs: [LabelledPair], trapShare: Double, missedShare: Double) -> [StreamReplay.Sample] {
        let policy = CalibratedPolicy(
            population: Population(prior: nil), errorBound: 0, profile: .default, floor: -1, draw: 1, prompts: PreparedPrompts(capacity: 4096))
        return run(pairs, policy: policy).compactMap { outcome in
            guard let features = outcome.decision.evidence.calibration?.features else { return nil }
            let isGuarded = outcome.decision.evidence.guards.contains(where: \.isFired)
            if isGuarded, outcome.pair.isSame { return nil }
            return StreamReplay.Sample(
                features: features, isRight: outcome.pair.isSame, weight: outcome.pair.isSame ? 1 : trapShare * (isGuarded ? missedShare : 1))
        }
    }
}
