import HTTPTypes
import SemanticCache
import Telemetry
import WireFormats

/// Which inputs of an embeddings request the cache has, and what is left to ask for.
struct EmbeddingBatch: Sendable {
    let keys: [CacheKey]
    /// The entries that are there, by the position of their input.
    let known: [Int: Entry]
    /// The positions of the inputs to ask for: the first of those that are equal.
    let missing: [Int]
    /// Why the first of them is missing.
    let reason: MissReason

    /// - Parameter lookUp: an entry that may answer the key, or why none may.
    init(keys: [CacheKey], lookUp: (CacheKey) async -> Result<Entry, MissReason>) async {
        self.keys = keys
        var known: [Int: Entry] = [:]
        var missing: [Int] = []
        var seen: Set<CacheKey> = []
        var reason: MissReason?
        for (position, key) in keys.enumerated() {
            switch await lookUp(key) {
            case .success(let entry): known[position] = entry
            case .failure(let why):
                reason = reason ?? why
                if seen.insert(key).inserted { missing.append(position) }
            }
        }
        self.known = known
        self.missing = missing
        // Embeddings have no scope: what is not there under its key is nowhere.
        self.reason = reason == .emptyScope ? .exactOnly : reason ?? .exactOnly
    }

    /// The whole answer; `nil` when a part is not of the endpoint's form.
    /// - Parameter fresh: the parts for ``missing``, in order.
    func body(with fresh: [[UInt8]]) -> [UInt8]? {
        guard fresh.count == missing.count else { return nil }
        var byKey: [CacheKey: [UInt8]] = [:]
        for (position, part) in zip(missing, fresh) { byKey[keys[position]] = part }
        var parts: [[UInt8]] = []
        parts.reserveCapacity(keys.count)
        for (position, key) in keys.enumerated() {
            if case .message(let part) = known[position]?.answer.recording {
                parts.append(part)
            } else if let part = byKey[key] {
                parts.append(part)
            } else {
                return nil
            }
        }
        return EmbeddingParts.merge(parts, leading: missing.first ?? 0)
    }
}

/// Steps 3 to 9 for an embeddings request of several inputs: each input has an entry of its own, found and kept by the key of the request that asks for it
/// alone, and the upstream is asked for those only that are not there.
extension RequestPipeline {
    func answerBatch(_ lookUp: LookUp) async -> ProxyResponse {
        let batch = await EmbeddingBatch(keys: lookUp.itemKeys) { await lookUpExactly($0, lookUp.controls) }
        if batch.missing.isEmpty {
            if let response = replay(batch, for: lookUp) { return response }
            return await forward(lookUp, reason: .incompleteEntry, vector: nil)
        }
        // Nothing is known and nothing asked for twice: the request goes as it came, and its answer as it comes.
        if batch.missing.count == batch.keys.count { return await forward(lookUp, reason: batch.reason, vector: nil) }
        guard let rest = lookUp.selecting(batch.missing) else { return await forward(lookUp, reason: batch.reason, vector: nil) }

        let isPartial = !batch.known.isEmpty
        let response = await forward(rest, reason: isPartial ? .partialBatch : batch.reason, vector: nil)
        guard response.status == .ok else { return response }
        guard case .stream(let stream) = response.body else { return response }
        let answered: [UInt8]?
        do {
            answered = try await stream.collect(upTo: options.maximumAnswerBytes(for: lookUp.content))
        } catch {
            return ErrorResponse.upstream(error as? UpstreamError ?? .broken("\(error)"), path: lookUp.request.path)
        }
        guard let answered, let fresh = EmbeddingParts.split(answered, weights: rest.content.items.map(\.weight)), let body = batch.body(with: fresh)
        else {
            // An answer that cannot be put together with what is known: the client's own request is asked after all.
            return await forward(lookUp, reason: .incompleteEntry, vector: nil)
        }
        for entry in batch.known.values { cache.touch(entry.id) }
        var fields = response.fields
        fields[.contentLength] = nil
        let whole = ProxyResponse(status: .ok, fields: fields, body: .bytes(body))
        guard isPartial else { return whole }
        let isStored = response.fields[.cacheStatus]?.contains("; stored") ?? false
        return whole.adding(CacheOutcome.partial(known: batch.known.count, count: batch.keys.count, isStored: isStored).fields)
    }

