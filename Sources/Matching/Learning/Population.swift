/// What was learned from one kind of traffic: requests of one tenant to one model under one system prompt.
///
/// A value: decisions are taken with a copy, labels change the one that its owner keeps.
package struct Population: Hashable, Sendable {
    /// How many labels' worth of evidence a population takes over from the prior, or from the traffic as a whole.
    package static let inheritedLabels = 2000.0

    package private(set) var model: LogisticModel
    package private(set) var gate: ErrorGate
    package private(set) var frequencies: WordFrequencies
    /// Labels learned here, inherited ones aside.
    package private(set) var observations: Int
    /// Answers served by meaning.
    package private(set) var hits: Int
    /// Would-be hits that were forwarded to learn from.
    package private(set) var explored: Int
    /// Comparisons of what would have been served that are done, whatever came of them.
    package private(set) var compared: Int
    /// Comparisons that told nothing.
    package private(set) var undecided: Int
    /// What the similarity of two answers says here.
    package private(set) var likeness: AnswerLikeness
    /// Would-be hits that count as seen before the first: what was inherited stands for them.
    package let inheritedHits: Int
    /// While little has been learned here, the verifier's verdict from which an answer is served, as the ``Feature/verifier`` has it; `nil` without
    /// a prior, which vouches for nothing.
    package let verdictFloor: Double?
    private var cutForBound: (bound: Double, cut: ErrorGate.Cut)?

    /// Begins with a prior; without one, shut: nothing is served until labels allow it.
    package init(prior: Prior?) {
        model = prior.map { LogisticModel(weights: $0.weights, variance: $0.variance) } ?? Self.blankModel
        gate = ErrorGate()
        if let prior { gate.inherit(prior.gate, labels: .infinity) }
        frequencies = WordFrequencies()
        observations = 0
        hits = 0
        explored = 0
        compared = 0
        undecided = 0
        likeness = AnswerLikeness()
        inheritedHits = prior == nil ? 0 : 950
        verdictFloor = prior?.verdictFloor
    }

    /// Begins with what another population knows, believed as far as ``inheritedLabels`` go.
    package init(inheriting other: Population) {
        model = other.model
        gate = ErrorGate()
        gate.inherit(other.gate, labels: Self.inheritedLabels)
        frequencies = other.frequencies
        observations = 0
        hits = 0
        explored = 0
        compared = 0
        undecided = 0
        likeness = other.likeness
        inheritedHits = other.inheritedHits
        verdictFloor = other.verdictFloor
    }

    init(
        model: LogisticModel, gate: ErrorGate, frequencies: WordFrequencies, observations: Int, hits: Int, explored: Int, inheritedHits: Int,
        verdictFloor: Double?, compared: Int = 0, undecided: Int = 0, likeness: AnswerLikeness = AnswerLikeness()
    ) {
        self.compared = compared
        self.undecided = undecided
        self.likeness = likeness
        self.model = model
        self.gate = gate
        self.frequencies = frequencies
        self.observations = observations
        self.hits = hits
        self.explored = explored
        self.inheritedHits = inheritedHits
        self.verdictFloor = verdictFloor
    }

    /// Leans on similarity, and is ready to be taught otherwise.
    private static var blankModel: LogisticModel {
        var weights = [Double](repeating: 0, count: Feature.allCases.count)
        weights[Feature.similarity.rawValue] = 1
        return LogisticModel(weights: weights, variance: 1)
    }

    /// The share of would-be hits that is forwarded: high while few were seen, 2 % at the least.
    package var explorationRate: Double {
        // The first answers of a population that inherited something rest on that alone; a newcomer's first rewording should hit.
        if inheritedHits > 0, hits + explored < 10 { return 0 }
        let share = max(0.02, 50 / (50 + Double(hits + explored + inheritedHits)))
        guard inheritedHits > 0 else { return share }
        // Where labels fall behind, what is served is known by inheritance alone: no more of it than so.
        if hits > 40 + 80 * compared { return 0.5 }
        return max(share, 1 / (4 + Double(compared) / 2))
    }

    /// The cut for an error bound.
    package func cut(bound: Double) -> ErrorGate.Cut {
        if let cutForBound, cutForBound.bound == bound { return cutForBound.cut }
        return gate.cut(bound: bound)
    }

    /// The bound of the cut that decisions find; `nil` before the first.
    package var settledBound: Double? { cutForBound?.bound }

    /// While a population has fewer labels of its own, the verifier's verdict decides where there is one, and is not a feature alone: it was held
    /// against traps that no score of similarities tells from rewordings.
    private static let infancy = 100

    /// Whether a verifier's verdict decides, in place of the cut.
    package var restsOnVerifier: Bool { verdictFloor != nil && observations < Self.infancy }

    /// Whether its evidence speaks for texts of a class: what was inherited was fitted on some classes alone.
    package func speaks(for text: TextClass) -> Bool { inheritedHits == 0 || TextClass.fitted.contains(text) }

    /// What this traffic's own labels say of what is served, or was before they closed it, and how many they are; `nil` without any.
    package func ownError(bound: Double) -> (estimate: Double, labels: Double)? {
        let served = cut(bound: bound).score
        let own = gate.ownError(above: served.isFinite ? served : gate.cut(bound: bound, heedsOwn: false).score)
        return own.labels > 0 ? own : nil
    }

    /// Computes the cut now, so that decisions find it.
    package mutating func settle(bound: Double) { cutForBound = (bound, gate.cut(bound: bound)) }

    /// Counts a prompt's words.
    package mutating func notice(_ prompt: PreparedPrompt) { frequencies.add(prompt.places) }

    /// Notes a request that passed the guards, whatever became of it.
    package mutating func notice(score: Double) { gate.notice(score: score) }

    /// Notes an answer that was served.
    package mutating func noticeHit() { hits += 1 }

    /// Notes a would-be hit that was forwarded to learn from.
    package mutating func noticeExplored() { explored += 1 }

    /// Takes in one label: whether the best candidate's answer was right for the request with these features.
    ///
    /// The gate takes the score as the weights have it before they learn from the label, as a decision would have.
    package mutating func learn(_ features: FeatureVector, isRight: Bool, weight: Double = 1) {
        learn(features, right: isRight ? 1 : 0, weight: weight)
    }

    /// Takes in a comparison: as a label as far as it tells, with the chance that it leaves after what was known before it.
    ///
    /// - Parameter wouldServe: whether the answer would have been served.
    /// - Returns: the verdict; undecided comparisons teach nothing.
    @discardableResult
    package mutating func learn(_ features: FeatureVector, _ evidence: AnswerEvidence, wouldServe: Bool) -> AnswerEvidence.Verdict {
        if wouldServe { compared += 1 }
        if evidence.verdict == .undecided { undecided += 1 }
        guard evidence.weight > 0.05 else { return .undecided }
        switch evidence.basis {
        case .equal, .person: learn(features, isRight: evidence.logRatio > 0)
        case .substance, .likeness, .model, .none:
            let chance = gate.chance(near: model.score(features))
            learn(features, right: evidence.probability(prior: chance), weight: evidence.weight)
        }
        return evidence.verdict
    }

    private mutating func learn(_ features: FeatureVector, right: Double, weight: Double) {
        gate.learn(score: model.score(features), right: right, weight: weight)
        model.learn(features, right: right, weight: weight)
        observations += 1
        if let bound = cutForBound?.bound { settle(bound: bound) }
    }

    /// Takes in how alike two answers to one prompt are.
    package mutating func noteLikeness(ofSame similarity: Double) { likeness.noteSame(similarity) }

    /// Takes in how alike the answers to two prompts are that have nothing to do with each other.
    package mutating func noteLikeness(ofOthers similarity: Double) { likeness.noteOther(similarity) }

    package static func == (a: Self, b: Self) -> Bool {
        a.model == b.model && a.gate == b.gate && a.frequencies == b.frequencies && a.observations == b.observations && a.hits == b.hits
            && a.explored == b.explored && a.inheritedHits == b.inheritedHits && a.verdictFloor == b.verdictFloor
            && a.compared == b.compared && a.undecided == b.undecided && a.likeness == b.likeness
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(model)
        hasher.combine(gate)
    }
}
