import Foundation
import GRDB
import Sealing
import SemanticCache
@testable import Storage
import TestSupport
import Testing

struct SealingTests {
    private let now = Timestamp(milliseconds: 1_790_000_000_000)
    private let first = RowCipher(secret: "a secret of the first year")
    private let second = RowCipher(secret: "a secret of the second year", former: ["a secret of the first year"])

    private func record(_ number: Int, length: Int = 1) -> CacheRecord {
        let body = #"{"answer":"\#(String(repeating: "a large fortune ", count: length))"}"#
        let entry = Sample.entry(number, query: "what does my neighbour earn", body: Array(body.utf8))
        let vector = UnitVector(normalizing: [1, 2, 3, 4])
        return CacheRecord(entry: entry, embedding: vector.map { StoredEmbedding(vector: $0, fingerprint: "f") })
    }

    private func write(_ records: [CacheRecord], to path: String, _ cipher: RowCipher?) async throws {
        let store = try SQLiteStore.open(path: path, now: now, cipher: cipher).store
        try await store.insert(records)
        try await store.close()
    }

    private func read(_ path: String, _ cipher: RowCipher?) async throws -> [CacheRecord] {
        let store = try SQLiteStore.open(path: path, now: now, cipher: cipher).store
        let records = try await store.records(after: nil, limit: 1000)
        // Closed before the next opens the file: a close that goes on behind it may hold the lock.
        try await store.close()
        return records
    }

    private func holdsPlainText(_ path: String) throws -> Bool {
        try ["", "-wal"].contains { suffix in
            guard let data = FileManager.default.contents(atPath: path + suffix) else { return false }
            return data.range(of: Data("neighbour".utf8)) != nil || data.range(of: Data("fortune".utf8)) != nil
        }
    }

    @Test func nothingReadableIsOnTheDisk() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("a.db")
        try await write([record(1), record(2)], to: path, nil)
        #expect(try holdsPlainText(path))
        let sealed = folder.file("b.db")
        try await write([record(1), record(2)], to: sealed, first)
        #expect(try !holdsPlainText(sealed))
        let read = try await read(sealed, first)
        #expect(read.map(\.entry.query) == ["what does my neighbour earn", "what does my neighbour earn"])
        #expect(read[0].embedding == record(1).embedding)
    }

    @Test func withoutTheKeyEntriesAreOutOfReachAndNotLost() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("a.db")
        try await write([record(1)], to: path, first)
        #expect(try await read(path, nil).isEmpty)
        #expect(try await read(path, RowCipher(secret: "some other secret text")).isEmpty)
        #expect(try await read(path, first).count == 1)
        #expect(try await read(path, second).count == 1)
    }

    @Test func aNewKeyTakesOverEverything() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("a.db")
        try await write((1...450).map { record($0) }, to: path, nil)
        try await write((451...460).map { record($0) }, to: path, first)
        let store = try SQLiteStore.open(path: path, now: now, cipher: second).store
        #expect(try await store.sealAnew() == 460)
        #expect(try await store.sealAnew() == 0)
        try await store.close()
        #expect(try await read(path, RowCipher(secret: "a secret of the second year")).count == 460)
        #expect(try !holdsPlainText(path))
    }

    /// Long answers lie in pages of their own, which become free when the row is sealed.
    @Test func nothingIsLeftOfWhatWasPlain() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("a.db")
        try await write((1...20).map { record($0, length: 2000) }, to: path, nil)
        let store = try SQLiteStore.open(path: path, now: now, cipher: first).store
        #expect(try await store.sealAnew() == 20)
        try await store.close()
        #expect(try !holdsPlainText(path))
        #expect(try await read(path, first).count == 20)
    }

    /// A value that is moved to another row, or changed by one bit, is no value.
    @Test func valuesCannotBeMovedOrChanged() throws {
        let sealed = first.seal([1, 2, 3], .answer, of: EntryID(rawValue: 1))
        #expect(first.open(sealed, .answer, of: EntryID(rawValue: 1)) == [1, 2, 3])
        #expect(first.open(sealed, .answer, of: EntryID(rawValue: 2)) == nil)
        #expect(first.open(sealed, .query, of: EntryID(rawValue: 1)) == nil)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(first.open(changed, .answer, of: EntryID(rawValue: 1)) == nil)
        }
        for length in 0..<sealed.count { #expect(first.open(sealed.prefix(length), .answer, of: EntryID(rawValue: 1)) == nil) }
    }
}
