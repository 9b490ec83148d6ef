/// The chunk with which a chat or text completion stream says what it cost: a `usage` object beside empty `choices`. Only a client that asked for
/// `stream_options.include_usage` expects it.
enum UsageChunk {
    /// Whether an event's data is such a chunk.
    static func isUsageChunk(_ data: [UInt8]) -> Bool {
        guard hasEmptyArray(data), let root = AnswerInspection.object(data), let choices = root["choices"] else { return false }
        return choices.kind == .array && choices.count == 0 && root["usage"]?.kind == .object
    }

    /// Where such chunks stand in a whole stream, ascending.
    ///
    /// - Complexity: O(n), with one cheap look at each byte; events are read only where one of them has an empty array.
    static func ranges(in stream: [UInt8]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var position = 0
        while let place = emptyArray(in: stream, from: position) {
            guard let event = event(around: place, in: stream) else { return rangesOfEvents(in: stream) }
            position = event.upperBound
            if isEventUsageChunk(Array(stream[event])) { ranges.append(event) }
        }
        return ranges
    }

    /// The same for a stream whose lines end with CR, by reading every event.
    private static func rangesOfEvents(in stream: [UInt8]) -> [Range<Int>] {
        var parser = SSEParser(limit: stream.count)
        guard let events = try? parser.append(stream) else { return [] }
        var start = 0
        return events.compactMap { event in
            defer { start = event.end }
            return isUsageChunk(event.data) ? start..<event.end : nil
        }
    }

    /// Where the event begins that ends at `end`: what stands before its own lines, comments with blank lines of their own, is not the event's.
    static func start(ofEventEndingAt end: Int, in bytes: [UInt8], after lowest: Int) -> Int {
        var start = max(lowest, end - 2)
        while start > lowest + 1, !(bytes[start - 1] == 0x0A && bytes[start - 2] == 0x0A) { start -= 1 }
        return start > lowest + 1 ? start : lowest
    }

    private static func isEventUsageChunk(_ bytes: [UInt8]) -> Bool {
        var parser = SSEParser(limit: bytes.count)
        return (try? parser.append(bytes))?.contains { isUsageChunk($0.data) } ?? false
    }

    /// The event that has this place, from behind the blank line before it to behind its own; `nil` where lines end with CR, or it has no end.
    private static func event(around place: Int, in stream: [UInt8]) -> Range<Int>? {
        stream.withUnsafeBufferPointer { bytes in
            var start = place
            while start > 1, !(bytes[start - 1] == 0x0A && bytes[start - 2] == 0x0A) {
                if bytes[start] == 0x0D { return nil }
                start -= 1
            }
            if start == 1 { start = 0 }
            var end = place
            while end + 1 < bytes.count {
                if bytes[end] == 0x0D { return nil }
                if bytes[end] == 0x0A, bytes[end + 1] == 0x0A { return start..<(end + 2) }
                end += 1
            }
            return nil
        }
    }

    private static func hasEmptyArray(_ bytes: [UInt8]) -> Bool { emptyArray(in: bytes, from: 0) != nil }

    /// The first place at or after `start` where `[]` closes, white space within it aside.
    private static func emptyArray(in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBufferPointer { bytes in
            var isOpen = false
            var index = start
            while index < bytes.count {
                let byte = bytes[index]
                if byte == UInt8(ascii: "[") {
                    isOpen = true
                } else if isOpen, byte > 0x20 {
                    if byte == UInt8(ascii: "]") { return index }
                    isOpen = false
                }
                index += 1
            }
            return nil
        }
    }
}

/// Leaves the usage chunk out of a stream on its way, for a client that did not ask for it. A pure machine.
///
/// Whole events go on at once and unchanged; the beginning of one waits for its end.
package struct UsageOmission: Sendable {
    private var parser = SSEParser()
    /// What came and did not go on yet, and where in the stream it begins.
    private var held: [UInt8] = []
    private var start = 0
    /// An event was too large to be looked into: everything goes on as it comes.
    private var isOpen = false

    package init() {}

    /// Takes the next bytes and gives those that may go on.
    ///
    /// - Complexity: amortised O(1) a byte, and the reading of chunks that have an empty array.
    package mutating func append(_ chunk: [UInt8]) -> [UInt8] {
        guard !isOpen else { return chunk }
        held += chunk
        guard let events = try? parser.append(chunk) else {
            isOpen = true
            return finish()
        }
        var passed: [UInt8] = []
        var taken = 0
        for event in events {
            let end = event.end - start
            if UsageChunk.isUsageChunk(event.data) {
                passed += held[taken..<UsageChunk.start(ofEventEndingAt: end, in: held, after: taken)]
            } else {
                passed += held[taken..<end]
            }
            taken = end
        }
        held.removeFirst(taken)
        start += taken
        return passed
    }

    /// Ends the stream and gives what was held back.
    package mutating func finish() -> [UInt8] {
        defer { held = [] }
        return held
    }
}
