@testable import Cache
import Foundation
import Logging
import Matching
import SemanticCache
import Storage
import Synchronization
import Telemetry
import Testing
import TestSupport
import VectorSearch

/// Restarts over a real store with a snapshot of the index beside it: of this moment, of an earlier one, of another store, of another model, damaged.
struct IndexSnapshotTests {
    private static let start = Timestamp(milliseconds: 1_790_000_000_000)
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A folder that goes when the test ends.
    private final class Folder: Sendable {
        let path = FileManager.default.temporaryDirectory.appending(path: "reprise-test-\(UUID().uuidString)").path
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
        var store: String { path + "/cache.db" }
        var snapshot: String { path + "/cache.db-index" }
    }

    /// One life of the process.
    private struct Run {
        let store: SQLiteStore
        let index: ScopedIndex
        let cache: AnswerCache
        let snapshots: IndexSnapshots
        let restorer: EntryRestorer
        let embeddings: CountingStore

        init(
            _ folder: Folder, model: String = "model", dimension: Int = 16, place: (any SnapshotStore)? = nil,
            onFault: @escaping @Sendable (String?) -> Void = { _ in }
        ) throws {
            store = try SQLiteStore.open(path: folder.store, now: start).store
            embeddings = CountingStore(store)
            var tuning = ScopedIndex.Tuning()
            (tuning.linkThreshold, tuning.linksInBackground) = (300, false)
            index = ScopedIndex(dimension: dimension, tuning: tuning)
            let writer = WriteBehind(store: store, interval: .seconds(3600), limit: 100_000, logger: logger)
            cache = AnswerCache(
                index: index, fingerprint: model, writer: writer, store: store, metrics: ProxyMetrics(), clock: ManualClock(),
                limits: .only(entries: 100_000, keepsAnswersOnDisk: true))
            snapshots = IndexSnapshots(
                index: index, cache: cache, store: store, snapshots: place ?? SnapshotFile(beside: folder.store), fingerprint: model,
                interval: .seconds(3600), logger: logger, onFault: onFault)
            restorer = EntryRestorer(
                store: embeddings, cache: cache, snapshots: snapshots, indexing: nil, fingerprint: model, clock: ManualClock(), logger: logger)
        }

        /// Everything that a start does.
        func begin() async {
            _ = await restorer.begin(for: .zero)
            await restorer.restoreAll()
            index.settle()
        }

        func insert(_ numbers: some Sequence<Int>, model: String = "model") async {
            for number in numbers { cache.insert(record(number, model: model)) }
            await cache.persist()
            index.settle()
        }

        func end() async throws { try await store.close() }

        /// Entries of three scopes, the first of them large.
        func record(_ number: Int, model: String = "model") -> CacheRecord {
            CacheRecord(
                entry: Sample.entry(number, scope: number % 10 == 0 ? 1 : number % 10 == 1 ? 2 : 0, now: start),
                embedding: StoredEmbedding(vector: Self.vector(number), fingerprint: model))
        }

        static func vector(_ number: Int) -> UnitVector {
            var vectors = VectorIndexConformance.Vectors(seed: UInt64(number + 1), dimension: 16)
            return vectors.next()
        }

        /// What is wrong with the cache if it should hold these entries and no others.
        func fault(expecting numbers: Set<Int>) async -> String? {
            if cache.isRestoring { return "still restoring" }
            let ids = Set(numbers.map { EntryID(rawValue: Int64($0)) })
            if Set(cache.all.map(\.id)) != ids { return "holds \(cache.count) entries, expected \(ids.count)" }
            if Set(index.ids) != ids { return "the index holds \(Set(index.ids).symmetricDifference(ids).count) others" }
            for number in numbers {
                let entry = record(number).entry
                guard let scope = entry.scope else { continue }
                let found = cache.nearest(to: Self.vector(number), in: scope, count: 1).first
                if found?.entry.id != entry.id || abs((found?.similarity ?? 0) - 1) > 1e-3 { return "\(number) is not found by its own vector" }
                if !cache.mayMatch(StatedFacts(entry.query), in: scope) { return "the numbers of \(number) are not known" }
                if await cache.entry(for: entry.key)?.id != entry.id { return "\(number) is not found by its key" }
            }
            return nil
        }
    }

    /// A store of these entries with a snapshot of all of them beside it, closed.
    private func former(_ numbers: ClosedRange<Int>, in folder: Folder) async throws {
        let run = try Run(folder)
        await run.insert(numbers)
        await run.snapshots.save()
        try await run.end()
    }

