@testable import Cache
import Logging
import SemanticCache
import Storage
import Synchronization
import Telemetry
import Testing
import TestSupport
import VectorSearch

/// The cache over a store: answers that leave memory and come back, limits, restarts, stale entries.
struct MemoryHierarchyTests {
    private static let start = Timestamp(milliseconds: 1_790_000_000_000)

    private struct Bench {
        let store: any CacheStore
        let clock = ManualClock()
        let metrics = ProxyMetrics()
        let writer: WriteBehind
        let cache: AnswerCache

        init(_ store: any CacheStore = MemoryStore(), limits: CacheLimits) {
            self.store = store
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            writer = WriteBehind(store: store, interval: .seconds(3600), limit: 10_000, logger: logger)
            cache = AnswerCache(
                index: ScopedIndex(dimension: 8), fingerprint: "test", writer: writer, store: store, metrics: metrics, clock: clock, limits: limits)
        }

        func record(_ number: Int, bytes: Int = 1000, ttl: Duration = .seconds(3600)) -> CacheRecord {
            var vectors = VectorIndexConformance.Vectors(seed: UInt64(number), dimension: 8)
            return CacheRecord(
                entry: Sample.entry(number, body: [UInt8](repeating: UInt8(number & 127), count: bytes), now: clock.now(), ttl: ttl),
                embedding: StoredEmbedding(vector: vectors.next(), fingerprint: "test"))
        }

