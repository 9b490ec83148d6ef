import Eviction
import Testing

/// What every policy promises, and what each one's name says.
struct EvictionPolicyTests {
    private static func policies() -> [any EvictionPolicy<Int>] {
        [
            ValueEviction(capacity: 64), OrderedEviction<Int>(.leastRecentlyUsed), OrderedEviction<Int>(.leastFrequentlyUsed),
            OrderedEviction<Int>(.firstIn),
        ]
    }

    private func worth(_ key: Int, cost: Double = 1, bytes: Int = 100) -> Worth { Worth(hash: UInt64(key), cost: cost, bytes: bytes) }

    /// Whatever is held goes once when asked for, and nothing else does: neither what was removed before nor what never came.
    @Test(arguments: 0..<4) func whatIsHeldGoesOnce(policy number: Int) {
        var policy = Self.policies()[number]
        for key in 0..<5000 { policy.admit(key, worth(key)) }
        for key in stride(from: 0, to: 5000, by: 3) { policy.access(key) }
        for key in stride(from: 0, to: 5000, by: 2) { policy.remove(key) }
        policy.remove(1_000_000)
        policy.access(1_000_000)
        var gone = policy.evict(1000, for: nil)
        #expect(gone.count == 1000)
        gone += policy.evict(10_000, for: nil)
        #expect(gone.sorted() == Array(stride(from: 1, to: 5000, by: 2)))
        #expect(policy.evict(1, for: nil).isEmpty)
        // A key that went may come again.
        policy.admit(7, worth(7))
        #expect(policy.evict(2, for: 7) == [7])
    }

    @Test func plainOrdersAreThemselves() {
        func order(_ order: OrderedEviction<Int>.Order) -> [Int] {
            var policy = OrderedEviction<Int>(order)
            for key in 1...4 { policy.admit(key, worth(key)) }
            for key in [2, 1, 1, 3] { policy.access(key) }
            return policy.evict(4, for: nil)
        }
        #expect(order(.firstIn) == [1, 2, 3, 4])
        #expect(order(.leastRecentlyUsed) == [4, 2, 1, 3])
        #expect(order(.leastFrequentlyUsed) == [4, 2, 3, 1])
    }

    /// Uses of what stays leave no more behind than a small multiple of what is held, and the order is kept over the cleaning.
    @Test func manyUsesKeepTheOrder() {
        var policy = OrderedEviction<Int>(.leastRecentlyUsed)
        for key in 0..<10 { policy.admit(key, worth(key)) }
        for use in 0..<10_000 { policy.access(9 - use % 10) }
        #expect(policy.evict(10, for: nil) == Array((0..<10).reversed()))
    }

    /// What is dear and small stays; a newcomer that is worth less than all others goes itself, and one that is near them does not.
    @Test func valueIsCostForRoom() {
        var policy = ValueEviction(capacity: 64)
        policy.admit(0, worth(0, cost: 10))
        policy.admit(1, worth(1, cost: 10, bytes: 10_000))
        policy.admit(2, worth(2, cost: 8))
        #expect(policy.evict(1, for: nil) == [1])
        policy.admit(1, worth(1, cost: 6))
        #expect(policy.evict(1, for: 1) == [1])
        policy.admit(1, worth(1, cost: 7))
        #expect(policy.evict(1, for: 1) == [2])
    }

    /// Among many the least is looked for in a sample: what is asked for again and again outlives what is not.
    @Test func whatIsAskedForStaysAmongMany() {
        var policy = ValueEviction(capacity: 10_000)
        for key in 0..<10_000 { policy.admit(key, worth(key)) }
        for _ in 1...5 {
            for key in 0..<100 {
                policy.request(UInt64(key))
                policy.access(key)
            }
        }
        #expect(policy.evict(5000, for: nil).allSatisfy { $0 >= 100 })
    }

    @Test func emptyPlacesAreNotCounted() {
        var policy = ValueEviction(capacity: 64)
        let before = policy.memoryBytes
        for key in 0..<100 { policy.admit(key, worth(key)) }
        #expect(policy.memoryBytes > before)
        policy.removeAll()
        #expect(policy.memoryBytes == before)
    }
}
