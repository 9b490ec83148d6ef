import Cache
import Learning
import Matching
import SemanticCache
import WireFormats

/// Steps 4 to 6 of a request's life: the query's vector, its neighbours within the scope, tier by tier, and the decision.
///
/// Every fault here is a miss with a reason.
struct MeaningLookUp: Sendable {
    let tiers: [any CacheTier]
    let embedder: (any Embedder)?
    let learner: MatchLearner?
    let patience: Patience
    let wordings: WordingCap
    let clock: any WallClock

    /// How long a vector may take that nobody waits for. What is later is left to the queue for entries without one, which is short of nothing but time.
    private static let deadlineBehind: Duration = .seconds(2)

    /// Looks for an entry that may answer what an inquiry asks.
    ///
    /// - Parameter hasVectors: what the look-up by key told of the scope.
    func find(
        _ asked: Asked, of inquiry: Inquiry, knowing hasVectors: [Outcome.Tier: Bool], for purpose: LookUpPurpose
    ) async -> MeaningFinding {
        guard let embedder else { return MeaningFinding(reason: .noEmbedder) }
        let limit = inquiry.options.lookupDeadline
        // A vector that another request still makes is waited for within the same deadline.
        let end = ContinuousClock.now + limit
        var isAwaited = true
        let underway: Underway
        switch purpose {
        case .answer:
            isAwaited = inquiry.controls.onlyIfCached || patience.waits(inquiry.kind.key, limit: inquiry.options.patience)
            underway = isAwaited ? .awaited(atMost: limit) : .counted
        case .behind: underway = .ignored
        case .explanation: underway = .awaited(atMost: limit)
        }
        var reason = MissReason.emptyScope
        var reached: [any CacheTier] = []
        for tier in tiers {
            switch await tier.reach(of: asked.scope, isKnown: hasVectors[tier.name], for: { asked.facts }, underway) {
            case .searchable: reached.append(tier)
            case .otherFacts: reason = .numbersDiffer
            case .empty: break
            case .late: return MeaningFinding(reason: .lookupTimedOut)
            }
        }
        // Where there is nothing to find, the request need not wait for its vector: it is made while the upstream works.
        guard !reached.isEmpty else { return MeaningFinding(reason: reason) }
        guard isAwaited else { return MeaningFinding(reason: .notAwaited, isPutOff: true, hasVectors: hasVectors) }
        return await RequestExecutor.away { [reached] in
            var finding = MeaningFinding()
            guard let vector = await vector(of: asked.query, with: embedder, for: purpose, until: end, &finding) else { return finding }
            finding.vector = vector
            await search(reached, asked, vector, of: inquiry, for: purpose, until: end, &finding)
            return finding
        }
    }

    /// Step 4; `nil` with the reason in `finding`.
    private func vector(
        of query: String, with embedder: any Embedder, for purpose: LookUpPurpose, until end: ContinuousClock.Instant,
        _ finding: inout MeaningFinding
    ) async -> UnitVector? {
        let outcome: [Result<UnitVector, ModelRefusal>]?
        do {
            if case .behind(let urgency) = purpose {
                outcome = try await withDeadline(Self.deadlineBehind) {
                    try await embedder.embedInBackground([query], keepsReading: true, urgency: urgency)
                }
            } else {
                let started = ContinuousClock.now
                outcome = try await withDeadline(end - started) { try await embedder.embed([query]) }
                finding.times.embedding = ContinuousClock.now - started
            }
        } catch {
            finding.reason = .embedderFailed
            return nil
        }
        switch outcome?.first {
        case nil: finding.reason = outcome == nil ? .lookupTimedOut : .embedderFailed
        case .success(let made): return made
        case .failure(.tooLong): finding.reason = .queryTooLong
        case .failure(.empty): finding.reason = .notText
        case .failure(.notFinite): finding.reason = .embedderFailed
        }
        return nil
    }

