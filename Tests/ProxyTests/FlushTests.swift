import Cache
import HTTPTypes
import Proxy
import SemanticCache
import Synchronization
import Telemetry
import Testing
import TestSupport
import WireFormats

/// Answers that were asked for before a flush and come after it.
struct FlushTests {
    /// What happens elsewhere while the upstream answers.
    private final class Meanwhile: Sendable {
        private let event = Mutex<(@Sendable () -> Void)?>(nil)

        func set(_ new: (@Sendable () -> Void)?) { event.withLock { $0 = new } }

        func happen() { event.withLock { $0 }?() }
    }

    private let meanwhile = Meanwhile()

    private func bench() -> ProxyBench {
        ProxyBench { [meanwhile] _, body in
            meanwhile.happen()
            return ProxyBench.echo(body)
        }
    }

    @Test func whatWasAskedForBeforeAFlushIsNotKept() async {
        let bench = bench()
        meanwhile.set { [cache = bench.cache] in _ = cache.removeAll() }
        #expect(await bench.ask("one").cache == "MISS")
        await bench.pipeline.settleVectors()
        await bench.cache.persist()
        #expect(bench.cache.count == 0 && bench.cache.searchableCount == 0)
        #expect(bench.store.ids.isEmpty)
        #expect(bench.metrics.snapshot.notStored[.flushed] == 1)
        meanwhile.set(nil)
        #expect(await bench.ask("one").cache == "MISS")
        #expect(await bench.ask("one").cache == "HIT")
    }

    /// By selector: what it means is not kept, the rest is.
    @Test(arguments: [("doc", false), ("other", true)])
    func whatASelectorMeansIsNotKept(tag: String, isKept: Bool) async {
        let bench = bench()
        var selector = EntrySelector()
        selector.tag = tag
        meanwhile.set { [cache = bench.cache, selector] in cache.noteFlush(of: selector) }
        _ = await bench.ask("one", fields: [.cacheTags: "doc"])
        meanwhile.set(nil)
        #expect(await bench.ask("one").cache == (isKept ? "HIT" : "MISS"))
    }

    /// So is what an administrator's flush means, which looks for entries after it has told those that are on their way.
    @Test func aFlushTellsWhatIsOnItsWay() async throws {
        let bench = bench()
        let before = bench.cache.flushMark
        var selector = EntrySelector()
        selector.model = "gpt-test"
        _ = try await bench.administration.flush(selector, isDryRun: true)
        #expect(bench.cache.insert(Sample.record(1), since: before))
        #expect(try await bench.administration.flush(selector, isDryRun: false).removed == 1)
        #expect(!bench.cache.insert(Sample.record(1), since: before))
        #expect(bench.cache.insert(Sample.record(1), since: bench.cache.flushMark))
    }

    /// A call that was overtaken by more flushes than are remembered is not kept, whatever they meant.
    @Test func flushesThatAreForgottenMeanEverything() {
        let bench = bench()
        let before = bench.cache.flushMark
        var selector = EntrySelector()
        selector.tag = "other"
        for _ in 0..<1024 { bench.cache.noteFlush(of: selector) }
        #expect(bench.cache.insert(Sample.record(1), since: before))
        bench.cache.noteFlush(of: selector)
        #expect(!bench.cache.insert(Sample.record(2), since: before))
    }

    /// Memory, index and store hold the same entries, whatever came first in each of them.
    @Test func flushesAndInsertionsLeaveNoHalves() async {
        let bench = bench()
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var vectors = VectorIndexConformance.Vectors(seed: UInt64(worker + 1), dimension: 64)
                    for number in 1...200 {
                        let entry = Sample.entry(worker * 1000 + number)
                        if number % 3 == 0 {
                            bench.cache.insert(CacheRecord(entry: entry, embedding: nil))
                            await bench.cache.attach(vectors.next(), to: entry.id)
                        } else {
                            bench.cache.insert(
                                CacheRecord(entry: entry, embedding: StoredEmbedding(vector: vectors.next(), fingerprint: "hashing-64")))
                        }
                        if number % 8 == 0 { await Task.yield() }
                    }
                }
            }
            group.addTask {
                for _ in 0..<40 {
                    bench.cache.removeAll()
                    await bench.cache.persist()
                }
            }
        }
        await bench.cache.persist()
        #expect(Set(bench.cache.all.map(\.id)) == bench.store.ids)
        #expect(bench.cache.searchableCount == bench.cache.count)
    }
}
