package import SemanticCache
import Synchronization

/// Which entry answered which turn of a conversation in other words, so that a history can be read as the chain of entries that it is.
///
/// A ring of records: the oldest make room for new ones. A record lives as long as its entry, which whoever reads it looks at, and goes with what it
/// rests on: a turn that was answered in a history with replaced turns names the last of them, and counts only behind that one. What was kept in such a
/// history names it as well, so that a wrong answer takes along what came of it.
package final class ServedTurns: Sendable {
    /// An answer that was served for a turn.
    package struct Served: Sendable, Equatable {
        package let entry: EntryID
        /// In short what it says.
        package let answer: UInt32
        /// The lower half of the mark of the last replaced turn before it; `nil` where there was none.
        package let parent: UInt64?
    }

    /// 40 bytes; with its place in the table under 80.
    struct Record: Equatable {
        enum Kind: UInt8 {
            case none
            /// The mark's turn was answered by `entry`.
            case served
            /// `entry` was kept in a history whose last replaced turn is the mark's.
            case made
        }

        var mark = TurnMark(high: 0, low: 0)
        var entry: Int64 = 0
        /// Zero for none.
        var parent: UInt64 = 0
        var answer: UInt32 = 0
        var kind = Kind.none
    }

    struct State {
        var ring: [Record] = []
        /// Records that were ever put into the ring: the next one's place is this, modulo the limit.
        var written: UInt64 = 0
        /// Places of the records of served turns, by the lower half of their marks.
        var places: [UInt64: UInt32] = [:]
        /// Segments that the store does not have as they are.
        var changed: Set<Int> = []
    }

    let limit: Int
    let state = Mutex(State())

    /// - Parameter limit: the most records, rounded up to whole segments.
    package init(limit: Int = 1 << 18) { self.limit = max(1, (limit + Self.segmentSize - 1) / Self.segmentSize) * Self.segmentSize }

    /// Records that are written together.
    static let segmentSize = 1024

    package var count: Int { state.withLock { $0.places.count } }

    package var isEmpty: Bool { state.withLock { $0.places.isEmpty } }

    /// What the ring and its table hold, in bytes.
    package var memoryBytes: Int {
        state.withLock { state in
            state.ring.capacity * MemoryLayout<Record>.stride
                + state.places.capacity * 4 / 3 * (MemoryLayout<UInt64>.stride + MemoryLayout<UInt32>.stride)
        }
    }

    /// Who answered this turn.
    package func find(_ mark: TurnMark) -> Served? {
        state.withLock { state in
            guard let place = state.places[mark.low], case let record = state.ring[Int(place)], record.mark == mark else { return nil }
            return Served(entry: EntryID(rawValue: record.entry), answer: record.answer, parent: record.parent == 0 ? nil : record.parent)
        }
    }

    /// Notes that a turn was answered by an entry.
    package func note(_ mark: TurnMark, servedBy entry: EntryID, answer: UInt32, after parent: TurnMark?) {
        let record = Record(mark: mark, entry: entry.rawValue, parent: parent?.low ?? 0, answer: answer, kind: .served)
        state.withLock { state in
            if let place = state.places[mark.low] {
                guard state.ring[Int(place)] != record else { return }
                state.ring[Int(place)] = record
                state.changed.insert(Int(place) / Self.segmentSize)
            } else {
                state.places[mark.low] = UInt32(put(record, &state))
            }
        }
    }

    /// Notes that an entry was kept in a history whose last replaced turn is this one.
    package func note(_ entry: EntryID, madeAfter parent: TurnMark) {
        state.withLock { _ = put(Record(mark: parent, entry: entry.rawValue, kind: .made), &$0) }
    }

    private func put(_ record: Record, _ state: inout State) -> Int {
        // What a crash left of a ring that is not full goes on where it ends.
        if state.ring.count < limit { state.written = UInt64(state.ring.count) }
        let place = Int(state.written % UInt64(limit))
        if place == state.ring.count {
            state.ring.append(record)
        } else {
            clear(place, &state)
            state.ring[place] = record
        }
        state.changed.insert(place / Self.segmentSize)
        state.written += 1
        return place
    }

    private func clear(_ place: Int, _ state: inout State) {
        if state.ring[place].kind == .served, state.places[state.ring[place].mark.low] == UInt32(place) {
            state.places[state.ring[place].mark.low] = nil
        }
        state.ring[place] = Record()
        state.changed.insert(place / Self.segmentSize)
    }

    /// Forgets whatever rests on one of these entries having been the right answer.
    ///
    /// - Returns: the entries that were kept in histories which they are part of, and all that follow from those.
    /// - Complexity: O(n) in the records, and in how long the chains are. For what people say, not for requests.
    package func dispute(_ entries: Set<EntryID>) -> Set<EntryID> {
        state.withLock { state in
            var disputed = Set(entries.map(\.rawValue))
            var marks: Set<UInt64> = []
            var made: Set<Int64> = []
            var hasGrown = true
            while hasGrown {
                hasGrown = false
                for place in state.ring.indices {
                    let record = state.ring[place]
                    switch record.kind {
                    case .none: continue
                    case .served:
                        guard disputed.contains(record.entry) || record.parent != 0 && marks.contains(record.parent) else { continue }
                        marks.insert(record.mark.low)
                    case .made:
                        guard marks.contains(record.mark.low) else { continue }
                        disputed.insert(record.entry)
                        made.insert(record.entry)
                    }
                    clear(place, &state)
                    hasGrown = true
                }
            }
            return Set(made.map { EntryID(rawValue: $0) }).subtracting(entries)
        }
    }

    package func removeAll() {
        state.withLock { state in
            state.changed.formUnion(0..<(state.ring.count + Self.segmentSize - 1) / Self.segmentSize)
            state.ring = []
            state.places = [:]
            state.written = 0
        }
    }
}
