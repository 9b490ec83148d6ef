import Cache
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
        /// Somebody gave a verdict on that near miss before.
        case alreadyJudged
        /// The near miss was forwarded by a guard, or for another reason that no verdict changes.
        case nothingToLearn(reason: String)

        package var description: String {
            switch self {
            case .unknownEntry: "there is no such entry"
            case .unknownRequest:
                "no semantic hit or near miss of that request and entry is remembered; leave 'request' out to judge the entry alone"
            case .otherEntry(let served): "that request was served from entry \(served)"
            case .alreadyJudged: "a verdict on that near miss was given before"
            case .nothingToLearn(let reason): "that request was forwarded as '\(reason)', which no verdict changes"
            }
        }
    }

    /// What a verdict was about.
    package enum Subject: String, Sendable {
        /// An answer that was served.
        case hit
        /// A request that was forwarded, and the entry nearest to it.
        case nearMiss = "near-miss"
        /// An entry, whatever it was served for; nothing is learned.
        case entry
    }

    /// Takes a person's word: it is one label. A wrong hit takes the entry out of semantic reach, for good. On a near miss the word is whether the
    /// entry's answer would have been right, and the entry stays where it is.
    ///
    /// - Parameters:
    ///   - requestID: of the hit, or of the request that was forwarded; without one nothing is learned.
    ///   - tenant: of the caller, where it gave a credential: entries of others are unknown to it.
    @discardableResult
    package func feedback(entry id: EntryID, requestID: String?, isRight: Bool, tenant: TenantID?) async throws(FeedbackError) -> Subject {
        guard let entry = await cache.metadata(anywhere: id), tenant ?? entry.tenant == entry.tenant else { throw .unknownEntry }
        guard let requestID else {
            await takeFromReach(entry, of: nil, unless: isRight)
            return .entry
        }
        let (hit, miss) = state.withLock { ($0.hits[requestID], $0.nearMisses.forwarded(requestID: requestID, entry: id)) }
        if let hit, hit.entry == id {
            note(isRight, of: hit)
            await takeFromReach(entry, of: hit, unless: isRight)
            return .hit
        }
        if let miss {
            try await note(isRight, of: miss, nearest: entry)
            return .nearMiss
        }
        // Ids of requests are the clients' own: two tenants may use the same one, and neither learns of the other's entry. What was near to an entry
        // is forgotten with it.
        guard let hit, cache.metadata(hit.entry)?.tenant == entry.tenant else {
            throw entry.isExpired(at: clock.now()) ? FeedbackError.unknownEntry : FeedbackError.unknownRequest
        }
        throw .otherEntry(served: hit.entry)
    }

    /// One word a hit: whoever says it twice is not heard twice.
    private func note(_ isRight: Bool, of hit: RememberedHit) {
        state.withLock { state in
            guard state.hits[hit.requestID]?.isJudged == false else { return }
            state.hits.update(hit.requestID) { $0.isJudged = true }
            state.groups.note(hit.wording, isRight: isRight)
            guard let features = hit.features else { return }
            Self.change(hit.population, &state) { $0.learn(features, isRight: isRight) }
            Self.noteLearning(of: hit.population, &state)
            guard state.names[hit.population]?.text == nil else { return }
            state.global.learn(features, isRight: isRight)
            state.isGlobalChanged = true
        }
    }

    /// A label such as the judge's, and like there: where the questions are the same, the fresh answer joins the one that was near.
    private func note(_ isSame: Bool, of miss: NearMiss, nearest entry: EntryMetadata) async throws(FeedbackError) {
        guard !entry.isExpired(at: clock.now()) else { throw .unknownEntry }
        guard let lesson = miss.lesson else { throw .nothingToLearn(reason: miss.reason) }
        guard state.withLock({ $0.nearMisses.judge(requestID: miss.requestID, entry: miss.entry, isSame: isSame) }) else { throw .alreadyJudged }
        let features = await hearingVerifier(lesson.features, miss.asked, miss.cached)
        let fresh = miss.key.flatMap { cache.metadata(for: $0) }
        state.withLock { state in
            Self.teach(lesson.population, features, AnswerEvidence(isSame: isSame), wouldServe: false, of: miss.entry, &state)
            if isSame, let fresh, fresh.scope == entry.scope { state.groups.join(fresh.id, to: entry.id) }
        }
    }

    /// Leaves the entry to exact repeats. An answer counts and is listed once, however often and by whomever it is said to be wrong.
    private func takeFromReach(_ entry: EntryMetadata, of hit: RememberedHit?, unless isRight: Bool) async {
        guard !isRight else { return }
        let now = clock.now()
        state.withLock { state in
            guard state.disputed[entry.id] == nil else { return }
            state.disputed.set(entry.id, to: ())
            state.counts.disputed += 1
            state.nearMisses.append(
                NearMiss(
                    kind: .disputed, at: now, requestID: hit?.requestID ?? "", entry: entry.id, asked: hit?.asked ?? "", cached: entry.query,
                    similarity: hit?.similarity ?? 0, reason: "feedback"))
        }
        await cache.removeFromReach(entry.id)
    }

    /// Near misses and disputed hits of entries that are there, the youngest first.
    package func nearMisses(limit: Int) -> [NearMiss] {
        forgetTheGone()
        return Array(state.withLock { $0.nearMisses.all }.reversed().prefix(limit))
    }

    /// Near misses that a verdict can still be given on, the youngest first.
    package func openNearMisses(limit: Int) -> [NearMiss] { Array(nearMisses(limit: .max).lazy.filter(\.isOpen).prefix(limit)) }

    /// Forgets the near misses and disputed hits of entries that are gone or whose time is over: nobody can judge them any more, and they quote prompts.
    ///
    /// - Complexity: O(n) in what is remembered, some hundreds at the most.
    func forgetTheGone() {
        let entries = state.withLock { $0.nearMisses.entries }
        let now = clock.now()
        let gone = entries.filter { cache.metadata($0)?.isExpired(at: now) ?? true }
        guard !gone.isEmpty else { return }
        state.withLock { $0.nearMisses.removeAll { gone.contains($0.entry) } }
    }

    /// Forgets the prompts that are remembered beside the entries, when everything is removed.
    package func forget() {
        state.withLock { state in
            state.hits.removeAll()
            state.hitsByKey.removeAll()
            state.nearMisses.removeAll()
            state.disputed.removeAll()
            state.groups.removeAll()
            state.recent = [:]
        }
        judge?.forget()
    }

    /// Forgets the prompts that are remembered beside these entries, which are being removed: of requests that were near them or served from them,
    /// and of those whose own answers they hold.
    package func forget(_ entries: [EntryMetadata]) {
        let ids = Set(entries.map(\.id))
        let keys = Set(entries.map(\.key))
        state.withLock { state in
            state.nearMisses.removeAll { ids.contains($0.entry) || $0.key.map { keys.contains($0) } ?? false }
            state.hits.removeAll { ids.contains($0.entry) }
            state.hitsByKey.removeAll { ids.contains($0.entry) }
        }
        judge?.forget(ids)
    }

    /// The numbers of this moment.
    package struct Report: Sendable {
        package let estimatedError: Double
        package let upperBound: Double
        package let cut: Double?
        /// What this run's and earlier runs' own labels alone say, and how many they are; `nil` without any.
        package let ownEstimatedError: Double?
        package let ownLabels: Int
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
            let bound = state.global.settledBound ?? options.errorBound
            let cut = state.global.cut(bound: bound)
            let own = state.global.ownError(bound: bound)
            return Report(
                estimatedError: cut.estimate, upperBound: cut.upperBound, cut: cut.score.isFinite ? cut.score : nil,
                ownEstimatedError: own?.estimate, ownLabels: Int((own?.labels ?? 0).rounded()),
                observations: state.global.observations, populations: state.populations.count,
                hits: state.populations.values.reduce(0) { $0 + $1.hits }, explored: state.populations.values.reduce(0) { $0 + $1.explored },
                hasPrior: prior != nil, counts: state.counts, judge: judged)
        }
    }
}
