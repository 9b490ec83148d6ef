import Foundation
import GRDB
import SemanticCache
@testable import Storage
import Synchronization
import TestSupport
import Testing

private let now = Timestamp(milliseconds: 1_790_000_000_000)

/// A folder that goes when the test ends.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "reprise-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

struct ConformanceTests {
    @Test(arguments: CacheStoreConformance.checks.map(\.name))
    func memoryStore(check name: String) async throws {
        let check = try #require(CacheStoreConformance.checks.first { $0.name == name })
        #expect(try await check.run(MemoryStore()) == nil)
    }

    @Test(arguments: CacheStoreConformance.checks.map(\.name))
    func sqliteStore(check name: String) async throws {
        let folder = try ScratchFolder()
        let check = try #require(CacheStoreConformance.checks.first { $0.name == name })
        #expect(try await check.run(SQLiteStore.open(path: folder.file("a.db"), now: now).store) == nil)
    }
}

struct SQLiteStoreTests {
    @Test func entriesSurviveAReopening() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("deep/down/cache.db")
        let first = try SQLiteStore.open(path: path, now: now).store
        try await first.insert((1...100).map { Sample.record($0) })
        try await first.close()
        let second = try SQLiteStore.open(path: path, now: now)
        #expect(second.setAside == nil)
        #expect(try await second.store.records(after: nil, limit: 1000).count == 100)
        #expect(try await second.store.diskBytes() > 10_000)
    }

    @Test func onlyTheOwnerMayRead() throws {
        let folder = try ScratchFolder()
        let path = folder.file("sub/cache.db")
        _ = try SQLiteStore.open(path: path, now: now)
        let mode = { (path: String) in try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int }
        #expect(try mode(path) == 0o600)
        #expect(try mode(folder.file("sub")) == 0o700)
    }

    /// What a crash leaves: the files as they are at some moment while a writer is at work.
    @Test func aCopyTakenInFlightIsWhole() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        let store = try SQLiteStore.open(path: path, now: now).store
        let writing = Task {
            for batch in 0..<200 { try await store.insert((1...5).map { Sample.record(batch * 5 + $0) }) }
        }
        var configuration = Configuration()
        configuration.busyMode = .timeout(30)
        let reader = try DatabaseQueue(path: path, configuration: configuration)
        for attempt in 0..<10 {
            try await Task.sleep(for: .milliseconds(5))
            let copy = folder.file("copy-\(attempt).db")
            // One moment, however long the copying takes: while somebody reads, nothing younger than that is folded into the database. The log first:
            // it holds what the database does not have yet.
            try await reader.read { database in
                _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM entries")
                for suffix in ["-wal", ""] where FileManager.default.fileExists(atPath: path + suffix) {
                    try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
                }
            }
            let reopened = try SQLiteStore.open(path: copy, now: now)
            #expect(reopened.setAside == nil)
            let records = try await reopened.store.records(after: nil, limit: 10_000)
            #expect(records.count.isMultiple(of: 5), "half a transaction")
            #expect(reopened.store.unreadableRows == 0)
        }
        try await writing.value
    }

    @Test(arguments: [Array("this is no database at all, but it is long enough to look at".utf8), [UInt8](repeating: 0xA5, count: 8192)])
    func aDamagedFileIsSetAside(bytes: [UInt8]) async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        try Data(bytes).write(to: URL(filePath: path))
        let opened = try SQLiteStore.open(path: path, now: now)
        let aside = try #require(opened.setAside)
        #expect(try Data(contentsOf: URL(filePath: aside)) == Data(bytes))
        try await opened.store.insert([Sample.record(1)])
        #expect(try await opened.store.records(after: nil, limit: 10).count == 1)
    }

    /// A file that lost its second half is noticed when it is opened; pages that were overwritten, when they are read. Both are set aside, and the store
    /// goes on with an empty file.
    @Test(arguments: [true, false])
    func damageFoundLateIsSetAside(isShort: Bool) async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        let first = try SQLiteStore.open(path: path, now: now).store
        try await first.insert((1...400).map { Sample.record($0) })
        try await first.close()
        var bytes = try Data(contentsOf: URL(filePath: path))
        // The roots of all tables are in the first half, and opening the file needs no more.
        let half = bytes.count / 2 / 4096 * 4096
        if isShort { bytes = bytes.prefix(half) } else { bytes.replaceSubrange(half..., with: Data(count: bytes.count - half)) }
        try bytes.write(to: URL(filePath: path))

        let told = Mutex<String?>(nil)
        let opened = try SQLiteStore.open(path: path, now: now) { _, aside in told.withLock { $0 = aside } }
        if isShort {
            #expect(opened.setAside != nil)
        } else {
            await #expect { _ = try await opened.store.records(after: nil, limit: 1000) } throws: { error in
                guard case StoreError.damaged(_, _, let aside)? = error as? StoreError else { return false }
                return aside != nil
            }
        }
        let aside = try #require(opened.setAside ?? told.withLock { $0 })
        #expect(try Data(contentsOf: URL(filePath: aside)) == bytes)
        try await opened.store.insert([Sample.record(1)])
        #expect(try await opened.store.records(after: nil, limit: 10).count == 1)
    }

    @Test func aNewerFileIsLeftAlone() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        try await SQLiteStore.open(path: path, now: now).store.close()
        let queue = try DatabaseQueue(path: path)
        try await queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99 from the future')") }
        try queue.close()
        #expect { try SQLiteStore.open(path: path, now: now) } throws: { error in
            guard case StoreError.newerSchema(_, let found, _)? = error as? StoreError else { return false }
            return found.contains("future")
        }
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test func aFolderThatCannotBeMadeIsSaid() throws {
        let folder = try ScratchFolder()
        try Data("x".utf8).write(to: URL(filePath: folder.file("file")))
        #expect(throws: StoreError.self) { try SQLiteStore.open(path: folder.file("file/cache.db"), now: now) }
    }

    @Test func oneBadRowCostsNoOther() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        let store = try SQLiteStore.open(path: path, now: now).store
        try await store.insert((1...20).map { Sample.record($0) })
        try await store.close()
        let queue = try DatabaseQueue(path: path)
        try await queue.write { database in
            try database.execute(sql: "UPDATE entries SET key = x'00' WHERE id = 3")
            try database.execute(sql: "UPDATE entries SET endpoint = 'nowhere' WHERE id = 4")
            try database.execute(sql: "UPDATE entries SET scope = x'01' WHERE id = 5")
            try database.execute(sql: "UPDATE answers SET form = 7 WHERE id = 6")
            try database.execute(sql: "UPDATE answers SET form = 1, marks = x'ffffffff00000000' WHERE id = 7")
            try database.execute(sql: "UPDATE entries SET fingerprint_id = 1 WHERE id = 8")
            try database.execute(sql: "INSERT OR REPLACE INTO vectors (id, bytes) VALUES (8, x'0000c07f')")
            try database.execute(sql: "INSERT INTO fingerprints (id, text) VALUES (1, 'f')")
        }
        try queue.close()
        let reopened = try SQLiteStore.open(path: path, now: now).store
        var seen: [Int64] = []
        while case let page = try await reopened.records(after: seen.last.map { EntryID(rawValue: $0) }, limit: 2), !page.isEmpty {
            seen += page.map(\.entry.id.rawValue)
        }
        #expect(seen == [1, 2] + Array(9...20))
        #expect(reopened.unreadableRows >= 6)
    }

    @Test func removingAnEntryRemovesItsAnswer() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        let store = try SQLiteStore.open(path: path, now: now).store
        try await store.insert((1...10).map { Sample.record($0) })
        try await store.remove((1...9).map { EntryID(rawValue: $0) })
        try await store.close()
        let answers = try await DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM answers") }
        #expect(answers == 1)
    }
}
