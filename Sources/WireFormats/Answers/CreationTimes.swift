package import SemanticCache

/// The moments at which a provider says that it made an answer: `created` of completions, `created_at` and `completed_at` of responses, in seconds
/// since 1970. An answer that is given again shows by them how old it is.
package enum CreationTimes {
    private static let names = ["created", "created_at", "completed_at"].map { Array($0.utf8) }
    /// They stand in the answer itself, or in the one member that an event carries it in.
    private static let depths = 1...2

    /// The answer as if it had been made so many seconds later. No byte more or less, so that marks stay where they are.
    package static func moved(_ answer: Answer, by seconds: Int64) -> Answer {
        let recording: Recording =
            switch answer.recording {
            case .message(let bytes): .message(moved(bytes, by: seconds))
            case .events(let events): .events(EventRecording(bytes: moved(events.bytes, by: seconds), marks: events.marks))
            }
        return Answer(
            recording: recording, fields: answer.fields, usage: answer.usage, upstreamTime: answer.upstreamTime,
            tellsUsageRegardless: answer.tellsUsageRegardless, isStandIn: answer.isStandIn)
    }

    /// The same for JSON, or for events whose data is JSON.
    static func moved(_ bytes: [UInt8], by seconds: Int64) -> [UInt8] {
        var result = bytes
        var depth = 0
        var stringStart: Int?
        var index = 0
        while index < bytes.count {
            defer { index += 1 }
            let byte = bytes[index]
            if let start = stringStart {
                switch byte {
                case UInt8(ascii: "\\"): index += 1
                case UInt8(ascii: "\""):
                    stringStart = nil
                    guard depths.contains(depth), names.contains(where: { bytes[start..<index].elementsEqual($0) }) else { continue }
                    guard let (place, digits) = number(after: index + 1, in: bytes, movedBy: seconds) else { continue }
                    for (offset, digit) in digits.enumerated() { result[place + offset] = digit }
                // No string of JSON has a line break: this one was a comment's, or another field's.
                case 0x0A: stringStart = nil
                default: break
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): stringStart = index + 1
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            // A blank line ends an event.
            case 0x0A where index > 0 && bytes[index - 1] == 0x0A: depth = 0
            default: break
            }
        }
        return result
    }

    /// The later number in place of the one that is the member's value, and where that stands; `nil` where it takes more digits, or there is none.
    private static func number(after start: Int, in bytes: [UInt8], movedBy seconds: Int64) -> (place: Int, digits: [UInt8])? {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
        guard let colon = bytes[start...].firstIndex(where: { !isSpace($0) }), bytes[colon] == UInt8(ascii: ":"),
            let place = bytes[(colon + 1)...].firstIndex(where: { !isSpace($0) })
        else { return nil }
        let digits = bytes[place...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = Int64(String(decoding: digits, as: UTF8.self)), number > 0 else { return nil }
        let later = Array(String(number.addingReportingOverflow(seconds).partialValue).utf8)
        return later.count == digits.count ? (place, later) : nil
    }
}
