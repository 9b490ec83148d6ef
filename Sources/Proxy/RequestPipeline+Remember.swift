import Cache
import Learning
import Logging
import Matching
import SemanticCache
import Telemetry
import WireFormats

// Step 9: what was recorded becomes an entry.

extension RequestPipeline {
    /// - Parameters:
    ///   - refused: why the answer is not kept, also where it could be.
    ///   - mark: when the call began.
    func store(
        _ recorded: Result<RecordedAnswer, NotStoredReason>, unless refused: NotStoredReason?, of lookUp: LookUp, vector: LateVector?,
        departed: ContinuousClock.Instant, mark: Flushes.Mark
    ) {
        switch recorded {
        case .failure(.tooLarge):
            // Under a refusal nothing may have been recorded on purpose.
            notStored(refused ?? .tooLarge, lookUp)
        case .failure(let reason): notStored(reason, lookUp)
        case .success(let recorded):
            let answer = Answer(
                recording: recorded.recording, fields: recorded.fields, usage: recorded.usage, upstreamTime: ContinuousClock.now - departed)
            if let usage = answer.usage {
                metrics.recordSpending(usage, lookUp.labels)
                if lookUp.isExploration { metrics.recordCost(.exploration, model: lookUp.content.model, usage: usage, lookUp.labels) }
            }
            if let refused { return notStored(refused, lookUp) }
            lookUp.trace.note { $0.answer = answer }
            if lookUp.controls.forbidsStoring { return notStored(.forbidden, lookUp) }
            if lookUp.content.items.count > 1 {
                rememberParts(answer, of: lookUp, since: mark)
            } else {
                remember(answer, of: lookUp, vector: vector, since: mark)
            }
        }
    }

    /// Counts and notes that an answer is not kept.
    func notStored(_ reason: NotStoredReason, _ lookUp: LookUp) {
        metrics.recordNotStored(reason)
        lookUp.trace.note { $0.notStored = reason }
        logger.debug("answer not stored", metadata: ["request": "\(lookUp.request.id)", "reason": "\(reason.rawValue)"])
    }

    func lateVector(of lookUp: LookUp) -> LateVector? {
        guard let query = lookUp.content.query, embedder != nil, isSearchable(lookUp.content) else { return nil }
        return LateVector { urgency in
            if lookUp.isLookedUpBehind { return await lookUpBehind(lookUp, urgency) }
            noticeWords(of: lookUp)
            return LateVector.Made(vector: await semantic.vector(of: query, urgency: urgency))
        }
    }

    func remember(_ answer: Answer, of lookUp: LookUp, vector: LateVector?, since mark: Flushes.Mark) {
        let now = clock.now()
        let query = lookUp.content.subject
        let ttl = timeToLive(asked: lookUp.controls.ttl, query: lookUp.content.query ?? "")
        let entry = Entry(
            id: ids.next(), key: lookUp.key, scope: isSearchable(lookUp.content) ? lookUp.scope : nil, tenant: lookUp.tenant,
            namespace: lookUp.namespace, endpoint: lookUp.content.endpoint, model: lookUp.content.model, tags: lookUp.controls.tags, query: query,
            answer: answer, createdAt: now, expiresAt: now + ttl)
        guard let scope = entry.scope, let vector, let embedder else {
            if !cache.insert(CacheRecord(entry: entry, embedding: nil), since: mark) { notStored(.flushed, lookUp) }
            return
        }
        let ready = vector.ready
        let embedding = ready?.vector.map { StoredEmbedding(vector: $0, fingerprint: embedder.fingerprint) }
        guard cache.insert(CacheRecord(entry: entry, embedding: embedding), since: mark) else { return notStored(.flushed, lookUp) }
        // A look-up that was made behind the request teaches when it has ended.
        let teach: @Sendable (LabelJob.Kind?) -> Void = { lesson in learn(from: entry, of: lesson.map { lookUp.teaching($0) } ?? lookUp) }
        if embedding == nil {
            lateVectors.follow(vector, to: entry.id, in: scope, query: query, facts: lookUp.facts, then: teach)
        } else {
            teach(ready?.lesson)
        }
    }

    /// Why the operator does not let the answer to this request be stored; `nil` when it may be.
    func refusal(of request: ProxyRequest) -> NotStoredReason? {
        guard case .bytes(let body) = request.body, options.storage.allowsStoring(body) else { return .sensitive }
        return nil
    }

    /// How long an answer is kept: as asked, else as configured, within the configuration's limits.
    func timeToLive(asked: Duration?, query: String) -> Duration {
        let ttl = min(asked ?? options.ttl, options.maximumTTL)
        return isOfTheMoment(query) ? min(ttl, options.timeSensitiveTTL) : ttl
    }

    /// Whether rewordings may find the answer to this request.
    func isSearchable(_ content: CacheableRequest) -> Bool {
        (options.mode != .exact || !options.overrides.isEmpty) && (!content.hasTools || options.semanticTools) && !isOfTheMoment(content.query ?? "")
    }

    /// Whether the prompt speaks of a moment, and the operator wants care taken of that.
    func isOfTheMoment(_ query: String) -> Bool {
        options.timeSensitive == .exact && TimeSensitivity.phrase(in: query) != nil
    }
}
