/// A size in bytes.
package struct ByteCount: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var bytes: Int

    package init(_ bytes: Int) { self.bytes = bytes }

    package static func kibibytes(_ count: Int) -> Self { Self(count << 10) }
    package static func mebibytes(_ count: Int) -> Self { Self(count << 20) }

    package static func < (a: Self, b: Self) -> Bool { a.bytes < b.bytes }

    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("kB", 1000), ("B", 1),
    ]

    /// Reads `64KiB`, `64MiB`, `1GiB`, `5MB` or plain bytes; `nil` when the text is none of these or too large for an `Int`.
    package init?(unitText text: some StringProtocol) {
        guard let (count, unit) = splitCount(text) else { return nil }
        guard !unit.isEmpty else {
            bytes = count
            return
        }
        guard let factor = Self.units.first(where: { $0.name == unit })?.bytes else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        bytes = product
    }

    /// The shortest text that ``init(unitText:)`` reads back to the same count.
    package var description: String {
        guard bytes > 0, let unit = Self.units.first(where: { bytes.isMultiple(of: $0.bytes) && $0.bytes > 1 }) else { return "\(bytes)" }
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}

extension Duration {
    /// Units of time, in milliseconds, largest first.
    private static let units: [(name: String, milliseconds: Int)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Reads `250ms`, `30s`, `5m`, `24h` or `7d`; `nil` when the text is none of these or longer than some hundred years.
    package init?(unitText text: some StringProtocol) {
        guard let (count, unit) = splitCount(text), let factor = Self.units.first(where: { $0.name == unit })?.milliseconds else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        guard !overflow, product <= 366 * 100 * 86_400_000 else { return nil }
        self = .milliseconds(product)
    }

    /// The text that ``init(unitText:)`` reads back to the same whole milliseconds: `30s`, `24h`, `7d`.
    package var unitText: String {
        let (seconds, attoseconds) = components
        let milliseconds = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        guard milliseconds > 0 else { return "0s" }
        // One day is said as 24h, as operators write it; longer whole days as days.
        let unit = Self.units.first { milliseconds.isMultiple(of: $0.milliseconds) && (milliseconds > 86_400_000 || $0.name != "d") }
        return unit.map { "\(milliseconds / $0.milliseconds)\($0.name)" } ?? "\(milliseconds)ms"
    }
}

/// Digits at the front as a number, and what follows them.
private func splitCount(_ text: some StringProtocol) -> (count: Int, unit: String)? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty, let count = Int(digits) else { return nil }
    return (count, String(text.dropFirst(digits.count)))
}
