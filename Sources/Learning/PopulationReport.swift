import Matching
import SemanticCache
import Synchronization
import WireFormats

/// What was learned of one kind of traffic, as people see it; member names are the outside contract.
package struct PopulationReport: Encodable, Sendable {
    package enum Gate: String, Encodable, Sendable {
        /// Answers may be served to other wordings.
        case open
        /// Nothing is served by meaning until labels allow it.
        case shut
    }

    /// Names the kind; as long as the program has not been asked anything of the kind since an upgrade, all that is known of it.
    let population: String
    /// `nil` as above.
    let tenant, endpoint, namespace, model: String?
    /// A hash of the system prompt; `nil` where there is none.
    let instructions: String?
    /// The class of its texts (`latin short ask`), where that begins with nothing inherited; `nil` for those that the prior was fitted on.
    let text: String?
    /// Labels learned here, inherited ones aside.
    let observations: Int
    /// Answers served by meaning, and would-be hits that were forwarded to learn from.
    let hits, explored: Int
    /// `explored` of both, in 0...1.
    let exploredShare: Double
    let errorBound: Double
    let state: Gate
    /// The score from which answers are served, the estimated share of wrong ones among them, and its upper bound; `nil` where no score is enough.
    let cut, estimatedError, upperBound: Double?
}

extension MatchLearner {
    /// What is known of each kind of traffic, the one with the most labels first.
    package var populations: [PopulationReport] {
        let (populations, names) = state.withLock { ($0.populations, $0.names) }
        let all = populations.map { key, population -> PopulationReport in
            let bound = population.settledBound ?? options.errorBound
            let cut = population.cut(bound: bound)
            let hasCut = cut.score.isFinite
            let tried = population.hits + population.explored
            let name = names[key]
            return PopulationReport(
                population: key.description, tenant: name?.tenant.description, endpoint: name?.endpoint.rawValue, namespace: name?.namespace,
                model: name?.model, instructions: name.flatMap { $0.instructions == Instructions.none ? nil : String($0.instructions, radix: 16) },
                text: name?.text?.description, observations: population.observations,
                hits: population.hits, explored: population.explored,
                exploredShare: tried == 0 ? 0 : Double(population.explored) / Double(tried), errorBound: bound,
                state: hasCut || (verifier != nil && population.restsOnVerifier) ? .open : .shut, cut: hasCut ? cut.score : nil,
                estimatedError: hasCut ? cut.estimate : nil, upperBound: hasCut ? cut.upperBound : nil)
        }
        return all.sorted { ($1.observations, $1.hits, $0.population) < ($0.observations, $0.hits, $1.population) }
    }
}