    private func replay(_ batch: EmbeddingBatch, for lookUp: LookUp) -> ProxyResponse? {
        guard let first = batch.known[0], let body = batch.body(with: []) else { return nil }
        let now = clock.now()
        let entries = batch.known.values
        var fields = first.answer.fields
        fields[.contentType] = fields[.contentType] ?? "application/json"
        let outcome = CacheOutcome.batchHit(
            age: entries.map { now - $0.createdAt }.max() ?? .zero, remaining: entries.map { $0.expiresAt - now }.min() ?? .zero)
        for entry in entries { cache.touch(entry.id) }
        let elapsed = ContinuousClock.now - lookUp.started
        let saving = ProxyMetrics.Saving(
            usage: TokenUsage(prompt: entries.reduce(0) { $0 + ($1.answer.usage?.prompt ?? 0) }, completion: 0),
            upstreamTime: entries.map(\.answer.upstreamTime).max() ?? .zero, hitTime: elapsed)
        metrics.record(.exactHit, lookUp.labels, saving: saving)
        metrics.exactHitLatency.record(elapsed)
        lookUp.trace.note { $0.outcome = .hit(.exact, entry: first.id) }
        var response = ProxyResponse(status: .ok, fields: fields, body: .bytes(body)).adding(outcome.fields)
        response.fields[.xRequestID] = lookUp.request.id
        return response
    }

    /// Keeps the answer to a request of several inputs as one entry an input.
    func rememberParts(_ answer: Answer, of lookUp: LookUp, since mark: Flushes.Mark) {
        let ttl = timeToLive(asked: lookUp.controls.ttl, query: "")
        let now = clock.now()
        let content = lookUp.content
        let entries = content.parts(of: answer).map { parts in
            zip(zip(content.items, lookUp.itemKeys), parts).map { item, part in
                Entry(
                    id: ids.next(), key: item.1, scope: nil, tenant: lookUp.tenant, namespace: lookUp.namespace, endpoint: content.endpoint,
                    model: content.model, tags: lookUp.controls.tags, query: item.0.text ?? "", answer: part, createdAt: now, expiresAt: now + ttl)
            }
        }
        guard let entries else { return notStored(.unreadable, lookUp) }
        let kept = entries.filter { cache.insert(CacheRecord(entry: $0, embedding: nil), since: mark) }
        if kept.isEmpty { notStored(.flushed, lookUp) }
    }
}

extension CacheableRequest {
    /// The answer to each of the ``items``; `nil` when the answer does not have exactly one for each.
    func parts(of answer: Answer) -> [Answer]? {
        guard case .message(let body) = answer.recording, let parts = EmbeddingParts.split(body, weights: items.map(\.weight)) else { return nil }
        return parts.map { part in
            Answer(recording: .message(part), fields: answer.fields, usage: EmbeddingParts.usage(of: part), upstreamTime: answer.upstreamTime)
        }
    }
}

extension RequestPipeline.LookUp {
    /// The key of each input.
    var itemKeys: [CacheKey] { content.itemKeys(tenant: tenant, namespace: namespace, pathAndQuery: request.variant) }

    /// The same request for these of its inputs only.
    fileprivate func selecting(_ positions: [Int]) -> Self? {
        guard case .bytes(let whole) = request.body, let body = RequestReader.body(whole, selecting: positions),
            case .cacheable(let content) = RequestReader.read(path: request.pathWithoutQuery, body: body), content.items.count == positions.count
        else { return nil }
        return Self(
            request: request.withBody(body), content: content, controls: controls, caller: caller, tenant: tenant, namespace: namespace,
            started: started, settings: settings, trace: trace, lesson: lesson)
    }
}
