import HTTPTypes
package import SemanticCache

/// An answer in the form that a client asked for.
package struct RenderedAnswer: Sendable {
    package enum Content: Sendable {
        /// A plain response's body.
        case body([UInt8])
        /// A stream: all bytes, and where and when each chunk ends.
        case events(EventRecording)
    }

    package let contentType: String
    package let content: Content

    /// All bytes of the body, for a replay at once.
    package var bytes: [UInt8] {
        switch content {
        case .body(let bytes): bytes
        case .events(let events): events.bytes
        }
    }
}

/// Gives a recorded answer in either form.
///
/// - The form in which it was recorded: the very same bytes. One thing is left out: the usage chunk of a chat or text completion stream (a chunk with
///   empty `choices`), where this client did not ask for `stream_options.include_usage` and it was recorded for one that did.
/// - A stream from a plain answer: synthesised in the protocol's own order, all at millisecond zero. See ``ChoiceSynthesis``, ``MessageSynthesis``,
///   ``ResponseSynthesis``.
/// - A plain answer from a stream: put together from its fragments. A stream that was recorded without a usage chunk gives an answer without `usage`,
///   and a stream without one: what the upstream never said is not made up. Whether that will do for a client that asked for it, is for who asks here
///   to say (``CacheableRequest/misses(of:)``).
package enum AnswerRenderer {
    /// The answer as `request` asked for it; `nil` when the recording is not of the endpoint's form, which the recorder does not let through.
    ///
    /// - Complexity: O(n) in the recording; O(1) for a plain answer asked for plainly.
    package static func render(_ answer: Answer, for request: CacheableRequest) -> RenderedAnswer? {
        switch answer.recording {
        case .message(let bytes):
            let recordedType = answer.fields.value(of: .contentType) ?? "application/json"
            guard request.wantsStream else { return RenderedAnswer(contentType: recordedType, content: .body(bytes)) }
            guard let events = events(from: bytes, for: request) else { return nil }
            return RenderedAnswer(contentType: "text/event-stream; charset=utf-8", content: .events(events))
        case .events(let events):
            let recordedType = answer.fields.value(of: .contentType) ?? "text/event-stream; charset=utf-8"
            if request.wantsStream { return RenderedAnswer(contentType: recordedType, content: .events(replay(events, of: answer, for: request))) }
            return message(from: events, request.format).map { RenderedAnswer(contentType: "application/json", content: .body($0)) }
        }
    }

    /// The plain answer that a stream amounts to; `nil` when it is not one of the endpoint's.
    package static func message(from recording: EventRecording, endpoint: Endpoint) -> [UInt8]? {
        message(from: recording, endpoint.format)
    }

    private static func message(from recording: EventRecording, _ format: any WireFormat) -> [UInt8]? {
        events(of: recording).flatMap { format.message(from: $0) }
    }

    private static func events(of recording: EventRecording) -> [SSEEvent]? {
        var parser = SSEParser(limit: recording.bytes.count)
        guard var events = try? parser.append(recording.bytes) else { return nil }
        if let last = parser.finish() { events.append(last) }
        return events.filter { !$0.data.isEmpty }
    }

    private static func events(from bytes: [UInt8], for request: CacheableRequest) -> EventRecording? {
        guard let root = AnswerInspection.object(bytes), let chunks = request.format.events(from: root, includesUsage: request.wantsUsage) else {
            return nil
        }
        var all: [UInt8] = []
        all.reserveCapacity(chunks.reduce(0) { $0 + $1.count })
        var marks: [EventRecording.Mark] = []
        for chunk in chunks {
            all += chunk
            guard let end = UInt32(exactly: all.count) else { return nil }
            marks.append(EventRecording.Mark(end: end, milliseconds: 0))
        }
        return EventRecording(bytes: all, marks: marks)
    }

    /// The recording, without its usage chunk for a client that did not ask for it.
    private static func replay(_ recording: EventRecording, of answer: Answer, for request: CacheableRequest) -> EventRecording {
        // A stream that said what it cost has the numbers in its answer: where there are none, there is nothing to look for.
        guard request.hidesUsage, answer.usage != nil, !answer.tellsUsageRegardless else { return recording }
        let removed = UsageChunk.ranges(in: recording.bytes)
        return removed.isEmpty ? recording : recording.without(removed)
    }
}

extension EventRecording {
    /// The chunks in order, each with the milliseconds from the stream's first byte.
    package var chunks: [(bytes: ArraySlice<UInt8>, milliseconds: UInt32)] {
        var start = 0
        return marks.map { mark in
            // A mark out of order or beyond the end would be a damaged record; it costs its chunk, not the process.
            let end = max(start, min(Int(mark.end), bytes.count))
            defer { start = end }
            return (bytes[start..<end], mark.milliseconds)
        }
    }

    /// The recording less these ranges of bytes, which are ascending and do not overlap. A chunk of which nothing is left goes.
    func without(_ removed: [Range<Int>]) -> EventRecording {
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var start = 0
        for range in removed {
            kept += bytes[start..<range.lowerBound]
            start = range.upperBound
        }
        kept += bytes[start...]
        var marks: [Mark] = []
        var gone = 0
        var next = removed[...]
        for mark in self.marks {
            while let range = next.first, range.upperBound <= Int(mark.end) {
                gone += range.count
                next.removeFirst()
            }
            let cut = next.first.map { max(0, Int(mark.end) - $0.lowerBound) } ?? 0
            let end = UInt32(max(0, Int(mark.end) - gone - cut))
            if end > marks.last?.end ?? 0 { marks.append(Mark(end: end, milliseconds: mark.milliseconds)) }
        }
        return EventRecording(bytes: kept, marks: marks)
    }
}
