import Matching
package import SemanticCache
import Synchronization

/// What people say about hits, and what they can see.
extension MatchLearner {
    /// Why feedback was refused. Nothing was changed.
    package enum FeedbackError: Error, Sendable, Equatable, CustomStringConvertible {
        /// There is no such entry, or it belongs to another tenant than the caller.
        case unknownEntry
        /// No hit of that request is remembered.
        case unknownRequest
        /// The request was served from another entry.
        case otherEntry(served: EntryID)

        package var description: String {
            switch self {
            case .unknownEntry: "there is no such entry"
            case .unknownRequest: "no semantic hit of that request is remembered; leave 'request' out to judge the entry alone"
            case .otherEntry(let served): "that request was served from entry \(served)"
            }
        }
    }

    /// Takes a person's word on a hit: it is one label, and a wrong hit takes the entry out of semantic reach, for good.
    ///
    /// - Parameters:
    ///   - requestID: of the hit; without one nothing is learned.
    ///   - tenant: of the caller, where it gave a credential: entries of others are unknown to it.
    package func feedback(entry id: EntryID, requestID: String?, isRight: Bool, tenant: TenantID?) async throws(FeedbackError) {
        guard let entry = cache.metadata(id), tenant ?? entry.tenant == entry.tenant else { throw .unknownEntry }
        let now = clock.now()
        let failure = state.withLock { state -> FeedbackError? in
            var hit: RememberedHit?
            if let requestID {
                guard let remembered = state.hits[requestID] else { return .unknownRequest }
                guard remembered.entry == id else { return .otherEntry(served: remembered.entry) }
                hit = remembered
            }
            if !isRight {
                state.counts.disputed += 1
                state.nearMisses.append(
                    NearMiss(
                        kind: .disputed, at: now, requestID: requestID ?? "", entry: id, asked: hit?.asked ?? "", cached: entry.query,
                        similarity: hit?.similarity ?? 0, reason: "feedback", findings: [], score: nil))
            }
            // One word a hit: whoever says it twice is not heard twice.
            guard let requestID, let hit, !hit.isJudged else { return nil }
            state.hits[requestID]?.isJudged = true
            state.groups.note(hit.wording, isRight: isRight)
            guard let features = hit.features else { return nil }
            Self.change(hit.population, &state) { $0.learn(features, isRight: isRight) }
            state.global.learn(features, isRight: isRight)
            state.isGlobalChanged = true
            return nil
        }
        if let failure { throw failure }
        if !isRight { await cache.removeFromReach(id) }
    }

    /// Near misses and disputed hits, the youngest first.
    package func nearMisses(limit: Int) -> [NearMiss] { Array(state.withLock { $0.nearMisses.all }.reversed().prefix(limit)) }

    /// Forgets the prompts that are remembered beside the entries, when everything is removed.
    package func forget() {
        state.withLock { state in
            state.hits = [:]
            state.hitsByKey = [:]
            state.nearMisses.removeAll()
            state.groups.removeAll()
        }
    }

    /// The numbers of this moment.
    package struct Report: Sendable {
        package let estimatedError: Double
        package let upperBound: Double
        package let cut: Double?
        package let observations: Int
        package let populations: Int
        package let hits: Int
        package let explored: Int
        package let hasPrior: Bool
        package let counts: Counts
        package let judge: AnswerJudge.Counts
    }

    package var report: Report {
        let judged = judge?.counts ?? AnswerJudge.Counts()
        return state.withLock { state in
            let cut = state.global.cut(bound: options.errorBound)
            return Report(
                estimatedError: cut.estimate, upperBound: cut.upperBound, cut: cut.score.isFinite ? cut.score : nil,
                observations: state.global.observations, populations: state.populations.count,
                hits: state.populations.values.reduce(0) { $0 + $1.hits }, explored: state.populations.values.reduce(0) { $0 + $1.explored },
                hasPrior: prior != nil, counts: state.counts, judge: judged)
        }
    }
}
