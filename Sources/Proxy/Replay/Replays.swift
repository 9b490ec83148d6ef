import Cache
import HTTPTypes
import SemanticCache
import Telemetry
import WireFormats

/// Step 7a: answers from the cache.
struct Replays: Sendable {
    let cache: AnswerCache
    let tenants: TenantResolver
    let clock: any WallClock
    let crossOrigin = CrossOrigin()
    private let replayer = ResponseReplayer()

    init(cache: AnswerCache, tenants: TenantResolver, clock: any WallClock) {
        self.cache = cache
        self.tenants = tenants
        self.clock = clock
    }

    /// The found answer; `nil` when it does not exist in the form that is asked for, lacks what is asked for, or may be one that the page which asks
    /// cannot read.
    ///
    /// - Parameter isStale: whether it stands in for a fresh one, which nobody can have.
    func replay(_ found: Found, to inquiry: Inquiry, isStale: Bool = false) -> Reply? {
        let entry = found.entry
        let now = clock.now()
        let isHidden = tenants.hides(inquiry)
        guard let answer = isHidden ? HiddenPool.asIfFresh(entry, for: inquiry.content, at: now) : entry.answer,
            var response = replayer.replay(answer, for: inquiry.content, pace: isHidden ? .recorded : inquiry.options.replayPace)
        else { return nil }
        guard crossOrigin.adapt(&response.fields, to: inquiry) && !inquiry.content.misses(of: answer) || isStale else { return nil }
        cache.touch(entry.id)
        let saving = ProxyMetrics.Saving(
            usage: entry.answer.usage, upstreamTime: entry.answer.upstreamTime, hitTime: ContinuousClock.now - inquiry.started)
        let hit = Outcome.Hit(
            found.match, tier: found.tier, entry: entry.id, age: now - entry.createdAt, remaining: entry.expiresAt - now, isStale: isStale)
        return Reply(.hit(hit), response, served: Reply.Served(answer: entry.answer, saving: saving))
    }

    /// The answer to a batch of which every part is known.
    func replay(_ batch: EmbeddingBatch, to inquiry: Inquiry) -> Reply? {
        guard let first = batch.known[0], let body = batch.body(with: []) else { return nil }
        let now = clock.now()
        let entries = batch.known.values
        var fields = first.answer.fields
        guard crossOrigin.adapt(&fields, to: inquiry) else { return nil }
        for entry in entries { cache.touch(entry.id) }
        fields[.contentType] = fields[.contentType] ?? "application/json"
        let saving = ProxyMetrics.Saving(
            usage: TokenUsage(prompt: entries.reduce(0) { $0 + ($1.answer.usage?.prompt ?? 0) }, completion: 0),
            upstreamTime: entries.map(\.answer.upstreamTime).max() ?? .zero, hitTime: ContinuousClock.now - inquiry.started)
        let hit = Outcome.Hit(
            .exact, entry: first.id, parts: batch.keys.count, age: entries.map { now - $0.createdAt }.max() ?? .zero,
            remaining: max(.zero, entries.map { $0.expiresAt - now }.min() ?? .zero))
        return Reply(
            .hit(hit), ProxyResponse(status: .ok, fields: fields, body: .bytes(body)), served: Reply.Served(answer: nil, saving: saving))
    }
}
