@testable import Cache
import SemanticCache
import Testing
import TestSupport

struct ResidentEntriesTests {
    private let start = Timestamp(milliseconds: 1_790_000_000_000)

    private func id(_ number: Int) -> EntryID { EntryID(rawValue: Int64(number)) }

    @Test func foundByKeyAndByID() {
        var entries = ResidentEntries()
        #expect(entries.insert(Sample.entry(1)) == nil)
        #expect(entries.resident(id(1))?.entry?.id == id(1))
        #expect(entries.resident(for: Sample.entry(1).key)?.metadata.id == id(1))
        #expect(entries.resident(for: Sample.entry(2).key) == nil)
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
        #expect(entries.resident(id(1)) == nil)
        #expect(entries.resident(for: first.key)?.metadata.id == id(9))
    }

    /// Among equals in price and size, who was not used for longest goes; who is used often stays.
    @Test func useDecidesWhoGoes() {
        var entries = ResidentEntries()
        for number in 1...3 { _ = entries.insert(Sample.entry(number)) }
        for _ in 1...5 {
            entries.request(Sample.entry(1).key)
            entries.touch(id(1))
        }
        let first = entries.evict().first?.entry.id
        #expect(first != id(1) && first != nil)
        let second = entries.evict().first?.entry.id
        #expect(second != id(1) && second != nil && second != first)
        #expect(entries.hits(id(1)) == 5)
    }

    /// What is dear to ask for again stays before what is cheap, small before large, and a newcomer that is worth less than all does not come in.
    @Test func valueDecidesWhoGoes() {
        var entries = ResidentEntries()
        _ = entries.insert(Sample.entry(1))
        _ = entries.insert(Sample.entry(2, body: [UInt8](repeating: 32, count: 100_000)))
        _ = entries.insert(Sample.entry(3))
        #expect(entries.evict().map(\.entry.id) == [id(2)])
        for number in [1, 3] { for _ in 1...3 { entries.request(Sample.entry(number).key) } }
        _ = entries.insert(Sample.entry(4, body: [UInt8](repeating: 32, count: 100_000)))
        #expect(entries.evict(for: id(4)).map(\.entry.id) == [id(4)])
    }

    @Test func answersLeaveMemoryAndComeBack() {
        var entries = ResidentEntries()
        for number in 1...50 { _ = entries.insert(Sample.entry(number, body: [UInt8](repeating: 32, count: 10_000))) }
        for _ in 1...3 { entries.request(Sample.entry(7).key) }
        entries.touch(id(7))
        let full = entries.memoryBytes
        for _ in 1...40 { #expect(entries.coolOne() == true) }
        #expect(entries.hotCount == 10)
        #expect(entries.count == 50)
        #expect(full - entries.memoryBytes > 40 * 10_000)
        #expect(entries.resident(id(7))?.answer != nil)
        let cold = (1...50).first { entries.resident(id($0))?.answer == nil } ?? 0
        #expect(entries.resident(id(cold))?.metadata.query == "question \(cold)")
        entries.warm(id(cold), Sample.entry(cold).answer)
        #expect(entries.resident(id(cold))?.entry != nil)
        for number in 1...50 { entries.remove(id(number)) }
        #expect(entries.hotCount == 0)
        #expect(entries.coolOne() == false)
    }

    @Test func expiryComesInOrderAndPassesOverTheGone() {
        var entries = ResidentEntries()
        for number in 1...10 { _ = entries.insert(Sample.entry(number, now: start, ttl: .seconds(Int64(11 - number)))) }
        entries.remove(id(9))
        #expect(entries.takeExpired(at: start + .seconds(3), limit: 10).ended.map(\.id) == [id(10), id(8)])
        #expect(entries.takeExpired(at: start + .seconds(3), limit: 10).count == 0)
    }

    /// An entry that is refreshed again and again leaves nothing behind in the queue of expiries.
    @Test func refreshingHoldsNoMemory() {
        var entries = ResidentEntries()
        for number in 0..<20_000 { _ = entries.insert(Sample.entry(1, now: start + .seconds(Int64(number)))) }
        #expect(entries.count == 1)
        #expect(entries.memoryBytes < 1_000_000)
        #expect(entries.takeExpired(at: start + .seconds(100_000), limit: 10).ended.map(\.id) == [id(1)])
    }

    /// Entries that go before their time leave little behind, and the others are still found when it has come.
    @Test func churnHoldsNoMemory() {
        var entries = ResidentEntries()
        for number in 1...100 { _ = entries.insert(Sample.entry(number, now: start, ttl: .seconds(Int64(number)))) }
        let before = entries.memoryBytes
        for number in 1000..<41_000 {
            _ = entries.insert(Sample.entry(number, now: start, ttl: .seconds(5000)))
            entries.remove(id(number))
        }
        #expect(entries.memoryBytes - before < 400_000)
        #expect(entries.takeExpired(at: start + .seconds(50), limit: 100).ended.map(\.id) == (1...50).map { id($0) })
        #expect(entries.takeExpired(at: start + .seconds(50), limit: 100).count == 0)
    }

    /// A listing in parts has every entry once.
    @Test func partsMakeTheWhole() {
        var entries = ResidentEntries()
        for number in 1...5000 { _ = entries.insert(Sample.entry(number)) }
        for number in 1...100 { entries.remove(id(number)) }
        var ids: [EntryID] = []
        var part = 0
        while let metadata = entries.metadata(ofPart: part) {
            ids += metadata.map(\.id)
            part += 1
        }
        #expect(part > 1)
        #expect(ids.sorted() == (101...5000).map { id($0) })
    }

    /// The record of what is asked for how often counts, and is no larger than it has to be.
    @Test func theRecordOfUseIsCounted() {
        let small = ResidentEntries(capacity: 64).memoryBytes
        #expect(small > 0)
        #expect(ResidentEntries(capacity: 64 * 1024).memoryBytes == 1024 * small)
    }

    @Test func memoryComesBack() {
        var entries = ResidentEntries()
        for number in 1...100 { _ = entries.insert(Sample.entry(number)) }
        #expect(entries.memoryBytes > 100 * 100)
        for number in 1...100 { entries.remove(id(number)) }
        #expect(entries.memoryBytes == ResidentEntries().memoryBytes)
        #expect(entries.storedBytes == 0)
        #expect(entries.count == 0)
        #expect(entries.evict().isEmpty)
    }

    /// Against a plain set of ids under a long random walk.
    @Test func behavesLikeASet() {
        var entries = ResidentEntries()
        var model: Set<Int> = []
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<8000 {
            let number = Int.random(in: 1...300, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1:
                let entry = Sample.entry(number)
                _ = entries.insert(
                    entry.metadata, answer: number % 3 > 0 ? entry.answer : nil, cost: 1, answerBytes: entry.answer.memoryBytes, sharing: .waiting)
                model.insert(number)
            case 2:
                entries.touch(id(number))
            case 3:
                if entries.count > 250 { _ = entries.coolOne() }
            default:
                #expect((entries.remove(id(number)) != nil) == (model.remove(number) != nil))
            }
            #expect(entries.count == model.count)
            #expect((entries.resident(id(number)) != nil) == model.contains(number))
            #expect((entries.resident(for: Sample.entry(number).key)?.metadata.id == id(number)) == model.contains(number))
            #expect(entries.hotCount <= entries.count)
        }
        #expect(Set(entries.all.map(\.id)) == Set(model.map(id)))
    }
}
