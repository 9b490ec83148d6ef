import HTTPTypes
import SemanticCache
import WireFormats

/// Pools that hide their hits: a response is made to look as if the model had just given it.
enum HiddenPool {
    /// A reply without what would tell that it was a hit: framed as one that streams, and not before the upstream would have answered.
    static func hidden(_ reply: Reply, since started: ContinuousClock.Instant) async -> Reply {
        var reply = reply
        for name in telling { reply.response.fields[name] = nil }
        if reply.response.status == .ok {
            // An upstream's own id, limits and timings would tell that it was asked, and so would a length that only one of the two has.
            let encoding = reply.response.fields[.contentEncoding]
            reply.response.fields = AnswerRecorder.lasting(reply.response.fields)
            reply.response.fields[.contentEncoding] = encoding
            if case .bytes(let bytes) = reply.response.body { reply.response.body = .stream(ByteStream([bytes])) }
        }
        guard let answer = reply.served?.answer else { return reply }
        // A stream then follows in its recorded rhythm.
        var wait = answer.upstreamTime
        if case .events(let events) = answer.recording, let last = events.marks.last { wait -= .milliseconds(Int64(last.milliseconds)) }
        if wait > .zero { try? await Task.sleep(until: started + wait, clock: .continuous) }
        return reply
    }

    /// What an upstream that is a cache itself may say of its part in the answer.
    private static let telling: [HTTPField.Name] = [
        .age, .cacheStatus, .xCache, .xCacheMatch, .xCacheTier, .xCacheSimilarity, .xCacheEntry, .xCacheReason, .xRequestID,
    ]

    /// The entry's answer as a call made now would bring it, in its dates too; `nil` where it came in the other form, for what is made of that here has
    /// neither the provider's rhythm nor its spelling.
    static func asIfFresh(_ entry: Entry, for request: CacheableRequest, at now: Timestamp) -> Answer? {
        var isStream = false
        if case .events = entry.answer.recording { isStream = true }
        guard isStream == request.wantsStream else { return nil }
        let late = now - entry.createdAt + entry.answer.upstreamTime
        return CreationTimes.moved(entry.answer, by: Int64(max(.zero, late).inSeconds))
    }
}
