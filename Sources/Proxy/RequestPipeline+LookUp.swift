import Cache
import HTTPTypes
import Learning
import Logging
import Matching
import SemanticCache
import Telemetry
import WireFormats

// Steps 3 to 7a: by key, then by meaning, then the replay.

extension RequestPipeline {
    func answer(_ lookUp: LookUp, _ begun: ExactFinding) async -> ProxyResponse {
        var finding = begun
        if case .unknown = finding { finding = self.finding(await lookUpExactly(lookUp.key, lookUp.controls), for: lookUp) }
        let exactReason: MissReason
        switch finding {
        case .answer(let response): return response
        case .sample(let entry): return await forward(lookUp.teaching(.noise(entry)), reason: .explored, vector: nil)
        case .unfit: return await forward(lookUp, reason: .incompleteEntry, vector: nil)
        case .missing(.expired):
            if let entry = await cache.entry(for: lookUp.key), staleWhileRevalidate(entry, controls: lookUp.controls),
                let response = replay(entry, as: .stale, for: lookUp)
            {
                refresh(lookUp)
                return response
            }
            exactReason = .expired
        case .missing(let reason): exactReason = reason
        case .unknown: exactReason = .emptyScope
        }
        if exactReason == .refreshRequested { learner?.noteRefresh(lookUp.key) }
        let found = await lookUpByMeaning(lookUp, unless: exactReason, standing: standing(of: lookUp))
        if let evidence = found.decision?.evidence { lookUp.trace.note { $0.evidence = evidence } }
        let lookUp = lookUp.teaching(note(found, for: lookUp))
        switch found.verdict {
        case .forward(let reason) where found.isPutOff:
            return await forward(lookUp.lookedUpBehind(), reason: reason, vector: nil)
        case .serve(let entry, let similarity):
            if let response = replay(entry, as: .semantic(similarity: similarity), for: lookUp) {
                noteServed(found, entry, for: lookUp)
                return response
            }
            return await forward(lookUp, reason: .incompleteEntry, vector: found.vector)
        case .forward(let reason):
            return await forward(lookUp, reason: reason, vector: found.vector)
        }
    }

    /// Whether a request waits for its look-up by meaning.
    private func standing(of lookUp: LookUp) -> SemanticLookup.Standing {
        lookUp.controls.onlyIfCached || patience.waits(lookUp.population, limit: options.patience) ? .awaited : .unawaited
    }

    /// The look-up of a request that did not wait for it: what is found is not served, and teaches as much.
    func lookUpBehind(_ lookUp: LookUp, _ urgency: Urgency) async -> LateVector.Made {
        var found = await lookUpByMeaning(lookUp, unless: .emptyScope, standing: .behind(urgency))
        if case .serve = found.verdict { found.verdict = .forward(.notAwaited) }
        return LateVector.Made(vector: found.vector, lesson: note(found, for: lookUp))
    }

    /// Notes what a look-up came to; gives what a fresh answer can teach.
    private func note(_ found: SemanticLookup.Result, for lookUp: LookUp) -> LabelJob.Kind? {
        if let evidence = found.decision?.evidence {
            var isServed = false
            if case .serve = found.verdict { isServed = true }
            if let similarity = evidence.similarity { metrics.similarities.record(similarity, isServed: isServed) }
            // What a guard forwards is not weighed against the cut.
            if let score = evidence.calibration?.score, !evidence.guards.contains(where: \.isFired) {
                metrics.scores.record(score, isServed: isServed)
            }
        }
        if let isFind = found.isFind { patience.note(isHit: isFind, of: lookUp.population) }
        return noteDecision(found, for: lookUp)
    }

    /// Step 3. The reason of a failure is `emptyScope` when there is nothing under the key.
    func lookUpExactly(_ key: CacheKey, _ controls: RequestControls) async -> Result<Entry, MissReason> {
        if controls.wantsFresh { return .failure(.refreshRequested) }
        guard let entry = await cache.entry(for: key) else { return .failure(.emptyScope) }
        return usable(entry, controls)
    }

    /// Step 3 as far as memory knows.
    func exactFinding(_ lookUp: LookUp) -> ExactFinding {
        if lookUp.controls.wantsFresh { return .missing(.refreshRequested) }
        switch cache.remembered(lookUp.key) {
        case .entry(let entry): return finding(usable(entry, lookUp.controls), for: lookUp)
        case .stored: return .unknown
        case .nothing: return .missing(.emptyScope)
        }
    }

