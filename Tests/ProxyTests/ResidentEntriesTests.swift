@testable import Proxy
import SemanticCache
import TestSupport
import Testing

struct ResidentEntriesTests {
    private let start = Timestamp(milliseconds: 1_790_000_000_000)

    private func id(_ number: Int) -> EntryID { EntryID(rawValue: Int64(number)) }

    @Test func foundByKeyAndByID() {
        var entries = ResidentEntries()
        #expect(entries.insert(Sample.entry(1)) == nil)
        #expect(entries.entry(id(1))?.id == id(1))
        #expect(entries.entry(for: Sample.entry(1).key)?.id == id(1))
        #expect(entries.entry(for: Sample.entry(2).key) == nil)
    }

    @Test func theSameKeyTakesOver() {
        var entries = ResidentEntries()
        _ = entries.insert(Sample.entry(1))
        let first = Sample.entry(1)
        let second = Entry(
            id: id(9), key: first.key, scope: first.scope, tenant: first.tenant, namespace: "", endpoint: .chatCompletions, model: "m", query: "q",
            answer: first.answer, createdAt: start, expiresAt: start + .seconds(1))
        #expect(entries.insert(second)?.id == id(1))
        #expect(entries.count == 1)
        #expect(entries.entry(id(1)) == nil)
        #expect(entries.entry(for: first.key)?.id == id(9))
    }

    @Test func useDecidesWhoIsOldest() {
        var entries = ResidentEntries()
        for number in 1...3 { _ = entries.insert(Sample.entry(number)) }
        entries.touch(id(1))
        #expect(entries.leastRecentlyUsed == id(2))
        entries.remove(id(2))
        #expect(entries.leastRecentlyUsed == id(3))
        #expect(entries.hits(id(1)) == 1)
    }

    @Test func expiryComesInOrderAndPassesOverTheGone() {
        var entries = ResidentEntries()
        for number in 1...10 { _ = entries.insert(Sample.entry(number, now: start, ttl: .seconds(Int64(11 - number)))) }
        entries.remove(id(9))
        #expect(entries.takeExpired(at: start + .seconds(3), limit: 10) == [id(10), id(8)])
        #expect(entries.takeExpired(at: start + .seconds(3), limit: 10).isEmpty)
    }

    @Test func memoryComesBack() {
        var entries = ResidentEntries()
        for number in 1...100 { _ = entries.insert(Sample.entry(number)) }
        #expect(entries.memoryBytes > 100 * 100)
        for number in 1...100 { entries.remove(id(number)) }
        #expect(entries.memoryBytes == 0)
        #expect(entries.count == 0)
        #expect(entries.leastRecentlyUsed == nil)
    }

    /// Against a plain list of ids, oldest first, under a long random walk.
    @Test func behavesLikeAList() {
        var entries = ResidentEntries()
        var model: [Int] = []
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<5000 {
            let number = Int.random(in: 1...60, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                _ = entries.insert(Sample.entry(number))
                model.removeAll { $0 == number }
                model.append(number)
            case 1:
                entries.touch(id(number))
                if model.contains(number) {
                    model.removeAll { $0 == number }
                    model.append(number)
                }
            default:
                entries.remove(id(number))
                model.removeAll { $0 == number }
            }
            #expect(entries.count == model.count)
            #expect(entries.leastRecentlyUsed == model.first.map(id))
        }
    }
}

/// A small seeded generator (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
