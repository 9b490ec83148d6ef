/// Names one entry for its whole life, over restarts too. Larger is younger.
///
/// From the top: a bit that is zero, so that it is a valid SQLite row id; 43 bits of milliseconds since 1970; 10 bits that name who minted it, zero
/// in ids of before there were nodes; 10 bits of a counter. How ids come about: ``EntryIDSource``.
package struct EntryID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// Reads what ``description`` wrote: 16 hexadecimal digits.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 16, let value = Int64(text, radix: 16), value >= 0 else { return nil }
        rawValue = value
    }

    /// 16 lower-case hexadecimal digits, as shown in `X-Cache-Entry`.
    package var description: String { Digest256.hex(UInt64(bitPattern: rawValue)) }

    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
