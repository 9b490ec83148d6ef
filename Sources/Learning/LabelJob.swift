package import Matching
package import SemanticCache

/// One comparison to make.
package struct LabelJob: Sendable {
    package enum Kind: Sendable {
        /// What was decided, and the entries of the nearest distinct answers, the best first.
        case decision(Decision, near: [EntryID])
        /// An exact hit that was asked afresh, and the entry that would have served it.
        case noise(Entry)
    }

    let kind: Kind
    /// The entry made of the fresh answer.
    let fresh: Entry
    let requestID: String
    let population: PopulationKey

    package init(kind: Kind, fresh: Entry, requestID: String, population: PopulationKey) {
        self.kind = kind
        self.fresh = fresh
        self.requestID = requestID
        self.population = population
    }

    /// How much its label tells.
    var worth: LabelQueue<LabelJob>.Worth {
        guard case .decision(let decision, _) = kind else { return .wouldServe }
        guard let calibration = decision.evidence.calibration, !decision.evidence.guards.contains(where: \.isFired) else { return .clearMiss }
        if decision.isReplay || calibration.isExplored { return .wouldServe }
        // Two units of a score are a factor of seven in the odds.
        return calibration.score >= calibration.cut.score - 2 ? .nearMiss : .clearMiss
    }
}