    /// Steps 5 and 6.
    private func search(
        _ tiers: [any CacheTier], _ asked: Asked, _ vector: UnitVector, of inquiry: Inquiry, for purpose: LookUpPurpose,
        until end: ContinuousClock.Instant, _ finding: inout MeaningFinding
    ) async {
        let maximumAge = inquiry.controls.maxAge
        let started = ContinuousClock.now
        let neighbours = await neighbours(of: vector, in: asked.scope, count: inquiry.options.candidateCount, tiers, for: purpose)
        let searched = ContinuousClock.now
        finding.times.search = searched - started
        // Who has waited so long does not wait for a decision, and perhaps a verifier, as well.
        if case .behind = purpose {} else if searched >= end { return finding.reason = .lookupTimedOut }
        let now = clock.now()
        let usable = neighbours.filter { neighbour in
            let entry = neighbour.match.entry
            return !entry.isExpired(at: now) && maximumAge.map { now - entry.createdAt <= $0 } ?? true
        }
        guard let best = usable.first else {
            return finding.reason = neighbours.isEmpty ? .emptyScope : maximumAge == nil ? .expired : .tooOld
        }
        finding.candidates = candidates(usable.map(\.match))
        let decisionStarted = ContinuousClock.now
        let decision = await decide(asked.query, finding.candidates, of: inquiry, for: purpose)
        finding.times.decision = ContinuousClock.now - decisionStarted
        finding.decision = decision
        if case .forward(let reason) = decision.verdict { return finding.reason = reason }
        // The best candidate's own entry: of answers that are the same, the one given to the nearest wording.
        // It may have to come from the store, and may have left meanwhile.
        guard let entry = await best.tier.entry(best.match.entry, purpose) else { return finding.reason = .cacheFault }
        guard wordings.admits(asked.query, of: entry.id, limit: inquiry.options.maximumWordings) else {
            finding.overworded = entry.id
            return finding.reason = .verificationDue
        }
        finding.found = Found(entry: entry, match: .semantic(similarity: best.match.similarity), tier: best.tier.name)
    }

    /// Step 5: the nearest of all tiers; of equal keys the nearer tier's.
    private func neighbours(
        of vector: UnitVector, in scope: Scope, count: Int, _ tiers: [any CacheTier], for purpose: LookUpPurpose
    ) async -> [(tier: any CacheTier, match: AnswerCache.Match)] {
        var found: [(tier: any CacheTier, match: AnswerCache.Match)] = []
        for tier in tiers {
            let matches: [AnswerCache.Match]
            if let deadline = tier.deadline {
                matches = (try? await withDeadline(deadline) { await tier.nearest(to: vector, in: scope, count: count, purpose) }) ?? []
            } else {
                matches = await tier.nearest(to: vector, in: scope, count: count, purpose)
            }
            let known = Set(found.map(\.match.entry.key))
            found += matches.lazy.filter { !known.contains($0.entry.key) }.map { (tier, $0) }
        }
        guard tiers.count > 1 else { return found }
        return Array(found.sorted { $0.match.similarity > $1.match.similarity }.prefix(count))
    }

    /// The neighbours as the policy takes them.
    private func candidates(_ matches: [AnswerCache.Match]) -> [Candidate] {
        learner?.candidates(matches) ?? matches.map { Candidate(id: $0.entry.id, query: $0.entry.query, similarity: $0.similarity) }
    }

    /// Step 6. Without a learner, and in mode `threshold`, similarity and guards decide.
    private func decide(_ query: String, _ candidates: [Candidate], of inquiry: Inquiry, for purpose: LookUpPurpose) async -> Decision {
        let least = inquiry.controls.threshold ?? 0
        let matching = inquiry.matching
        guard let learner, matching.mode == .calibrated || matching.mode == .shadow else {
            return ThresholdPolicy(
                threshold: max(matching.threshold, least), profile: matching.profile, residue: embedder.map { ResidueGuard($0) }
            )
            .decide(query: query, candidates: candidates)
        }
        var explores = true
        if case .explanation = purpose { explores = false }
        return await learner.decide(query, candidates, in: inquiry.population, matching, floor: least, explores: explores)
    }

    /// The vector of a query that was not looked up; `nil` when it cannot be had in time.
    func vector(of query: String, urgency: Urgency) async -> UnitVector? {
        guard let embedder else { return nil }
        let outcome = try? await withDeadline(Self.deadlineBehind) {
            try await embedder.embedInBackground([query], keepsReading: true, urgency: urgency)
        }
        return try? outcome?.first?.get()
    }
}
