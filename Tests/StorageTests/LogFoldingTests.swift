import Foundation
import GRDB
import SemanticCache
@testable import Storage
import TestSupport
import Testing

/// The write-ahead log beside the store, and what else lies there.
struct LogFoldingTests {
    private let now = Timestamp(milliseconds: 1_790_000_000_000)

    private func records(_ numbers: ClosedRange<Int>) -> [CacheRecord] {
        numbers.map { CacheRecord(entry: Sample.entry($0, body: [UInt8](repeating: UInt8($0 & 127), count: 20_000)), embedding: nil) }
    }

    @Test func theLogIsFoldedAndCut() async throws {
        let folder = try ScratchFolder()
        let store = try SQLiteStore.open(path: folder.file("cache.db"), now: now).store
        try await store.insert(records(1...100))
        #expect(store.logBytes > 2_000_000)
        let before = try await store.diskBytes()
        #expect(try await store.foldLog())
        #expect(store.logBytes == 0)
        #expect(try await store.diskBytes() < before)
        #expect(try await store.count() == 100)
        #expect(try await store.foldLog(), "there is nothing to do")
        try await store.insert(records(101...101))
        #expect(store.logBytes > 0)
        #expect(try await store.count() == 101)
    }

    /// A reader of what was there before is not waited for: the next look folds it.
    @Test func aReaderPutsItOff() async throws {
        let folder = try ScratchFolder()
        let store = try SQLiteStore.open(path: folder.file("cache.db"), now: now).store
        try await store.insert(records(1...10))
        let (isReading, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let count = store.read { database in
            let before = try Int.fetchOne(database, sql: "SELECT count(*) FROM entries") ?? 0
            isReading.signal()
            goOn.wait()
            return before
        }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            DispatchQueue.global().async {
                isReading.wait()
                continuation.resume()
            }
        }
        try await store.insert(records(11...20))
        #expect(try await store.foldLog() == false)
        #expect(store.logBytes > 0)
        goOn.signal()
        #expect(try await count == 10)
        #expect(try await store.foldLog())
        #expect(store.logBytes == 0)
        #expect(try await store.count() == 20)
    }

    @Test func whatIsUsedIsMeasuredWithoutWhatIsFree() async throws {
        let folder = try ScratchFolder()
        let store = try SQLiteStore.open(path: folder.file("cache.db"), now: now).store
        let empty = try await store.usedBytes()
        try await store.insert(records(1...100))
        let full = try await store.usedBytes()
        #expect((2_000_000..<2_400_000).contains(full - empty))
        try await store.remove((1...50).map { EntryID(rawValue: $0) })
        let half = try await store.usedBytes()
        #expect((1_000_000..<1_200_000).contains(half - empty))
        try Data(count: 12_345).write(to: URL(filePath: folder.file("cache.db-index")))
        #expect(try await store.usedBytes() == half + 12_345)
    }

    @Test func transactionsAreCounted() async throws {
        let folder = try ScratchFolder()
        let store = try SQLiteStore.open(path: folder.file("cache.db"), now: now).store
        let before = store.writeCount
        _ = try await store.count()
        _ = try await store.foldLog()
        #expect(store.writeCount == before)
        try await store.insert(records(1...2))
        try await store.remove([EntryID(rawValue: 1)])
        #expect(store.writeCount == before + 2)
    }

    /// What a crash left of an unfinished snapshot goes at the next start, also where no further one is written.
    @Test func anUnfinishedSnapshotDoesNotStay() async throws {
        let folder = try ScratchFolder()
        for name in ["cache.db-index", "cache.db-index.new"] { try Data(count: 1000).write(to: URL(filePath: folder.file(name))) }
        _ = try SQLiteStore.open(path: folder.file("cache.db"), now: now)
        #expect(!FileManager.default.fileExists(atPath: folder.file("cache.db-index.new")))
        #expect(FileManager.default.fileExists(atPath: folder.file("cache.db-index")))
        SnapshotFile.remove(beside: folder.file("cache.db"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("cache.db-index")))
    }
}