        func restorer() -> EntryRestorer {
            EntryRestorer(
                store: store, cache: cache, indexing: nil, fingerprint: "test", clock: clock,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
    }

    @Test func answersThatDoNotFitInMemoryComeFromTheStore() async {
        let bench = Bench(limits: .only(entries: 1000, memoryBytes: 3_000_000, keepsAnswersOnDisk: true))
        for number in 1...100 {
            bench.cache.insert(bench.record(number, bytes: 50_000))
            if number % 10 == 0 { await bench.cache.persist() }
        }
        #expect(bench.cache.count == 100)
        #expect(bench.cache.hotCount < 70)
        #expect(bench.cache.memoryBytes <= 3_000_000)
        for number in 1...100 {
            let entry = await bench.cache.entry(for: Sample.entry(number).key)
            #expect(entry?.answer.recording == .message([UInt8](repeating: UInt8(number & 127), count: 50_000)))
            #expect(await bench.cache.entry(EntryID(rawValue: Int64(number)))?.answer.recording.byteCount == 50_000)
        }
        #expect(bench.cache.memoryBytes <= 3_000_000)
        #expect(bench.metrics.snapshot.capacityEvictions == 0)
    }

    /// An answer that has left memory before it was written is taken from the queue.
    @Test func anAnswerOnItsWayToTheStoreIsNotLost() async {
        let bench = Bench(limits: .only(entries: 1000, memoryBytes: 1_500_000, keepsAnswersOnDisk: true))
        for number in 1...40 { bench.cache.insert(bench.record(number, bytes: 50_000)) }
        #expect(bench.cache.hotCount < 40)
        for number in 1...40 { #expect(await bench.cache.entry(for: Sample.entry(number).key) != nil) }
    }

    @Test func withoutAStoreEntriesGo() async {
        let bench = Bench(MemoryStore(keepsRecords: false), limits: .only(entries: 1000, memoryBytes: 2_000_000))
        for number in 1...100 { bench.cache.insert(bench.record(number, bytes: 50_000)) }
        #expect(bench.cache.memoryBytes <= 2_000_000)
        #expect((1..<50).contains(bench.cache.count))
        #expect(bench.cache.searchableCount == bench.cache.count)
        #expect(bench.metrics.snapshot.capacityEvictions == 100 - bench.cache.count)
    }

    @Test func theDiskIsBounded() async throws {
        let bench = Bench(limits: .only(entries: 1000, diskBytes: 500_000, keepsAnswersOnDisk: true))
        for number in 1...100 { bench.cache.insert(bench.record(number, bytes: 20_000)) }
        await bench.cache.persist()
        #expect((1..<30).contains(bench.cache.count))
        var kept = 0
        for number in 1...100 where try await bench.store.record(for: Sample.entry(number).key) != nil { kept += 1 }
        #expect(kept == bench.cache.count)
    }

    /// Vectors that come to entries behind the requests take room that no insertion makes: the next sweep does.
    @Test func whatGrowsBetweenInsertionsIsMadeRoomFor() async {
        let bench = Bench(limits: .only(entries: 1000, memoryBytes: 1_500_000, keepsAnswersOnDisk: true))
        var vectors = VectorIndexConformance.Vectors(seed: 1, dimension: 8)
        var number = 0
        while bench.cache.memoryBytes < 1_480_000 {
            number += 1
            bench.cache.insert(CacheRecord(entry: Sample.entry(number, scope: number, body: [UInt8](repeating: 7, count: 3000)), embedding: nil))
        }
        #expect(bench.cache.count == number)
        for id in 1...number { await bench.cache.attach(vectors.next(), to: EntryID(rawValue: Int64(id))) }
        #expect(bench.cache.searchableCount == number)
        #expect(bench.cache.memoryBytes > 1_500_000, "there is nothing to test")
        await bench.cache.keepWithinLimits()
        #expect(bench.cache.memoryBytes <= 1_500_000)
        #expect(bench.cache.count == number && bench.cache.hotCount < number, "answers can be had from the store")
    }

    @Test func theSweeperKeepsWithinLimits() async throws {
        let bench = Bench(limits: .only(entries: 1000, diskBytes: 1_000_000, keepsAnswersOnDisk: true))
        for number in 1...30 { bench.cache.insert(bench.record(number, bytes: 20_000)) }
        #expect(bench.cache.count == 30)
        bench.cache.diskAllowance.withLock { allowance in
            for _ in 0..<20 { allowance.note(estimated: allowance.bytes, measured: allowance.bytes * 4) }
        }
        let sweeping = Task { try await ExpirySweeper(cache: bench.cache, interval: .milliseconds(1)).run() }
        while bench.cache.count == 30 { try await Task.sleep(for: .milliseconds(1)) }
        sweeping.cancel()
        try await sweeping.value
        #expect((5...12).contains(bench.cache.count))
    }

    /// What the entries take in truth counts, not what was thought.
    @Test func whatTheDiskSaysCounts() async {
        let bench = Bench(limits: .only(entries: 1000, diskBytes: 1_000_000, keepsAnswersOnDisk: true))
        for number in 1...30 { bench.cache.insert(bench.record(number, bytes: 20_000)) }
        bench.cache.setRestoring(true)
        await bench.cache.noteDiskUse(3_000_000)
        #expect(bench.cache.count == 30, "what is not read yet is in the one number alone")
        bench.cache.setRestoring(false)
        await bench.cache.noteDiskUse(900_000)
        #expect(bench.cache.count == 30)
        while case let measured = bench.cache.count * 66_000, measured > 1_000_000 { await bench.cache.noteDiskUse(measured) }
        #expect((13...15).contains(bench.cache.count))
        #expect(bench.metrics.snapshot.capacityEvictions == 30 - bench.cache.count)
    }

    @Test func aFaultOfTheStoreIsAMissAndLosesNothing() async {
        let store = FaultyStore()
        let bench = Bench(store, limits: .only(entries: 1000, memoryBytes: 1_500_000, keepsAnswersOnDisk: true))
        for number in 1...40 { bench.cache.insert(bench.record(number, bytes: 50_000)) }
        await bench.cache.persist()
        store.fail(with: .engine("test"))
        var missing = 0
        for number in 1...40 where await bench.cache.entry(for: Sample.entry(number).key) == nil { missing += 1 }
        #expect(missing > 0)
        store.fail(with: nil)
        for number in 1...40 { #expect(await bench.cache.entry(for: Sample.entry(number).key) != nil) }
    }

    /// From the first moment of a restart exact repeats hit, before anything was read; and nothing comes back that was removed meanwhile.
    @Test func repeatsHitWhileTheStoreIsRead() async {
        let store = MemoryStore()
        let former = Bench(store, limits: .only(entries: 10_000, keepsAnswersOnDisk: true))
        for number in 1...2000 { former.cache.insert(former.record(number, bytes: 10)) }
        await former.cache.persist()

        let bench = Bench(store, limits: .only(entries: 10_000, keepsAnswersOnDisk: true))
        let restorer = bench.restorer()
        #expect(await restorer.begin(for: .zero) == EntryID(rawValue: 2000))
        #expect(bench.cache.isRestoring)
        #expect(bench.cache.count == 0)
        #expect(await bench.cache.entry(for: Sample.entry(1234).key)?.id == EntryID(rawValue: 1234))
        #expect(bench.cache.remove([EntryID(rawValue: 1234)], as: .flushed) == 1)
        await restorer.restoreAll()
        #expect(!bench.cache.isRestoring)
        #expect(bench.cache.count == 1999)
        #expect(bench.cache.searchableCount == 1999)
        #expect(restorer.progress.restored >= 1999)
        await bench.cache.persist()
        #expect(await bench.cache.entry(for: Sample.entry(1234).key) == nil)
    }

    @Test func aYoungerAnswerIsNotReplacedByTheStores() async {
        let store = MemoryStore()
        let former = Bench(store, limits: .only(entries: 10, keepsAnswersOnDisk: true))
        former.cache.insert(former.record(1))
        await former.cache.persist()
        let bench = Bench(store, limits: .only(entries: 10, keepsAnswersOnDisk: true))
        let restorer = bench.restorer()
        _ = await restorer.begin(for: .zero)
        let young = Entry(Sample.entry(1).metadata.with(id: EntryID(rawValue: 77)), answer: Sample.entry(1).answer)
        bench.cache.insert(CacheRecord(entry: young, embedding: nil))
        await restorer.restoreAll()
        #expect(await bench.cache.entry(for: young.key)?.id == EntryID(rawValue: 77))
        #expect(bench.cache.count == 1)
    }

    /// A row that is damaged so costs its own place in the index and nothing else.
    @Test func aVectorOfAnotherLengthIsNotTaken() async {
        let store = MemoryStore()
        let former = Bench(store, limits: .only(entries: 10, keepsAnswersOnDisk: true))
        var vectors = VectorIndexConformance.Vectors(seed: 1, dimension: 4)
        for number in 1...2 {
            former.writer.add(
                CacheRecord(entry: former.record(number).entry, embedding: StoredEmbedding(vector: vectors.next(), fingerprint: "test")))
        }
        former.cache.insert(former.record(3))
        await former.cache.persist()
        let bench = Bench(store, limits: .only(entries: 10, keepsAnswersOnDisk: true))
        let restorer = bench.restorer()
        _ = await restorer.begin(for: .zero)
        #expect(await bench.cache.entry(for: Sample.entry(1).key) != nil)
        await restorer.restoreAll()
        #expect(bench.cache.count == 3)
        #expect(bench.cache.searchableCount == 1)
        #expect(await bench.cache.entry(for: Sample.entry(2).key) != nil)
    }

    @Test func aFlushDuringTheReadingEndsIt() async {
        let store = MemoryStore()
        let former = Bench(store, limits: .only(entries: 10_000, keepsAnswersOnDisk: true))
        for number in 1...1500 { former.cache.insert(former.record(number, bytes: 10)) }
        await former.cache.persist()
        let bench = Bench(store, limits: .only(entries: 10_000, keepsAnswersOnDisk: true))
        let restorer = bench.restorer()
        _ = await restorer.begin(for: .zero)
        bench.cache.removeAll()
        await restorer.restoreAll()
        await bench.cache.persist()
        #expect(bench.cache.count == 0)
        #expect(await bench.cache.entry(for: Sample.entry(5).key) == nil)
    }

    /// Expired entries stay for the stale window, over restarts too, and go after it.
    @Test func theStaleWindowKeepsExpiredEntries() async {
        let bench = Bench(limits: .only(entries: 10, staleWindow: .seconds(60), keepsAnswersOnDisk: true))
        bench.cache.insert(bench.record(1, ttl: .seconds(10)))
        await bench.cache.persist()
        bench.clock.advance(by: .seconds(30))
        #expect(await bench.cache.sweep() == 1)
        #expect(bench.cache.count == 0)
        #expect(bench.cache.searchableCount == 0)
        #expect(await bench.cache.entry(for: Sample.entry(1).key)?.isExpired(at: bench.clock.now()) == true)
        bench.clock.advance(by: .seconds(41))
        #expect(await bench.cache.sweep() == 0)
        #expect(await bench.cache.entry(for: Sample.entry(1).key) == nil)
    }

    @Test func roomIsMadeOnRequest() async {
        let bench = Bench(limits: .only(entries: 100, staleWindow: .seconds(3600), keepsAnswersOnDisk: true))
        for number in 1...20 { bench.cache.insert(bench.record(number, ttl: number <= 5 ? .seconds(10) : .seconds(1000))) }
        bench.clock.advance(by: .seconds(20))
        _ = await bench.cache.sweep()
        let withStandIns = bench.cache.memoryBytes
        bench.cache.forgetRetired()
        #expect(bench.cache.memoryBytes < withStandIns)
        #expect(bench.cache.count == 15)
        bench.cache.evict(4)
        #expect(bench.cache.count == 11)
        #expect(bench.cache.searchableCount == 11)
    }

    /// A stand-in that goes for want of room was counted when its time ended.
    @Test func standInsAreCountedOnce() async {
        let bench = Bench(limits: .only(entries: 20, staleWindow: .seconds(3600), keepsAnswersOnDisk: true))
        func ended() -> Int { bench.metrics.snapshot.expired + bench.metrics.snapshot.capacityEvictions }
        for number in 1...20 { bench.cache.insert(bench.record(number, ttl: .seconds(10))) }
        bench.clock.advance(by: .seconds(20))
        #expect(await bench.cache.sweep() == 20)
        for number in 101...110 { bench.cache.insert(bench.record(number)) }
        #expect(ended() + bench.cache.count == 30)
        bench.cache.evict(100)
        #expect(ended() == 30 && bench.cache.keptCount == 0)
    }

    /// A memory too small for all the entries that are allowed is not filled by what is known of their use.
    @Test func aSmallMemoryStillHoldsEntries() async {
        let bench = Bench(MemoryStore(keepsRecords: false), limits: .only(entries: 1_000_000, memoryBytes: 2_000_000))
        for number in 1...20 { bench.cache.insert(bench.record(number)) }
        #expect(bench.cache.count == 20)
        #expect(bench.cache.memoryBytes <= 2_000_000)
    }

    /// What is removed or evicted in many steps is counted as a whole, and what was never there is not.
    @Test func stepsAddUp() async {
        let bench = Bench(limits: .only(entries: 10_000, keepsAnswersOnDisk: true))
        for number in 1...1000 { bench.cache.insert(bench.record(number, bytes: 10)) }
        #expect(bench.cache.remove((501...1200).map { EntryID(rawValue: $0) }, as: .flushed) == 500)
        #expect(bench.metrics.snapshot.flushed == 500)
        bench.cache.evict(300)
        #expect(bench.metrics.snapshot.capacityEvictions == 300)
        #expect(bench.cache.count == 200)
        bench.cache.evict(300)
        #expect(bench.cache.count == 0)
        #expect(bench.cache.searchableCount == 0)
        #expect(bench.metrics.snapshot.capacityEvictions == 500)
    }

    /// Thousands that expire at once are removed in many short steps: a look-up in between waits for none of the others.
    @Test func manyExpiriesStallNobody() async {
        let bench = Bench(MemoryStore(keepsRecords: false), limits: .only(entries: 100_000))
        bench.cache.insert(bench.record(9999, bytes: 10))
        var lookups = 0
        // On a busy machine all may be over before the first look: one round with looks in between is enough.
        for round in 1...20 where lookups <= 5 {
            for number in 1...5000 { bench.cache.insert(bench.record(10_000 * round + number, bytes: 10, ttl: .seconds(10))) }
            bench.clock.advance(by: .seconds(20))
            async let swept = bench.cache.sweep()
            lookups = 0
            while bench.cache.count > 1 {
                #expect(await bench.cache.entry(for: Sample.entry(9999).key) != nil)
                lookups += 1
                await Task.yield()
            }
            #expect(await swept == 5000)
        }
        #expect(lookups > 5)
        #expect(bench.cache.searchableCount == 1)
    }
}
