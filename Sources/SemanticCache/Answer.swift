package import HTTPTypes

/// What the upstream said, complete and as it said it. Several entries may share one answer.
package struct Answer: Sendable {
    package let recording: Recording
    /// The upstream's end-to-end header fields worth repeating on a hit (`Content-Type` among them).
    package let fields: HTTPFields
    /// What the answer cost, where the upstream said so.
    package let usage: TokenUsage?
    /// From the request's departure to the answer's last byte.
    package let upstreamTime: Duration
    /// Whether it is a stream that says the same of its cost whoever asks: it says what it cost though nobody asked for that, or says nothing though
    /// somebody did. Whoever asks the other way is then told as the upstream tells.
    package let tellsUsageRegardless: Bool
    /// Whether another upstream gave it than the one that was meant, because that one could not.
    package let isStandIn: Bool

    package init(
        recording: Recording, fields: HTTPFields, usage: TokenUsage?, upstreamTime: Duration, tellsUsageRegardless: Bool = false,
        isStandIn: Bool = false
    ) {
        self.recording = recording
        self.fields = fields
        self.usage = usage
        self.tellsUsageRegardless = tellsUsageRegardless
        self.isStandIn = isStandIn
        self.upstreamTime = min(max(.zero, upstreamTime), Self.longestTime)
    }

    /// No call takes longer; times come from files and imports too, and are added up.
    private static let longestTime = Duration.seconds(7 * 86_400)

    /// What serving this again saves, in seconds and something like them: the time that the upstream took, and its price, for which a thousand prompt
    /// tokens stand for a second and completion tokens for four times as much, as providers charge. A call costs a twentieth of a second at the least.
    package var savedCost: Double {
        let tokens = usage.map { Double($0.prompt) + 4 * Double($0.completion) } ?? Double(recording.byteCount) / 4
        return 0.05 + max(0, upstreamTime.inSeconds) + tokens / 1000
    }

    /// An estimate of the memory held, in bytes.
    package var memoryBytes: Int {
        256 + recording.byteCount + fields.reduce(0) { $0 + $1.name.rawName.utf8.count + $1.value.utf8.count + 64 }
    }
}

/// An answer's body in the form in which it came. The other form is made from it on demand by `WireFormats`.
package enum Recording: Hashable, Sendable {
    /// The body of a plain response, byte for byte.
    case message([UInt8])
    /// A stream of server-sent events, byte for byte, with its cadence.
    case events(EventRecording)

    /// Whether it is a stream.
    package var isEvents: Bool {
        switch self {
        case .message: false
        case .events: true
        }
    }

    /// The size of the body in bytes, cadence included.
    package var byteCount: Int {
        switch self {
        case .message(let bytes): bytes.count
        case .events(let events): events.bytes.count + events.marks.count * MemoryLayout<EventRecording.Mark>.stride
        }
    }
}

/// A recorded stream: all bytes in one buffer, and where and when each chunk ended.
package struct EventRecording: Hashable, Sendable {
    /// The end of one chunk as it came from the upstream.
    package struct Mark: Hashable, Sendable {
        /// The chunk's end as an offset into `bytes`.
        package let end: UInt32
        /// Milliseconds from the stream's first byte.
        package let milliseconds: UInt32

        package init(end: UInt32, milliseconds: UInt32) {
            self.end = end
            self.milliseconds = milliseconds
        }
    }

    package let bytes: [UInt8]
    /// In ascending order of both members.
    package let marks: [Mark]

    package init(bytes: [UInt8], marks: [Mark]) {
        self.bytes = bytes
        self.marks = marks
    }
}

/// What a provider charged for, in tokens; each number within 0...1,000,000,000, whatever was said, so that sums of them have an end.
package struct TokenUsage: Hashable, Sendable {
    package let prompt: Int
    package let completion: Int
    /// How many of `prompt` the provider had in its own prompt cache, and charges less for.
    package let cachedPrompt: Int

    package init(prompt: Int, completion: Int, cachedPrompt: Int = 0) {
        func bounded(_ count: Int) -> Int { min(max(0, count), 1_000_000_000) }
        self.prompt = bounded(prompt)
        self.completion = bounded(completion)
        self.cachedPrompt = bounded(cachedPrompt)
    }
}
