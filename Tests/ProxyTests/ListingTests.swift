@testable import Cache
@testable import Proxy
import SemanticCache
import Telemetry
import Testing
import TestSupport

/// Pages of entries, from either end.
struct ListingTests {
    @Test(arguments: EntryOrder.allCases, [1, 2, 7, 100, 1000, .max])
    func aPageIsTheBeginningOfTheSortedWhole(order: EntryOrder, limit: Int) {
        var generator = SeededGenerator(seed: 3)
        let all = (1...500).map { EntryID(rawValue: Int64($0)) }
        let sorted = order == .oldest ? all : all.reversed()
        for position in [nil, 0, 250, 499] as [Int?] {
            var listed = ListedIDs(order, after: position.map { sorted[$0] }, limit: limit)
            for id in all.shuffled(using: &generator) where listed.wants(id) { listed.add(id) }
            #expect(listed.page == Array(sorted.dropFirst((position ?? -1) + 1).prefix(limit)))
        }
    }

    /// A page out of many does not put its question to all of them, nor is it thrown off by places that were filled anew.
    @Test(arguments: EntryOrder.allCases) func aPageOfManyAsksAboutFew(order: EntryOrder) {
        let bench = ProxyBench(embedder: nil, capacity: 20_000)
        for number in 1...12_000 { bench.cache.insert(Sample.record(number)) }
        bench.cache.remove([3, 11_999].map { EntryID(rawValue: $0) }, as: .flushed)
        for number in 12_001...12_002 { bench.cache.insert(Sample.record(number)) }
        var asked = 0
        let ids = bench.cache.ids(order, after: nil, limit: 5) { _ in
            asked += 1
            return true
        }
        let expected: [Int64] = order == .oldest ? [1, 2, 4, 5, 6] : [12_002, 12_001, 12_000, 11_998, 11_997]
        #expect(ids.map(\.rawValue) == expected)
        #expect(asked < 100)
    }

    @Test(arguments: EntryOrder.allCases) func pagesCoverEverythingOnceAndInOrder(order: EntryOrder) async throws {
        let bench = ProxyBench(embedder: nil)
        for number in 0..<25 { _ = await bench.ask("question \(number)") }
        var seen: [EntryID] = []
        var cursor: EntryID?
        repeat {
            let page = try await bench.administration.list(EntrySelector(), order, after: cursor, limit: 10)
            seen += page.entries.map(\.id)
            cursor = page.next
        } while cursor != nil
        #expect(seen.count == 25)
        #expect(seen == (order == .oldest ? seen.sorted() : seen.sorted(by: >)) && Set(seen).count == 25)
    }

    @Test func whatIsLookedForIsFoundFromTheEndToo() async throws {
        let bench = ProxyBench(embedder: nil)
        for number in 0..<25 { _ = await bench.ask("question \(number)") }
        var selector = EntrySelector()
        selector.matching = "question 1"
        let page = try await bench.administration.list(selector, .newest, after: nil, limit: 3)
        #expect(page.entries.map(\.query) == ["question 19", "question 18", "question 17"])
        #expect(page.next != nil)
    }
}
