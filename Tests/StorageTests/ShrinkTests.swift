import Foundation
import GRDB
import SemanticCache
@testable import Storage
import TestSupport
import Testing

/// Room that is not needed any more goes back to the disk.
struct ShrinkTests {
    private let now = Timestamp(milliseconds: 1_790_000_000_000)

    private func records(_ numbers: ClosedRange<Int>) -> [CacheRecord] {
        numbers.map { CacheRecord(entry: Sample.entry($0, body: [UInt8](repeating: UInt8($0 & 127), count: 20_000)), embedding: nil) }
    }

    private func ids(_ numbers: ClosedRange<Int>) -> [EntryID] { numbers.map { EntryID(rawValue: Int64($0)) } }

    private func size(_ path: String) throws -> Int { try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) }

    /// The numbers of the entries that are there whole.
    private func numbers(_ store: SQLiteStore) async throws -> [Int64] {
        var found: [Int64] = []
        while case let page = try await store.records(after: found.last.map { EntryID(rawValue: $0) }, limit: 100), !page.isEmpty {
            found += page.map(\.entry.id.rawValue)
            #expect(page.allSatisfy { $0.entry.answer.recording.byteCount == 20_000 })
        }
        return found
    }

    @Test func theFileShrinksWithItsRows() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        let store = try SQLiteStore.open(path: path, now: now).store
        try await store.insert(records(1...400))
        #expect(try await store.shrink(to: .max, atLeast: 100_000, pause: .zero) == 0, "nothing is free")
        try await store.remove(ids(1...380))
        let told = try await store.diskBytes()
        // Somebody writes meanwhile.
        async let freed = store.shrink(to: .max, atLeast: 100_000, step: 16, pause: .milliseconds(1))
        for number in 401...420 { try await store.insert(records(number...number)) }
        #expect(try await freed > 5_000_000)
        #expect(try size(path) < 2_000_000)
        #expect(try await store.diskBytes() < told - 5_000_000)
        #expect(try await numbers(store) == Array(381...420))
        try await store.close()
        #expect(try await numbers(SQLiteStore.open(path: path, now: now).store) == Array(381...420))
    }

    /// A little room is left for what comes next, unless the file is larger than it may be.
    @Test func aLittleRoomIsLeft() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        let store = try SQLiteStore.open(path: path, now: now).store
        try await store.insert(records(1...400))
        try await store.remove(ids(1...60))
        #expect(try await store.shrink(to: .max, atLeast: 100_000, pause: .zero) == 0)
        #expect(try await store.shrink(to: 7_000_000, atLeast: 100_000_000, pause: .zero) == 0)
        #expect(try await store.shrink(to: 7_000_000, atLeast: 100_000, pause: .zero) > 500_000)
        #expect(try await numbers(store) == Array(61...400))
    }

    /// A file that was made before room could be given back is written anew, once, and can do it from then on.
    @Test func anOlderFileIsWrittenAnew() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        let queue = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(queue)
        try queue.close()
        let store = try SQLiteStore.open(path: path, now: now).store
        try await store.insert(records(1...400))
        try await store.remove(ids(1...300))
        #expect(try await store.shrink(to: .max, atLeast: 100_000, pause: .zero) > 4_000_000)
        try await store.remove(ids(301...390))
        #expect(try await store.shrink(to: .max, atLeast: 100_000, pause: .zero) > 1_000_000)
        #expect(try size(path) < 1_000_000)
        #expect(try await numbers(store) == Array(391...400))
        try await store.close()
        let mode = try await DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "PRAGMA auto_vacuum") }
        #expect(mode == 2)
    }
}
