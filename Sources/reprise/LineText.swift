import SemanticCache

/// Pieces of log lines, written without a formatter: a line costs a microsecond or two.
enum LineText {
    /// `2026-11-25T19:03:11.042Z`.
    static func append(time: Timestamp, to line: inout [UInt8]) {
        // Days to year, month and day in the Gregorian calendar, counted from 1 March of year 0 so that the leap day is a year's last.
        let (days, milliseconds) = floored(time.milliseconds, 86_400_000)
        let (era, dayOfEra) = floored(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        append(era * 400 + yearOfEra + (month <= 2 ? 1 : 0), digits: 4, "-", to: &line)
        append(month, digits: 2, "-", to: &line)
        append(dayOfYear - (153 * shifted + 2) / 5 + 1, digits: 2, "T", to: &line)
        append(milliseconds / 3_600_000, digits: 2, ":", to: &line)
        append(milliseconds / 60_000 % 60, digits: 2, ":", to: &line)
        append(milliseconds / 1000 % 60, digits: 2, ".", to: &line)
        append(milliseconds % 1000, digits: 3, "Z", to: &line)
    }

    /// A duration in milliseconds with three decimals.
    static func append(milliseconds duration: Duration, to line: inout [UInt8]) {
        let microseconds = Int64((duration.inSeconds * 1_000_000).rounded())
        line += String(microseconds / 1000).utf8
        append(microseconds % 1000, digits: 3, before: ".", to: &line)
    }

    /// A JSON string.
    static func append(quoted text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        defer { line.append(UInt8(ascii: "\"")) }
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
            line += text.utf8
            return
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                line.append(UInt8(ascii: "\\"))
                line.append(byte)
            case UInt8(ascii: "\n"): line += "\\n".utf8
            case ..<0x20, 0x7F:
                let digits = Array("0123456789abcdef".utf8)
                line += "\\u00".utf8
                line.append(digits[Int(byte >> 4)])
                line.append(digits[Int(byte & 15)])
            default: line.append(byte)
            }
        }
    }

    private static func floored(_ value: Int64, _ unit: Int64) -> (Int64, Int64) {
        let remainder = value % unit
        return remainder < 0 ? (value / unit - 1, remainder + unit) : (value / unit, remainder)
    }

    private static func append(_ number: Int64, digits: Int, before: String = "", _ after: String = "", to line: inout [UInt8]) {
        line += before.utf8
        var place: Int64 = 1
        for _ in 1..<digits { place *= 10 }
        if number >= 0, number / place < 10 {
            // Digit by digit: a line has a dozen such numbers, and a string for each costs more than the digits.
            while place > 0 {
                line.append(UInt8(ascii: "0") + UInt8(number / place % 10))
                place /= 10
            }
        } else {
            line += String(number).utf8
        }
        line += after.utf8
    }
}
