package import HTTPTypes
package import SemanticCache

/// An answer that may be kept.
package struct RecordedAnswer: Sendable {
    package let recording: Recording
    /// The upstream's fields that describe the answer itself, worth repeating on every hit.
    package let fields: HTTPFields
    package let usage: TokenUsage?
}

/// Records one response while it passes through, and says at its end whether it may be kept. A pure machine.
///
/// Chunks are only copied while the response runs; what they mean is read once, in ``finish()``. A response that breaks off (the client or the upstream
/// leaves) is not finished but dropped.
///
/// What may be kept:
/// - status 200, identity encoding, within the size limit, and of the endpoint's form without an `error` in it;
/// - no choice cut short: a stream must have said for every choice why it ended, whether or not it closes with `[DONE]`, which some providers never
///   send. `[DONE]` alone proves nothing; without it as many choices must have ended as the request asked for;
/// - nothing ended by a length limit, by a content filter or by a fault.
///
/// The upstream's own `Cache-Control` is not asked: providers mark streams `no-cache` or `no-store` to keep proxies from holding them back, and the
/// operator who puts this program in front of them has decided otherwise.
package struct AnswerRecorder {
    private let request: CacheableRequest
    private let fields: HTTPFields
    private let limit: Int
    private let isEvents: Bool
    /// Why the answer cannot be kept, as soon as that is known: from then on no bytes are held.
    package private(set) var refusal: NotStoredReason?
    private var bytes: [UInt8] = []
    private var marks: [EventRecording.Mark] = []
    /// Whether the stream has said, in its protocol's own words, that nothing follows. What came is then worth finishing at once: a client may leave
    /// here, before the connection ends. Says nothing of plain bodies, whose end is HTTP's to tell.
    package private(set) var isComplete = false

    /// - Parameters:
    ///   - fields: the response's fields.
    ///   - limit: the largest body that is kept, in bytes.
    package init(request: CacheableRequest, status: Int, fields: HTTPFields, limit: Int) {
        self.request = request
        self.limit = min(limit, Int(UInt32.max) - 1)
        self.fields = Self.lasting(fields)
        isEvents = fields[.contentType].map { $0.lowercased().hasPrefix("text/event-stream") } ?? request.wantsStream
        if status != 200 {
            refusal = .errorStatus
        } else if let encoding = fields[.contentEncoding], encoding.lowercased() != "identity" {
            refusal = .encoded
        } else if let length = fields[.contentLength].flatMap({ Int($0) }), length > limit {
            refusal = .tooLarge
        }
    }

    /// Takes the next chunk.
    /// - Parameter milliseconds: the time since the first byte; must not decrease.
    ///
    /// - Complexity: amortised O(1) a byte.
    package mutating func append(_ chunk: [UInt8], milliseconds: UInt32) {
        guard refusal == nil, !chunk.isEmpty else { return }
        guard bytes.count + chunk.count <= limit else {
            refusal = .tooLarge
            bytes = []
            marks = []
            return
        }
        bytes += chunk
        guard isEvents else { return }
        marks.append(EventRecording.Mark(end: UInt32(bytes.count), milliseconds: milliseconds))
        isComplete = isComplete || endsProtocol
    }

    /// Whether the last event is the one with which the endpoint's streams end. Looks at the last bytes only.
    private var endsProtocol: Bool {
        guard let last = bytes.last, last == 0x0A || last == 0x0D else { return false }
        return request.format.isEnd(of: bytes)
    }

    /// Ends the response, which came to its end as HTTP sees it. The recorder is empty afterwards.
    ///
    /// - Complexity: O(n) in the body.
    package mutating func finish() -> Result<RecordedAnswer, NotStoredReason> {
        defer {
            bytes = []
            marks = []
            refusal = refusal ?? .abandoned
        }
        if let refusal { return .failure(refusal) }
        do throws(NotStoredReason) {
            let inspection = AnswerInspection(format: request.format, choiceCount: request.choiceCount)
            let usage = try isEvents ? inspection.inspectEvents(bytes) : inspection.inspectMessage(bytes)
            let recording: Recording = isEvents ? .events(EventRecording(bytes: bytes, marks: marks)) : .message(bytes)
            return .success(RecordedAnswer(recording: recording, fields: fields, usage: usage))
        } catch {
            return .failure(error)
        }
    }

    /// Fields that say something of the answer rather than of the exchange: ids, dates, rate limits, cookies and timings belong to the request that
    /// was really made. A list of what is kept, because providers add fields of the other kind all the time.
    private static let keptNames: Set<String> = [
        "content-type", "content-language", "openai-version", "openai-model", "x-ms-deployment-name", "anthropic-version",
    ]

    package static func lasting(_ fields: HTTPFields) -> HTTPFields {
        var result = HTTPFields()
        for field in fields where keptNames.contains(field.name.canonicalName) || field.isCrossOrigin { result.append(field) }
        return result
    }
}
