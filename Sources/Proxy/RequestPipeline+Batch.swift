import Cache
import HTTPTypes
import SemanticCache
import WireFormats

/// Steps 3 to 9 for an embeddings request of several inputs: each input has an entry of its own, found and kept by the key of the request that asks for it
/// alone, and the upstream is asked for those only that are not there.
extension RequestPipeline {
    func answerBatch(_ inquiry: Inquiry) async -> Reply {
        let keys = inquiry.itemKeys
        var findings: [KeyFinding] = []
        for key in keys { findings.append(await lookUps.byKey(key, inquiry.controls).finding) }
        let batch = EmbeddingBatch(keys: keys, findings: findings)
        if batch.missing.isEmpty {
            if let reply = replays.replay(batch, to: inquiry) { return reply }
            return await call(inquiry, CallOrder(reason: .incompleteEntry))
        }
        // Nothing is known and nothing asked for twice: the request goes as it came, and its answer as it comes.
        guard batch.missing.count < batch.keys.count, let rest = inquiry.selecting(batch.missing) else {
            return await call(inquiry, CallOrder(reason: batch.reason))
        }

        let isPartial = !batch.known.isEmpty
        var reply = await call(rest, CallOrder(reason: isPartial ? .partialBatch : batch.reason))
        guard reply.response.status == .ok else { return reply }
        let answered: [UInt8]?
        switch reply.response.body {
        // An older answer stands in for the fresh one.
        case .bytes(let bytes): answered = bytes
        case .stream(let stream):
            do {
                answered = try await stream.collect(upTo: inquiry.options.maximumAnswerBytes(for: inquiry.content))
            } catch {
                let broken = error as? UpstreamError ?? .broken("\(error)")
                return Reply(.miss(batch.reason), ErrorResponse.upstream(broken, path: inquiry.request.path))
            }
        }
        guard let answered, let fresh = EmbeddingParts.split(answered, weights: rest.content.items.map(\.weight)), let body = batch.body(with: fresh)
        else {
            // An answer that cannot be put together with what is known: the client's own request is asked after all.
            return await call(inquiry, CallOrder(reason: .incompleteEntry))
        }
        for entry in batch.known.values { cache.touch(entry.id) }
        reply.response.fields[.contentLength] = nil
        reply.response.body = .bytes(body)
        guard isPartial else { return reply }
        return Reply(batch.outcome(with: reply.outcome, at: clock.now()), reply.response, served: reply.served)
    }
}

extension EmbeddingBatch {
    /// What became of the whole, where some parts were known and the rest became `rest`.
    fileprivate func outcome(with rest: Outcome, at now: Timestamp) -> Outcome {
        guard let hit = rest.hit else {
            return .partial(known: known.count, count: keys.count, isStored: rest.isStored, isCollapsed: rest.isCollapsed)
        }
        return .hit(
            Outcome.Hit(
                hit.match, tier: hit.tier, entry: hit.entry, parts: keys.count, age: known.values.reduce(hit.age) { max($0, now - $1.createdAt) },
                remaining: known.values.reduce(hit.remaining) { min($0, $1.expiresAt - now) }, isStale: hit.isStale))
    }
}

extension Inquiry {
    /// The same request for these of its inputs only.
    fileprivate func selecting(_ positions: [Int]) -> Inquiry? {
        guard case .bytes(let whole) = request.body, let body = RequestReader.body(whole, selecting: positions),
            case .cacheable(let content) = RequestReader.read(path: request.path[...], body: body), content.items.count == positions.count
        else { return nil }
        return with(request.withBody(body), content)
    }
}