    @Test func theIndexComesBackWithoutReadingAVector() async throws {
        let folder = try Folder()
        try await former(1...800, in: folder)
        let second = try Run(folder)
        await second.begin()
        #expect(await second.fault(expecting: Set(1...800)) == nil)
        #expect(second.embeddings.vectorsRead == 0)
        #expect(second.restorer.progress.restored == 800 && second.restorer.progress.total == 800)
        // What is removed after that is gone, numbers and all, and what comes is found.
        second.cache.remove((1...400).map { EntryID(rawValue: Int64($0)) }, as: .flushed)
        await second.insert(801...900)
        #expect(await second.fault(expecting: Set(401...900)) == nil)
        #expect(!second.cache.mayMatch(StatedFacts("question 17"), in: Scope(Sample.digest(-1))))
        try await second.end()
    }

    /// Entries that came, went, were replaced or taken out of reach after the snapshot was written, as after a crash.
    @Test func anOldSnapshotIsUsedForWhatItCovers() async throws {
        let folder = try Folder()
        let first = try Run(folder)
        await first.insert(1...800)
        await first.snapshots.save()
        await first.insert(801...1000)
        first.cache.remove((1...100).map { EntryID(rawValue: Int64($0)) }, as: .flushed)
        await first.cache.removeFromReach(EntryID(rawValue: 200))
        // The same key under a new id.
        let again = first.record(300)
        first.cache.insert(
            CacheRecord(entry: Entry(again.entry.metadata.with(id: EntryID(rawValue: 5000)), answer: again.entry.answer), embedding: again.embedding))
        await first.cache.persist()
        try await first.end()
        let second = try Run(folder)
        await second.begin()
        #expect(second.cache.count == 900)
        #expect(second.index.count == 899)
        #expect(!second.index.ids.contains(EntryID(rawValue: 200)))
        #expect(second.cache.nearest(to: Run.vector(300), in: Scope(Sample.digest(-2)), count: 1).first?.entry.id == EntryID(rawValue: 5000))
        #expect(second.embeddings.vectorsRead == 201)
        try await second.end()
    }

    @Test func anotherModelsSnapshotIsNotUsed() async throws {
        let folder = try Folder()
        try await former(1...400, in: folder)
        let second = try Run(folder, model: "other")
        await second.begin()
        #expect(second.cache.count == 400 && second.index.count == 0)
        try await second.end()
    }

    /// An older copy of the store was put back. Its next transactions bear numbers that the snapshot takes for known, so it is given up for good.
    @Test func aStoreThatWentBackIsNotTakenForTheSnapshots() async throws {
        let folder = try Folder()
        let first = try Run(folder)
        await first.insert(1...100)
        try await first.end()
        let copy = try Data(contentsOf: URL(filePath: folder.store))
        let later = try Run(folder)
        await later.begin()
        await later.insert(101...400)
        await later.insert(401...500)
        await later.snapshots.save()
        try await later.end()
        try copy.write(to: URL(filePath: folder.store))
        let back = try Run(folder)
        await back.begin()
        #expect(await back.fault(expecting: Set(1...100)) == nil)
        for number in 600...610 { await back.insert([number]) }
        try await back.end()
        let last = try Run(folder)
        await last.begin()
        #expect(await last.fault(expecting: Set(1...100).union(600...610)) == nil)
        try await last.end()
    }

    @Test func anotherStoresSnapshotIsNotUsed() async throws {
        let (folder, other) = (try Folder(), try Folder())
        try await former(1...400, in: folder)
        let second = try Run(other)
        await second.insert(1000...1100)
        try await second.end()
        try FileManager.default.copyItem(atPath: folder.snapshot, toPath: other.snapshot)
        let third = try Run(other)
        await third.begin()
        #expect(await third.fault(expecting: Set(1000...1100)) == nil)
        try await third.end()
    }

