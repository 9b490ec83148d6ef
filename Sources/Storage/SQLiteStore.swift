// Storage: entries survive restarts.
//
// `SQLiteStore` keeps them in one SQLite file in WAL mode; `MemoryStore` keeps them for the life of the process. The store is the truth: memory is
// filled from it at start, and the index where its snapshot does not go.
//
// Invariants
// - One writer (GRDB's serial queue); readers see a consistent snapshot. No call blocks the cooperative pool: all waiting happens on GRDB's queues.
// - Every call is one transaction: a crash leaves the state before or after it.
// - A file that cannot be read as a database is moved aside, never deleted.
// - A row that does not decode is passed over and counted: one bad row never costs the others.
//
// - Where there is a key, queries, answers and vectors are sealed on their way in and opened on their way out: see `RowCipher`.
//
// Left out: what stays in memory, expiry and eviction (Proxy decides).

import Foundation
import GRDB
import Sealing
package import SemanticCache
import Synchronization

/// Entries in a SQLite file.
package final class SQLiteStore: CacheStore {
    private let pool: Mutex<DatabasePool?>
    let path: String
    let cipher: RowCipher?
    private let unreadable = Mutex(0)
    private let writes = Mutex(0)
    /// When the store was opened, by both clocks.
    private let opened: (at: Timestamp, instant: ContinuousClock.Instant)
    private let onDamage: @Sendable (_ reason: String, _ setAside: String) -> Void

    /// Rows that could not be decoded since the store was opened.
    package var unreadableRows: Int { unreadable.withLock { $0 } }

    /// The transactions so far. One that does not change from one look to the next says that writing pauses.
    package var writeCount: Int { writes.withLock { $0 } }

    init(
        pool: DatabasePool, path: String, cipher: RowCipher?, now: Timestamp,
        onDamage: @escaping @Sendable (_ reason: String, _ setAside: String) -> Void
    ) {
        self.cipher = cipher
        self.pool = Mutex(pool)
        self.path = path
        opened = (now, .now)
        self.onDamage = onDamage
    }

    package func insert(_ records: [CacheRecord]) async throws(StoreError) {
        try await write { [cipher] database in
            let generation = try Generation.advance(in: database)
            for record in records { try EntryRow.insert(record, generation: generation, into: database, cipher: cipher) }
        }
    }

    package func remove(_ ids: [EntryID]) async throws(StoreError) {
        try await write { database in
            for id in ids { try EntryRow.remove(id, from: database) }
        }
    }

    package func removeAll() async throws(StoreError) {
        try await write { database in
            try database.execute(sql: "DELETE FROM entries")
            try database.execute(sql: "DELETE FROM answers")
            try database.execute(sql: "DELETE FROM vectors")
        }
    }

    package func record(for key: CacheKey) async throws(StoreError) -> CacheRecord? {
        try await read { database in
            let statement = try database.cachedStatement(sql: EntryRow.select + " WHERE e.key = ?")
            return try Row.fetchOne(statement, arguments: [Data(key.digest.bytes)]).flatMap { self.decode($0) }
        }
    }

    package func lastID() async throws(StoreError) -> EntryID? {
        try await read { database in try Int64.fetchOne(database, sql: "SELECT max(id) FROM entries").map(EntryID.init(rawValue:)) }
    }

    package func count() async throws(StoreError) -> Int {
        try await read { database in try Int.fetchOne(database, sql: "SELECT count(*) FROM entries") ?? 0 }
    }

    package func outlines(after cursor: EntryID?, limit: Int) async throws(StoreError) -> [EntryOutline] {
        // Rows that do not decode are passed over, and a page of nothing else must not look like the end.
        var cursor = cursor?.rawValue ?? -1
        while true {
            let from = cursor
            let page = try await read { [cipher] database in
                let statement = try database.cachedStatement(sql: EntryRow.selectOutline + " WHERE e.id > ? ORDER BY e.id LIMIT ?")
                var outlines: [EntryOutline] = []
                var last: Int64?
                let rows = try Row.fetchCursor(statement, arguments: [from, limit])
                while let row = try rows.next() {
                    last = row[0]
                    if let outline = EntryRow.outline(row, cipher: cipher) { outlines.append(outline) } else { self.countUnreadable() }
                }
                return (outlines: outlines, last: last)
            }
            guard let last = page.last else { return [] }
            if !page.outlines.isEmpty { return page.outlines }
            cursor = last
        }
    }

    package func embeddings(of ids: [EntryID]) async throws(StoreError) -> [EntryID: StoredEmbedding] {
        try await read { [cipher] database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT v.bytes, e.is_sealed, f.text FROM vectors v JOIN entries e ON e.id = v.id JOIN fingerprints f ON f.id = e.fingerprint_id
                    WHERE v.id = ?
                    """)
            var found: [EntryID: StoredEmbedding] = [:]
            found.reserveCapacity(ids.count)
            for id in ids {
                guard let row = try Row.fetchOne(statement, arguments: [id.rawValue]) else { continue }
                if let data = Data.fromDatabaseValue(row[0] as DatabaseValue), let isSealed = Bool.fromDatabaseValue(row[1] as DatabaseValue),
                    let fingerprint = String.fromDatabaseValue(row[2] as DatabaseValue),
                    let vector = EntryRow.vector(data, isSealed: isSealed, of: id, cipher: cipher)
                {
                    found[id] = StoredEmbedding(vector: vector, fingerprint: fingerprint)
                } else {
                    self.countUnreadable()
                }
            }
            return found
        }
    }

    package func noteTaken(_ entries: [EntryID: Bool]) async throws(StoreError) {
        try await write { database in
            let statement = try database.cachedStatement(
                sql: "UPDATE entries SET shared = 1 WHERE id = ? AND shared = 0 AND (fingerprint_id IS NOT NULL) = ?")
            for (id, hasVector) in entries { try statement.execute(arguments: [id.rawValue, hasVector]) }
        }
    }

    package func forgetTaken() async throws(StoreError) {
        try await write { try $0.execute(sql: "UPDATE entries SET shared = 0 WHERE shared = 1") }
    }

    package func generation() async throws(StoreError) -> StoreGeneration {
        if let known = try await read({ try Generation.current(in: $0) }) { return known }
        try await beginLineage()
        return try await generation()
    }

    package func beginLineage() async throws(StoreError) { try await write { try Generation.beginLineage(in: $0) } }

    package func state(named name: String) async throws(StoreError) -> [UInt8]? {
        try await read { database in
            try Data.fetchOne(database.cachedStatement(sql: "SELECT value FROM state WHERE name = ?"), arguments: [name]).map { Array($0) }
        }
    }

    package func setState(_ value: [UInt8]?, named name: String) async throws(StoreError) {
        try await write { database in
            guard let value else {
                try database.cachedStatement(sql: "DELETE FROM state WHERE name = ?").execute(arguments: [name])
                return
            }
            try database.cachedStatement(sql: "INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
                .execute(arguments: [name, Data(value)])
        }
    }

    package func diskBytes() async throws(StoreError) -> Int {
        _ = try current()
        return size(["", "-wal", "-shm", SnapshotFile.suffix, SnapshotFile.freshSuffix])
    }

    /// What the files of these names behind the store's path take, in bytes.
    func size(_ suffixes: [String]) -> Int {
        suffixes.reduce(0) { sum, suffix in
            let size = (try? FileManager.default.attributesOfItem(atPath: path + suffix))?[.size] as? Int
            return sum + (size ?? 0)
        }
    }

    package func close() async throws(StoreError) {
        guard
            let pool = pool.withLock({ pool in
                defer { pool = nil }
                return pool
            })
        else { throw .closed }
        do {
            _ = try await pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            try pool.close()
        } catch {
            throw StoreFault.translate(error, path: path)
        }
    }

    private func decode(_ row: Row) -> CacheRecord? {
        let record = EntryRow.decode(row, cipher: cipher)
        if record == nil { countUnreadable() }
        return record
    }

    private func countUnreadable() { unreadable.withLock { $0 += 1 } }

    private func current() throws(StoreError) -> DatabasePool {
        guard let pool = pool.withLock({ $0 }) else { throw .closed }
        return pool
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(StoreError) -> Value {
        let pool = try current()
        do { return try await pool.read(body) } catch { throw fault(error, of: pool) }
    }

    func write(_ body: @escaping @Sendable (Database) throws -> Void) async throws(StoreError) {
        let pool = try current()
        writes.withLock { $0 += 1 }
        do { try await pool.write(body) } catch { throw fault(error, of: pool) }
    }

    /// The same without a transaction around it, for what cannot be part of one.
    func writeWithoutTransaction(_ body: @escaping @Sendable (Database) throws -> Void) async throws(StoreError) {
        let pool = try current()
        do { try await pool.writeWithoutTransaction(body) } catch { throw fault(error, of: pool) }
    }

    /// The error in the store's words. Where it says that the file is damaged, the file is set aside and an empty one takes its place: what is in
    /// memory is served on, and what is stored from now on survives.
    private func fault(_ error: any Error, of damaged: DatabasePool) -> StoreError {
        let fault = StoreFault.translate(error, path: path)
        guard case .damaged(_, let reason, _) = fault else { return fault }
        let outcome = pool.withLock { pool -> Result<String, StoreError>? in
            // Another call may have met the damage first.
            guard pool === damaged else { return nil }
            try? damaged.close()
            pool = nil
            do throws(StoreError) {
                let aside = try Self.setAside(path, now: opened.at + (ContinuousClock.now - opened.instant), reason: reason)
                pool = try Self.openPool(path)
                return .success(aside)
            } catch { return .failure(error) }
        }
        switch outcome {
        case .success(let aside):
            onDamage(reason, aside)
            return .damaged(path: path, reason: reason, setAside: aside)
        case .failure(let error): return error
        case nil: return fault
        }
    }
}

/// GRDB's errors in the store's words.
enum StoreFault {
    static func translate(_ error: any Error, path: String) -> StoreError {
        guard let error = error as? DatabaseError else { return .engine("\(error)") }
        return switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_PERM: .cannotWrite(reason: error.message ?? "\(error.resultCode)")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged(path: path, reason: error.message ?? "\(error.resultCode)", setAside: nil)
        case .SQLITE_CANTOPEN: .cannotOpen(path: path, reason: error.message ?? "\(error.resultCode)")
        default: .engine(error.message ?? "\(error.resultCode)")
        }
    }
}
