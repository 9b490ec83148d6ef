@testable import Cache
import Foundation
import Logging
import SemanticCache
@testable import Storage
import Telemetry
import TestSupport
import Testing
import VectorSearch
@testable import reprise

/// The files of the store stay within their limit, also when nothing is written any more.
struct StoreUpkeepTests {
    private final class Bench: Sendable {
        private let folder: URL
        let store: SQLiteStore
        let writer: WriteBehind
        let cache: AnswerCache
        let upkeep: StoreUpkeep

        /// As it is put together for `cache.max_disk: limit`.
        init(limit: Int) throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "reprise-test-\(UUID().uuidString)")
            let clock = ManualClock()
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            store = try SQLiteStore.open(path: folder.appending(path: "cache.db").path, now: clock.now()).store
            writer = WriteBehind(store: store, interval: .seconds(3600), limit: 10_000, logger: logger)
            let limits = CacheLimits(
                entries: 100_000, memoryBytes: .max, diskBytes: limit / 5 * 4, staleWindow: .zero, keepsAnswersOnDisk: true)
            cache = AnswerCache(
                index: ScopedIndex(dimension: 8), fingerprint: "test", writer: writer, store: store, metrics: ProxyMetrics(), clock: clock,
                limits: limits)
            upkeep = StoreUpkeep(store: store, writer: writer, cache: cache, limit: limits.diskBytes, logger: logger)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        /// Answers of `bytes` that come in bursts, each written before the next.
        func fill(_ numbers: ClosedRange<Int>, bytes: Int, burst: Int = 50) async {
            for number in numbers {
                cache.insert(CacheRecord(entry: Sample.entry(number, body: [UInt8](repeating: UInt8(number & 127), count: bytes)), embedding: nil))
                if number % burst == 0 { await writer.flush() }
            }
            await writer.flush()
        }

        /// Looks until there is nothing more to see, as it goes on by the second when nobody writes.
        func settle() async throws {
            var seen: StoreUpkeep.Sight?
            for _ in 0..<50 {
                let next = try await upkeep.look(at: store, since: seen)
                await writer.flush()
                if next == seen, store.writeCount == next.writes { return }
                seen = next
            }
            Issue.record("it does not come to rest")
        }
    }

    /// Long answers and short ones.
    @Test(arguments: [
        (limit: 8 << 20, bytes: 33_000, count: 300), (limit: 1 << 20, bytes: 700, count: 3000), (limit: 2 << 20, bytes: 4000, count: 800),
    ])
    func allFilesStayWithinTheLimit(limit: Int, bytes: Int, count: Int) async throws {
        let bench = try Bench(limit: limit)
        await bench.fill(1...count, bytes: bytes)
        try await bench.settle()
        #expect(try await bench.store.diskBytes() <= limit)
        #expect(bench.store.logBytes == 0)
        // What may be used is used, though entries are weighed with the vector that these lack: a short one is thought twice as heavy as it is.
        #expect(try await bench.store.usedBytes() > limit / 4)
        #expect(try await bench.store.count() == bench.cache.count)
    }

    @Test func theLogIsFoldedWhenWritingPauses() async throws {
        let bench = try Bench(limit: 1 << 30)
        await bench.fill(1...20, bytes: 10_000)
        let first = try await bench.upkeep.look(at: bench.store, since: nil)
        #expect(bench.store.logBytes > 0, "more may come")
        await bench.fill(21...22, bytes: 10_000)
        let second = try await bench.upkeep.look(at: bench.store, since: first)
        #expect(bench.store.logBytes > 0)
        _ = try await bench.upkeep.look(at: bench.store, since: second)
        #expect(bench.store.logBytes == 0)
        #expect(try await bench.store.count() == 22)
    }

    /// Where there is little room it does not wait for a pause.
    @Test func aLongLogIsFoldedBetweenWrites() async throws {
        let bench = try Bench(limit: 4 << 20)
        await bench.fill(1...30, bytes: 20_000)
        #expect(bench.store.logBytes > 500_000)
        _ = try await bench.upkeep.look(at: bench.store, since: nil)
        #expect(bench.store.logBytes == 0)
    }

    /// The snapshot of the index is one of the files.
    @Test func aSnapshotThatComesTakesRoom() async throws {
        let bench = try Bench(limit: 4 << 20)
        await bench.fill(1...300, bytes: 10_000)
        try await bench.settle()
        let before = bench.cache.count
        let snapshot = SnapshotFile(beside: bench.store.path)
        try await snapshot.write(SnapshotOrigin(generation: StoreGeneration(lineage: "a", number: 1), fingerprint: "test", dimension: 8)) { sink in
            try [UInt8](repeating: 1, count: 1 << 20).withUnsafeBytes { try sink($0) }
        }
        try await bench.settle()
        #expect(bench.cache.count < before - 30)
        #expect(try await bench.store.diskBytes() <= 4 << 20)
    }
}
