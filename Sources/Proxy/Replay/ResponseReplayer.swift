import HTTPTypes
import SemanticCache
import WireFormats

/// Step 7a: an entry's answer in the form that the request asks for.
struct ResponseReplayer: Sendable {
    /// The fields that a hit has beside the answer's own, at the most.
    private static let addedFields = 10

    /// The whole response, the cache's own fields aside; `nil` when the answer cannot be given in the form that was asked for.
    func replay(_ answer: Answer, for request: CacheableRequest, pace: ReplayPace) -> ProxyResponse? {
        guard let rendered = AnswerRenderer.render(answer, for: request) else { return nil }
        var fields = answer.fields
        // Room for what the cache and the server add, so that the fields are copied once.
        fields.reserveCapacity(fields.count + Self.addedFields)
        fields[.contentType] = rendered.contentType
        switch rendered.content {
        case .body(let bytes):
            return ProxyResponse(status: .ok, fields: fields, body: .bytes(bytes))
        case .events(let events):
            switch pace {
            case .immediate: return ProxyResponse(status: .ok, fields: fields, body: .bytes(events.bytes))
            case .recorded: return ProxyResponse(status: .ok, fields: fields, body: .stream(Self.paced(events)))
            }
        }
    }

    private static func paced(_ events: EventRecording) -> ByteStream {
        ByteStream(state: Player(events)) { try await $0.next() }
    }

    /// Plays the chunks of a recording at their times.
    private struct Player {
        private let events: EventRecording
        private var position = 0
        private var mark = 0
        /// The moment at which the first chunk was asked for.
        private var started: ContinuousClock.Instant?

        init(_ events: EventRecording) { self.events = events }

        mutating func next() async throws -> [UInt8]? {
            guard mark < events.marks.count else { return nil }
            let chunk = events.marks[mark]
            let start = started ?? .now
            started = start
            try await Task.sleep(until: start + .milliseconds(Int64(chunk.milliseconds)), clock: .continuous)
            defer {
                position = Int(chunk.end)
                mark += 1
            }
            return Array(events.bytes[position..<Int(chunk.end)])
        }
    }
}
