import Synchronization

/// Mints ids that only grow, also when the wall clock steps back.
///
/// Sources of different nodes never give the same id, so that processes need not ask each other. A node has 1,024 ids a millisecond; when they are
/// used up, and while the clock stands behind what was given last, it goes on in the next millisecond.
package final class EntryIDSource: Sendable {
    /// Who mints: one number for each process that shares entries with others.
    package struct Node: Hashable, Sendable {
        /// Zero is left to the ids of before there were nodes: their counter filled these bits only past a thousand in a millisecond.
        package static let numbers = 1...(1 << EntryIDSource.nodeBits) - 1

        package let number: Int

        /// `nil` where the number is not one of ``numbers``.
        package init?(_ number: Int) {
            guard Self.numbers.contains(number) else { return nil }
            self.number = number
        }

        private init(known number: Int) { self.number = number }

        /// One of them, each as likely: for a process that nobody gave a number.
        package static func drawn(using generator: inout some RandomNumberGenerator) -> Node {
            Node(known: .random(in: numbers, using: &generator))
        }

        package static func drawn() -> Node {
            var generator = SystemRandomNumberGenerator()
            return drawn(using: &generator)
        }
    }

    /// How far another process's clock may run ahead of this one's for its ids to be taken over.
    package static let skew = Duration.seconds(60)

    fileprivate static let counterBits = 10
    private static let nodeBits = 10
    fileprivate static let timeShift = counterBits + nodeBits
    fileprivate static let lastMillisecond = Int64.max >> timeShift

    fileprivate struct State {
        var last: Int64
        var node: Int64
    }

    private let state: Mutex<State>
    private let clock: any WallClock

    /// Starts above `floor`, the largest id that the store holds.
    package init(clock: any WallClock, node: Node = .drawn(), above floor: EntryID? = nil) {
        self.clock = clock
        state = Mutex(State(last: floor?.rawValue ?? 0, node: Int64(node.number)))
    }

    /// Mints as this node from now on: the number that other processes leave to this one.
    package func use(_ node: Node) { state.withLock { $0.node = Int64(node.number) } }

    /// An id never given before by this source.
    package func next() -> EntryID {
        let millisecond = min(max(0, clock.now().milliseconds), Self.lastMillisecond)
        return state.withLock { state in
            state.last = max(state.successor, state.first(in: millisecond))
            return EntryID(rawValue: state.last)
        }
    }

    /// The id itself where it can be used here, else a fresh one; no later id equals it either way.
    package func adopt(_ id: EntryID, isTaken: Bool) -> EntryID {
        guard !isTaken, id.rawValue > 0, id.rawValue < Int64.max else { return next() }
        // Ids from a clock that runs far ahead must not drag all later ones along.
        guard id.rawValue >> Self.timeShift <= (clock.now() + Self.skew).milliseconds else { return next() }
        raise(above: id)
        return id
    }

    /// Makes every later id larger than `id`.
    package func raise(above id: EntryID) {
        state.withLock { $0.last = max($0.last, id.rawValue) }
    }
}

extension EntryIDSource.State {
    /// The node's first id of a millisecond.
    fileprivate func first(in millisecond: Int64) -> Int64 { millisecond << EntryIDSource.timeShift | node << EntryIDSource.counterBits }

    /// The node's smallest id above the last, which any node may have minted.
    fileprivate var successor: Int64 {
        let millisecond = last >> EntryIDSource.timeShift
        let first = first(in: millisecond)
        if last < first { return first }
        let next = last + (last < Int64.max ? 1 : 0)
        if next - first < 1 << EntryIDSource.counterBits { return next }
        // At the end of time, which only a damaged row can name, a larger id matters more than whose it is; above the very last there is none.
        guard millisecond < EntryIDSource.lastMillisecond else { return last < Int64.max ? next : 0 }
        return self.first(in: millisecond + 1)
    }
}
