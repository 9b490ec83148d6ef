import Synchronization

/// Names one entry for its whole life, over restarts too. Larger is younger.
///
/// Upper 44 bits: milliseconds since 1970; lower 20 bits: a counter. Positive, so that it is a valid SQLite row id.
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

/// Mints ids that only grow, also when the wall clock steps back.
package final class EntryIDSource: Sendable {
    private let last: Mutex<Int64>
    private let clock: any WallClock

    /// Starts above `floor`, the largest id that the store holds.
    package init(clock: any WallClock, above floor: EntryID? = nil) {
        self.clock = clock
        self.last = Mutex(floor?.rawValue ?? 0)
    }

    /// An id never given before by this source.
    package func next() -> EntryID {
        let fresh = max(0, clock.now().milliseconds) & 0x7FF_FFFF_FFFF << 20
        return last.withLock { last in
            last = max(last + 1, fresh)
            return EntryID(rawValue: last)
        }
    }

    /// The id itself where it can be used here, else a fresh one; no later id equals it either way.
    package func adopt(_ id: EntryID, isTaken: Bool) -> EntryID {
        guard !isTaken, id.rawValue > 0, id.rawValue < Int64.max else { return next() }
        // Ids from a clock that runs ahead must not drag all later ones along.
        guard id.rawValue >> 20 <= clock.now().milliseconds else { return next() }
        raise(above: id)
        return id
    }

    /// Makes every later id larger than `id`.
    package func raise(above id: EntryID) {
        last.withLock { $0 = max($0, id.rawValue) }
    }
}
