/// Durations as people write them in the configuration, in headers and in records: `250ms`, `30s`, `5m`, `24h`, `7d`.
///
/// One whole number and one unit, without spaces or signs. Fractions and sums (`1.5h`, `1h30m`) are refused rather than guessed at.
extension Duration {
    /// Reads `text`; throws ``DurationTextError`` when it is not of that form or too large for a `Duration`.
    package static func parse(_ text: some StringProtocol) throws(DurationTextError) -> Duration {
        let bytes = Array(text.utf8)
        let digits = bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard !digits.isEmpty else { throw DurationTextError.malformed(String(text)) }
        let millisecondsPerUnit: Int64
        switch String(decoding: bytes[digits.count...], as: UTF8.self) {
        case "ms": millisecondsPerUnit = 1
        case "s": millisecondsPerUnit = 1000
        case "m": millisecondsPerUnit = 60_000
        case "h": millisecondsPerUnit = 3_600_000
        case "d": millisecondsPerUnit = 86_400_000
        default: throw DurationTextError.malformed(String(text))
        }
        guard let count = Int64(String(decoding: digits, as: UTF8.self)) else { throw DurationTextError.tooLarge(String(text)) }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: millisecondsPerUnit)
        guard !overflow else { throw DurationTextError.tooLarge(String(text)) }
        return .milliseconds(milliseconds)
    }

    /// The duration in the largest unit that says it in a whole number, as ``parse(_:)`` reads it. Less than a millisecond is cut off.
    package var text: String {
        let milliseconds = wholeMilliseconds
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
        where milliseconds != 0 && milliseconds.isMultiple(of: size) {
            return "\(milliseconds / size)\(unit)"
        }
        return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
    }
}

/// A text that is not a duration.
package enum DurationTextError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(String)
    case tooLarge(String)

    package var description: String {
        switch self {
        case .malformed(let text): "expected a duration such as 250ms, 30s, 5m, 24h or 7d, got '\(text)'"
        case .tooLarge(let text): "the duration '\(text)' is too large"
        }
    }
}
