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
/// A stream's events are read as they come, a plain body once it is whole. What comes of it depends on the bytes alone: however they are cut into chunks,
/// the recording and the verdict are the same. A response that breaks off before ``isComplete`` is not finished but dropped.
///
/// What may be kept:
/// - status 200, identity encoding, within the size limit, and of the endpoint's form without an `error` in it;
/// - no choice cut short: a stream must have said for every choice why it ended, whether or not it closes with `[DONE]`, which some providers never
///   send. `[DONE]` alone proves nothing; without it as many choices must have ended as the request asked for;
/// - nothing ended by a length limit, by a content filter or by a fault, or for a reason that is not known to mean a whole answer (``FinishReasons``);
/// - something in it.
///
/// The upstream's own `Cache-Control` is not asked: providers mark streams `no-cache` or `no-store` to keep proxies from holding them back, and the
/// operator who puts this program in front of them has decided otherwise.
package struct AnswerRecorder: Sendable {
    private let request: CacheableRequest
    private let fields: HTTPFields
    private let limit: Int
    /// `nil` for a plain body.
    private var reading: StreamReading?
    /// Why the answer cannot be kept whatever it says: by its head, or by its size.
    package private(set) var refusal: NotStoredReason?
    /// The reason for which the answer ended, where it is refused because this program does not know it.
    package private(set) var unknownFinish: String?
    private var received = 0
    private var bytes: [UInt8] = []
    private var marks: [EventRecording.Mark] = []

    /// - Parameters:
    ///   - fields: the response's fields.
    ///   - limit: the largest body that is kept, in bytes.
    package init(request: CacheableRequest, status: Int, fields: HTTPFields, limit: Int) {
        self.request = request
        self.limit = min(limit, Int(UInt32.max) - 1)
        self.fields = Self.lasting(fields)
        let isEvents = fields[.contentType].map { $0.lowercased().hasPrefix("text/event-stream") } ?? request.wantsStream
        if isEvents, let progress = request.format.progress() {
            reading = StreamReading(progress: progress, finishReasons: request.format.finishReasons, limit: self.limit)
        }
        if status != 200 {
            refusal = .errorStatus
        } else if let encoding = fields[.contentEncoding], encoding.lowercased() != "identity" {
            refusal = .encoded
        } else if let length = fields[.contentLength].flatMap({ Int($0) }), length > limit {
            refusal = .tooLarge
        } else if isEvents, reading == nil {
            refusal = .unreadable
        }
    }

    /// Whether the stream has said, by an event of its protocol, that nothing follows. What still comes, be it the last line feed, belongs to the
    /// recording, and changes nothing about whether it is kept. Says nothing of plain bodies, whose end is HTTP's to tell.
    package var isComplete: Bool { reading?.isDone ?? false }

    /// Why the answer cannot be kept, as soon as that is known: from then on no bytes are held.
    package var fault: NotStoredReason? { refusal ?? reading?.fault }

    /// Takes the next chunk.
    /// - Parameter milliseconds: the time since the first byte; must not decrease.
    ///
    /// - Complexity: amortised O(1) a byte.
    package mutating func append(_ chunk: [UInt8], milliseconds: UInt32) {
        guard refusal == nil, !chunk.isEmpty else { return }
        received += chunk.count
        guard received <= limit else {
            refusal = .tooLarge
            drop()
            return
        }
        reading?.append(chunk)
        unknownFinish = reading?.unknownFinish
        guard reading?.fault == nil else { return drop() }
        bytes += chunk
        if reading != nil { marks.append(EventRecording.Mark(end: UInt32(bytes.count), milliseconds: milliseconds)) }
    }

    /// What ``finish()`` would say if nothing followed any more.
    ///
    /// - Complexity: that of ``finish()``; what comes after it is appended to a copy of the bytes.
    package var soFar: Result<RecordedAnswer, NotStoredReason> {
        var copy = self
        return copy.finish()
    }

    /// Ends the response, which came to its end as HTTP sees it, or as its protocol does. The recorder is empty afterwards.
    ///
    /// - Complexity: O(n) in a plain body; O(1) for a stream.
    package mutating func finish() -> Result<RecordedAnswer, NotStoredReason> {
        defer {
            drop()
            refusal = refusal ?? .abandoned
        }
        if let refusal { return .failure(refusal) }
        do throws(NotStoredReason) {
            guard var reading else {
                let inspection = AnswerInspection(format: request.format)
                let usage: TokenUsage?
                do throws(NotStoredReason) { usage = try inspection.inspectMessage(bytes) } catch {
                    if error == .unknownFinish { unknownFinish = inspection.unknownFinish(in: bytes) }
                    throw error
                }
                return .success(RecordedAnswer(recording: .message(bytes), fields: fields, usage: usage))
            }
            defer { unknownFinish = reading.unknownFinish }
            try reading.finish(choiceCount: request.choiceCount)
            return .success(RecordedAnswer(recording: .events(EventRecording(bytes: bytes, marks: marks)), fields: fields, usage: reading.usage))
        } catch {
            return .failure(error)
        }
    }

    private mutating func drop() {
        bytes = []
        marks = []
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