    /// Bits turned anywhere: the start is as if there were no snapshot, and the next one is sound.
    @Test(arguments: 1...6)
    func aDamagedSnapshotCostsNothingButTime(seed: UInt64) async throws {
        let folder = try Folder()
        var random = SeededGenerator(seed: seed)
        try await former(1...500, in: folder)
        var bytes = try Data(contentsOf: URL(filePath: folder.snapshot))
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        if seed % 3 == 0 { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random)) }
        try bytes.write(to: URL(filePath: folder.snapshot))
        let second = try Run(folder)
        await second.begin()
        #expect(await second.fault(expecting: Set(1...500)) == nil)
        #expect(second.embeddings.vectorsRead == 500)
        await second.snapshots.save()
        try await second.end()
        let third = try Run(folder)
        await third.begin()
        #expect(await third.fault(expecting: Set(1...500)) == nil)
        #expect(third.embeddings.vectorsRead == 0)
        try await third.end()
    }

    /// A full disk is told once and costs nothing: the former snapshot stays, and the next start uses it.
    @Test func aFullDiskIsToldAndTheFormerSnapshotStays() async throws {
        let folder = try Folder()
        let disk = Disk(SnapshotFile(beside: folder.store))
        let told = Mutex<[String?]>([])
        let first = try Run(folder, place: disk) { fault in told.withLock { $0.append(fault) } }
        await first.insert(1...400)
        await first.snapshots.save()
        await first.insert(401...500)
        disk.isFull.withLock { $0 = true }
        for _ in 0..<2 { await first.snapshots.save() }
        #expect(first.snapshots.fault?.contains("no space left") == true)
        #expect(told.withLock { $0 } == [first.snapshots.fault])
        try await first.end()
        let second = try Run(folder, place: disk) { fault in told.withLock { $0.append(fault) } }
        await second.begin()
        #expect(await second.fault(expecting: Set(1...500)) == nil)
        #expect(second.embeddings.vectorsRead == 100)
        await second.snapshots.save()
        disk.isFull.withLock { $0 = false }
        for _ in 0..<2 { await second.snapshots.save() }
        #expect(second.snapshots.fault == nil)
        let words = told.withLock { $0 }
        #expect(words.count == 3 && words[1] != nil && words[2] == nil)
        try await second.end()
    }

    /// Requests and flushes come while the store is being read.
    @Test func whatHappensWhileTheStoreIsReadHolds() async throws {
        let folder = try Folder()
        try await former(1...3000, in: folder)
        let second = try Run(folder)
        _ = await second.restorer.begin(for: .zero)
        #expect(await second.cache.entry(for: second.record(2222).entry.key) != nil)
        second.cache.insert(second.record(4000))
        async let restored: Void = second.restorer.restoreAll()
        for number in 1...200 {
            second.cache.remove([EntryID(rawValue: Int64(number))], as: .flushed)
            second.cache.insert(second.record(5000 + number))
            await Task.yield()
        }
        await restored
        second.index.settle()
        #expect(await second.fault(expecting: Set(201...3000).union([4000]).union(5001...5200)) == nil)
        try await second.end()
    }

    @Test func aFlushWhileTheStoreIsReadLeavesNothing() async throws {
        let folder = try Folder()
        try await former(1...3000, in: folder)
        let second = try Run(folder)
        _ = await second.restorer.begin(for: .zero)
        async let restored: Void = second.restorer.restoreAll()
        await Task.yield()
        second.cache.removeAll()
        second.cache.insert(second.record(4000))
        await restored
        await second.cache.persist()
        #expect(await second.fault(expecting: [4000]) == nil)
        try await second.end()
    }
}

/// A place for snapshots on a disk that fills up at their end.
private final class Disk: SnapshotStore {
    let isFull = Mutex(false)
    private let file: SnapshotFile

    init(_ file: SnapshotFile) { self.file = file }

    func write(
        _ origin: SnapshotOrigin, _ content: @escaping @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) async throws(SnapshotError) {
        let isFull = isFull.withLock { $0 }
        try await file.write(origin) { sink in
            try content(sink)
            if isFull { throw SnapshotError.file("no space left") }
        }
    }

    func origin() async throws(SnapshotError) -> SnapshotOrigin? { try await file.origin() }

    func read(_ content: @escaping @Sendable ((UnsafeMutableRawBufferPointer) throws -> Void) throws -> Void) async throws(SnapshotError) {
        try await file.read(content)
    }
}

/// Counts the vectors that are read of a store.
private final class CountingStore: CacheStore {
    private let store: any CacheStore
    private let count = Mutex(0)
    var vectorsRead: Int { count.withLock { $0 } }

    init(_ store: any CacheStore) { self.store = store }

    func embeddings(of ids: [EntryID]) async throws(StoreError) -> [EntryID: StoredEmbedding] {
        count.withLock { $0 += ids.count }
        return try await store.embeddings(of: ids)
    }

    func insert(_ records: [CacheRecord]) async throws(StoreError) { try await store.insert(records) }
    func remove(_ ids: [EntryID]) async throws(StoreError) { try await store.remove(ids) }
    func removeAll() async throws(StoreError) { try await store.removeAll() }
    func record(for key: CacheKey) async throws(StoreError) -> CacheRecord? { try await store.record(for: key) }
    func lastID() async throws(StoreError) -> EntryID? { try await store.lastID() }
    func count() async throws(StoreError) -> Int { try await store.count() }
    func outlines(after cursor: EntryID?, limit: Int) async throws(StoreError) -> [EntryOutline] {
        try await store.outlines(after: cursor, limit: limit)
    }
    func noteTaken(_ entries: [EntryID: Bool]) async throws(StoreError) { try await store.noteTaken(entries) }
    func forgetTaken() async throws(StoreError) { try await store.forgetTaken() }
    func generation() async throws(StoreError) -> StoreGeneration { try await store.generation() }
    func beginLineage() async throws(StoreError) { try await store.beginLineage() }
    func state(named name: String) async throws(StoreError) -> [UInt8]? { try await store.state(named: name) }
    func setState(_ value: [UInt8]?, named name: String) async throws(StoreError) { try await store.setState(value, named: name) }
    func diskBytes() async throws(StoreError) -> Int { try await store.diskBytes() }
    func close() async throws(StoreError) { try await store.close() }
}
