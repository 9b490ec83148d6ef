import Cache
import Learning
import Matching
import SemanticCache
import WireFormats

/// Step 9: what was recorded becomes an entry, and its vector follows.
struct Keeper: Sendable {
    /// An answer that is on its way, for whom it is kept and since when.
    struct Keeping: Sendable {
        let inquiry: Inquiry
        let order: CallOrder
        /// When the call left.
        let departed: ContinuousClock.Instant
        /// What is flushed after this is flushed of the answer, too.
        let mark: Flushes.Mark
    }

    /// What became of an answer.
    struct Kept: Sendable {
        /// The answer, when it was seen to its end and the operator lets it be kept.
        var answer: Answer?
        /// What it cost, where it says so.
        var usage: TokenUsage?
        /// Why it is not kept; `nil` when it is.
        var refusal: NotStoredReason?
    }

    let cache: AnswerCache
    let lateVectors: LateVectors
    let conversations: Conversations
    let learner: MatchLearner?
    /// Of the embedder in use; `nil` when there is none.
    let fingerprint: String?
    let ids: EntryIDSource
    let clock: any WallClock

    /// Notes that a call leaves.
    func begin(_ inquiry: Inquiry, _ order: CallOrder) -> Keeping {
        Keeping(inquiry: inquiry, order: order, departed: .now, mark: cache.flushMark)
    }

    /// Keeps what was recorded, if it may be.
    ///
    /// - Parameters:
    ///   - lastByte: when the answer's last byte came; `nil` for now.
    ///   - refused: why the answer is not kept, also where it could be.
    ///   - isStandIn: whether another upstream gave it than the one that was meant.
    func keep(
        _ recorded: Result<RecordedAnswer, NotStoredReason>, until lastByte: ContinuousClock.Instant? = nil, unless refused: NotStoredReason?,
        isStandIn: Bool = false, _ keeping: Keeping
    ) -> Kept {
        var kept = judge(recorded, until: lastByte, unless: refused, isStandIn: isStandIn, keeping)
        guard kept.refusal == nil, let answer = kept.answer else { return kept }
        kept.refusal = keeping.inquiry.isBatch ? keepParts(of: answer, keeping) : keepWhole(answer, keeping)
        return kept
    }

    /// What ``keep(_:unless:_:)`` makes of a recording, as far as that can be told without keeping it.
    func judge(
        _ recorded: Result<RecordedAnswer, NotStoredReason>, until lastByte: ContinuousClock.Instant? = nil, unless refused: NotStoredReason?,
        isStandIn: Bool = false, _ keeping: Keeping
    ) -> Kept {
        switch recorded {
        // Under a refusal nothing may have been recorded on purpose.
        case .failure(.tooLarge): return Kept(refusal: refused ?? .tooLarge)
        case .failure(let reason): return Kept(refusal: reason)
        case .success(let recorded):
            let answer = Answer(
                recording: recorded.recording, fields: recorded.fields, usage: recorded.usage,
                upstreamTime: (lastByte ?? .now) - keeping.departed,
                tellsUsageRegardless: recorded.recording.isEvents && (recorded.usage != nil) == keeping.inquiry.isUncurious, isStandIn: isStandIn)
            if let refused { return Kept(usage: answer.usage, refusal: refused) }
            return Kept(answer: answer, usage: answer.usage, refusal: keeping.inquiry.controls.forbidsStoring ? .forbidden : nil)
        }
    }

    private func keepWhole(_ answer: Answer, _ keeping: Keeping) -> NotStoredReason? {
        let (inquiry, options) = (keeping.inquiry, keeping.inquiry.options)
        let now = clock.now()
        let asked = inquiry.isSearchable ? inquiry.asked : nil
        let query = asked?.query ?? inquiry.content.subject
        let entry = Entry(
            id: ids.next(), key: inquiry.key, scope: asked?.scope, tenant: inquiry.tenant,
            namespace: inquiry.namespace, endpoint: inquiry.content.endpoint, model: inquiry.content.model, tags: inquiry.controls.tags,
            query: query, answer: answer, createdAt: now,
            expiresAt: now + options.timeToLive(of: answer, asked: inquiry.controls.ttl, inquiry.content, query: inquiry.asked?.query))
        guard let asked, let vector = keeping.order.vector, let fingerprint else {
            guard cache.insert(CacheRecord(entry: entry, embedding: nil), since: keeping.mark) else { return .flushed }
            if asked != nil { conversations.note(entry.id, madeBy: inquiry) }
            return nil
        }
        let ready = vector.ready
        let embedding = ready?.vector.map { StoredEmbedding(vector: $0, fingerprint: fingerprint) }
        guard cache.insert(CacheRecord(entry: entry, embedding: embedding), since: keeping.mark) else { return .flushed }
        conversations.note(entry.id, madeBy: inquiry)
        // A look-up that was made behind the request teaches when it has ended.
        // One model's answer says nothing of whether another's are the same.
        let teach: @Sendable (LabelJob.Kind?) -> Void = { lesson in
            if !answer.isStandIn { learn(from: entry, lesson ?? keeping.order.lesson, of: inquiry) }
        }
        if embedding == nil {
            lateVectors.follow(vector, to: entry.id, in: asked.scope, query: query, facts: asked.facts, then: teach)
        } else {
            teach(ready?.lesson)
        }
        return nil
    }

    /// Keeps the answer to a request of several inputs as one entry an input.
    private func keepParts(of answer: Answer, _ keeping: Keeping) -> NotStoredReason? {
        let inquiry = keeping.inquiry
        let content = inquiry.content
        guard let parts = content.parts(of: answer) else { return .unreadable }
        let now = clock.now()
        let end = now + inquiry.options.timeToLive(of: answer, asked: inquiry.controls.ttl, content, query: nil)
        var isKept = false
        for ((item, key), part) in zip(zip(content.items, inquiry.itemKeys), parts) {
            let entry = Entry(
                id: ids.next(), key: key, scope: nil, tenant: inquiry.tenant, namespace: inquiry.namespace, endpoint: content.endpoint,
                model: content.model, tags: inquiry.controls.tags, query: item.text ?? "", answer: part, createdAt: now, expiresAt: end)
            if cache.insert(CacheRecord(entry: entry, embedding: nil), since: keeping.mark) { isKept = true }
        }
        return isKept ? nil : .flushed
    }

    /// Hands a fresh answer to the judge.
    private func learn(from entry: Entry, _ lesson: LabelJob.Kind?, of inquiry: Inquiry) {
        guard let learner, let lesson else { return }
        learner.enqueue(LabelJob(kind: lesson, fresh: entry, requestID: inquiry.request.id, population: inquiry.population.key))
    }
}

extension CacheableRequest {
    /// The answer to each of the ``items``; `nil` when the answer does not have exactly one for each.
    func parts(of answer: Answer) -> [Answer]? {
        guard case .message(let body) = answer.recording, let parts = EmbeddingParts.split(body, weights: items.map(\.weight)) else { return nil }
        return parts.map { part in
            Answer(
                recording: .message(part), fields: answer.fields, usage: EmbeddingParts.usage(of: part), upstreamTime: answer.upstreamTime,
                isStandIn: answer.isStandIn)
        }
    }
}