    func finding(_ found: Result<Entry, MissReason>, for lookUp: LookUp) -> ExactFinding {
        switch found {
        case .failure(let reason): return .missing(reason)
        case .success(let entry):
            if isNoiseSample(lookUp) { return .sample(entry) }
            return replay(entry, as: .exact, for: lookUp).map { .answer($0) } ?? .unfit
        }
    }

    func usable(_ entry: Entry, _ controls: RequestControls) -> Result<Entry, MissReason> {
        let now = clock.now()
        if entry.isExpired(at: now) { return .failure(.expired) }
        if let maximum = controls.maxAge, now - entry.createdAt > maximum { return .failure(.tooOld) }
        return .success(entry)
    }

    /// Steps 4 to 6. A reason of the exact tier that says more than "nothing there" stands in place of an empty scope.
    ///
    /// - Parameters:
    ///   - explores: whether chance may forward what could be served.
    ///   - seen: told the candidates.
    func lookUpByMeaning(
        _ lookUp: LookUp, unless exactReason: MissReason, standing: @autoclosure () -> SemanticLookup.Standing = .awaited, explores: Bool = true,
        seen: ([Candidate]) -> Void = { _ in }
    ) async -> SemanticLookup.Result {
        if exactReason == .refreshRequested { return SemanticLookup.Result(verdict: .forward(.refreshRequested)) }
        if pressure.level > .none { return forwardExact(exactReason, else: .memoryShort) }
        let matching = matching(of: lookUp)
        if matching.mode == .exact || lookUp.controls.mode == .exact { return forwardExact(exactReason, else: .exactOnly) }
        if lookUp.content.hasTools, !options.semanticTools { return forwardExact(exactReason, else: .tools) }
        guard let query = lookUp.content.query, let scope = lookUp.scope else {
            return forwardExact(exactReason, else: lookUp.content.noScopeReason ?? .notText)
        }
        if isOfTheMoment(query) { return forwardExact(exactReason, else: .timeSensitive) }
        var result = await semantic.find(
            query, facts: lookUp.facts, in: scope, maximumAge: lookUp.controls.maxAge, standing: standing(), candidates: { candidates($0) },
            decide: { found in
                seen(found)
                return await decide(query, found, for: lookUp, matching, explores: explores)
            })
        if case .serve(let entry, _) = result.verdict, !wordings.admits(query, of: entry.id, limit: options.maximumWordings) {
            result.verdict = .forward(.verificationDue)
        }
        if case .forward(.emptyScope) = result.verdict, exactReason != .emptyScope { result.verdict = .forward(exactReason) }
        if matching.mode == .shadow, explores, case .serve(let entry, let similarity) = result.verdict {
            logger.info("shadow hit", metadata: ["request": "\(lookUp.request.id)", "entry": "\(entry.id)", "similarity": "\(similarity)"])
            result.verdict = .forward(.exactOnly)
        }
        return result
    }

    func forwardExact(_ exactReason: MissReason, else reason: MissReason) -> SemanticLookup.Result {
        SemanticLookup.Result(verdict: .forward(exactReason == .emptyScope ? reason : exactReason))
    }

    /// Step 7a; `nil` when the answer does not exist in the form that is asked for.
    func replay(_ entry: Entry, as match: CacheOutcome.Match, for lookUp: LookUp) -> ProxyResponse? {
        let now = clock.now()
        let isHidden = hides(lookUp)
        guard let answer = isHidden ? asIfFresh(entry, for: lookUp.content) : entry.answer else { return nil }
        let pace = isHidden ? .recorded : lookUp.settings.options.replayPace
        guard var response = replayer.replay(answer, for: lookUp.content, pace: pace) else { return nil }
        CacheOutcome.hit(match, entry: entry.id, age: now - entry.createdAt, remaining: entry.expiresAt - now).write(to: &response.fields)
        response.fields[.xRequestID] = lookUp.request.id
        cache.touch(entry.id)
        let elapsed = ContinuousClock.now - lookUp.started
        let saving = ProxyMetrics.Saving(usage: entry.answer.usage, upstreamTime: entry.answer.upstreamTime, hitTime: elapsed)
        switch match {
        case .exact:
            metrics.record(.exactHit, lookUp.labels, saving: saving)
            metrics.exactHitLatency.record(elapsed)
        case .semantic:
            metrics.record(.semanticHit, lookUp.labels, saving: saving)
            metrics.semanticHitLatency.record(elapsed)
        case .stale:
            metrics.record(.stale, lookUp.labels, saving: saving)
        }
        lookUp.trace.note { record in
            record.outcome = .hit(match, entry: entry.id)
            record.answer = entry.answer
        }
        return response
    }
}
