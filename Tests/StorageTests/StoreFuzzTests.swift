import Foundation
import GRDB
import SemanticCache
@testable import Storage
import TestSupport
import Testing

/// Rows and files that were damaged by a disk or a hand: passed over or set aside, never believed and never fatal.
struct StoreFuzzTests {
    private let now = Timestamp(milliseconds: 1_790_000_000_000)

    @Test(arguments: [1, 2])
    func damagedRowsArePassedOver(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let folder = try ScratchFolder()
        let path = folder.file("a.db")
        let store = try SQLiteStore.open(path: path, now: now).store
        try await store.insert((1...60).map { Sample.record($0) })
        try await store.close()
        let queue = try DatabaseQueue(path: path)
        let columns = [
            ("entries", "key"), ("entries", "scope"), ("entries", "tenant"), ("entries", "endpoint"), ("vectors", "bytes"), ("answers", "form"),
            ("answers", "bytes"), ("answers", "marks"), ("answers", "fields"),
        ]
        let damages = (1...40).map { id in
            let (table, column) = columns[Int.random(in: 0..<columns.count, using: &random)]
            let junk = Data((0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) })
            return (id, table, column, junk)
        }
        try await queue.write { database in
            for (id, table, column, junk) in damages {
                try database.execute(sql: "UPDATE OR IGNORE \(table) SET \(column) = ? WHERE id = ?", arguments: [junk, id])
            }
        }
        try queue.close()
        let again = try SQLiteStore.open(path: path, now: now).store
        let records = try await again.records(after: nil, limit: 1000)
        // The twenty that nobody touched are all there.
        #expect(Set(records.map(\.entry.id.rawValue)).isSuperset(of: Set(41...60)))
        try await again.close()
    }

    @Test(arguments: 1...12)
    func aDamagedFileIsReadOrSetAside(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let folder = try ScratchFolder()
        let path = folder.file("a.db")
        let store = try SQLiteStore.open(path: path, now: now).store
        try await store.insert((1...100).map { Sample.record($0) })
        try await store.close()
        var bytes = Array(try Data(contentsOf: URL(filePath: path)))
        for _ in 0..<Int.random(in: 1...30, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: .min ... .max, using: &random)
        }
        if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
        try Data(bytes).write(to: URL(filePath: path))
        do throws(StoreError) {
            let opened = try SQLiteStore.open(path: path, now: now).store
            _ = try? await opened.records(after: nil, limit: 1000)
            try? await opened.insert([Sample.record(500)])
            try? await opened.close()
        } catch {
            #expect(!error.description.isEmpty)
        }
    }
}
