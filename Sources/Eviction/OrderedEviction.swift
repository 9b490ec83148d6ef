import HeapModule

/// What is first in a plain order goes: the policies that ``ValueEviction`` is held against.
package struct OrderedEviction<Key: Hashable & Sendable>: EvictionPolicy, Sendable {
    package enum Order: Sendable {
        case leastRecentlyUsed, leastFrequentlyUsed, firstIn
    }

    /// Where a thing stands. The clock tells any two apart.
    private struct Standing: Comparable, Sendable {
        let key: Key
        /// Counted where the order asks for it alone.
        var uses = 0
        var clock: Int

        static func < (a: Self, b: Self) -> Bool { (a.uses, a.clock) < (b.uses, b.clock) }
        static func == (a: Self, b: Self) -> Bool { a.clock == b.clock }
    }

    private let order: Order
    private var standings: [Key: Standing] = [:]
    /// May hold standings that are not current; they are passed over.
    private var queue = Heap<Standing>()
    private var clock = 0

    package init(_ order: Order) { self.order = order }

    package mutating func request(_ hash: UInt64) {}

    package mutating func admit(_ key: Key, _ worth: Worth) {
        clock += 1
        stand(Standing(key: key, clock: clock))
    }

    package mutating func access(_ key: Key) {
        guard order != .firstIn, var standing = standings[key] else { return }
        clock += 1
        standing.clock = clock
        if order == .leastFrequentlyUsed { standing.uses += 1 }
        stand(standing)
    }

    package mutating func remove(_ key: Key) { standings[key] = nil }

    package mutating func evict(_ count: Int, for newcomer: Key?) -> [Key] {
        var evicted: [Key] = []
        while evicted.count < count, let first = queue.popMin() {
            guard standings[first.key] == first else { continue }
            standings[first.key] = nil
            evicted.append(first.key)
        }
        return evicted
    }

    private mutating func stand(_ standing: Standing) {
        standings[standing.key] = standing
        queue.insert(standing)
        if queue.count > 2 * standings.count + 1024 { queue = Heap(standings.values) }
    }
}
