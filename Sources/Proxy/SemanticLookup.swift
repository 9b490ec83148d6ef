import Cache
import Matching
import SemanticCache
import Telemetry

/// Steps 4 to 6 of a request's life: the query's vector, its neighbours within the scope, and the decision.
///
/// Every fault here is a miss with a reason. The vector is kept for the insertion that follows a miss.
struct SemanticLookup: Sendable {
    /// What the look-up came to.
    struct Result: Sendable {
        var verdict: Verdict
        /// The query's vector, when it could be made.
        var vector: UnitVector?
        /// What was decided, when it came to that.
        var decision: Decision?
        /// The entries of the nearest distinct answers, the best first, at most three.
        var near: [EntryID] = []
        /// The best candidate's prompt.
        var nearestQuery: String?
        /// Whether all of it is left to be done behind the request.
        var isPutOff = false

        /// Whether an answer was found that could be served, be it served or not; `nil` when nothing was searched.
        var isFind: Bool? {
            guard vector != nil else { return nil }
            return decision.map { $0.verdict == .forward(.explored) || $0.isReplay } ?? false
        }
    }

    enum Verdict: Sendable {
        case serve(Entry, similarity: Float)
        case forward(MissReason)
    }

    /// How a look-up stands to its request.
    enum Standing: Sendable {
        /// The request waits for it.
        case awaited
        /// The request does not wait for what takes long: where that would be needed, nothing is found and the look-up is put off.
        case unawaited
        /// The request has gone to the model. Vectors underway are not waited for, for the request's own may be among them; who waits for it raises
        /// the urgency.
        case behind(Urgency)
    }

    let cache: AnswerCache
    let embedder: (any Embedder)?
    let lateVectors: LateVectors
    let metrics: ProxyMetrics
    let clock: any WallClock
    let deadline: Duration
    /// How many neighbours are looked at.
    let candidateCount: Int

    /// How long a vector may take that nobody waits for. What is later is left to the queue for entries without one, which is short of nothing but time.
    private static let deadlineBehind: Duration = .seconds(2)

    /// Looks for an entry of `scope` that may answer `query`.
    ///
    /// - Parameters:
    ///   - facts: what the query states; asked for only where something is there that it could be held against.
    ///   - maximumAge: older entries are passed over.
    ///   - candidates: what stands for the neighbours found.
    ///   - decide: the policy's word on them.
    func find(
        _ query: String, facts: @autoclosure () -> StatedFacts, in scope: Scope, maximumAge: Duration?, standing: Standing,
        candidates: ([AnswerCache.Match]) -> [Candidate], decide: ([Candidate]) async -> Decision
    ) async -> Result {
        guard let embedder else { return Result(verdict: .forward(.noEmbedder)) }
        // Most new questions are the first of their scope: nothing is there or on its way, and the prompt need not be read for numbers.
        guard !lateVectors.isEmpty(scope) || cache.isSearchable(scope) else { return Result(verdict: .forward(.emptyScope)) }
        // A vector that another request still makes is waited for within the same deadline.
        let end = ContinuousClock.now + deadline
        let facts = facts()
        if case .unawaited = standing, !lateVectors.isSettled(scope, for: facts) || cache.isSearchable(scope) && cache.mayMatch(facts, in: scope) {
            return Result(verdict: .forward(.notAwaited), isPutOff: true)
        }
        if case .awaited = standing, !lateVectors.isSettled(scope, for: facts) {
            let settled = try? await withDeadline(deadline) { await lateVectors.settle(scope, for: facts) }
            guard settled != nil else { return Result(verdict: .forward(.lookupTimedOut)) }
        }
        // Where there is nothing to find, the request need not wait for its vector: it is made while the upstream works.
        guard cache.isSearchable(scope) else { return Result(verdict: .forward(lateVectors.isEmpty(scope) ? .emptyScope : .numbersDiffer)) }
        guard cache.mayMatch(facts, in: scope) else { return Result(verdict: .forward(.numbersDiffer)) }
        return await RequestExecutor.away {
            await find(
                query, in: scope, maximumAge: maximumAge, standing: standing, with: embedder, until: end, candidates: candidates, decide: decide)
        }
    }

    /// The part that takes its time: the vector, the search and the decision.
    private func find(
        _ query: String, in scope: Scope, maximumAge: Duration?, standing: Standing, with embedder: any Embedder, until end: ContinuousClock.Instant,
        candidates: ([AnswerCache.Match]) -> [Candidate], decide: ([Candidate]) async -> Decision
    ) async -> Result {
        let vector: UnitVector
        do {
            let outcome: [Swift.Result<UnitVector, ModelRefusal>]?
            if case .behind(let urgency) = standing {
                outcome = try await withDeadline(Self.deadlineBehind) {
                    try await embedder.embedInBackground([query], keepsReading: true, urgency: urgency)
                }
            } else {
                let started = ContinuousClock.now
                outcome = try await withDeadline(end - started) { try await embedder.embed([query]) }
                metrics.embedLatency.record(ContinuousClock.now - started)
            }
            switch outcome?.first {
            case nil: return Result(verdict: .forward(outcome == nil ? .lookupTimedOut : .embedderFailed))
            case .success(let made): vector = made
            case .failure(.tooLong): return Result(verdict: .forward(.queryTooLong))
            case .failure(.empty): return Result(verdict: .forward(.notText))
            case .failure(.notFinite): return Result(verdict: .forward(.embedderFailed))
            }
        } catch {
            return Result(verdict: .forward(.embedderFailed))
        }
        let started = ContinuousClock.now
        let found = cache.nearest(to: vector, in: scope, count: candidateCount)
        let searched = ContinuousClock.now
        metrics.searchLatency.record(searched - started)
        // Who has waited so long does not wait for a decision, and perhaps a verifier, as well.
        if case .awaited = standing, searched >= end { return Result(verdict: .forward(.lookupTimedOut), vector: vector) }
        let now = clock.now()
        let usable = found.filter { match in
            !match.entry.isExpired(at: now) && maximumAge.map { now - match.entry.createdAt <= $0 } ?? true
        }
        guard !usable.isEmpty else {
            return Result(verdict: .forward(found.isEmpty ? .emptyScope : maximumAge == nil ? .expired : .tooOld), vector: vector)
        }
        let candidates = candidates(usable)
        let decisionStarted = ContinuousClock.now
        let decision = await decide(candidates)
        metrics.decideLatency.record(ContinuousClock.now - decisionStarted)
        var result = Result(verdict: .forward(.cacheFault), vector: vector, decision: decision, nearestQuery: candidates.first?.query)
        var answers: [EntryID] = []
        for candidate in candidates where answers.count < 3 && !answers.contains(candidate.answer) {
            answers.append(candidate.answer)
            result.near.append(candidate.id)
        }
        switch decision.verdict {
        case .forward(let reason): result.verdict = .forward(reason)
        case .replay:
            // The best candidate's own entry: of answers that are the same, the one given to the nearest wording.
            // It may have to come from the store, and may have left meanwhile.
            if let match = usable.first, let entry = await cache.entry(match.entry.id) {
                result.verdict = .serve(entry, similarity: match.similarity)
            }
        }
        return result
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
