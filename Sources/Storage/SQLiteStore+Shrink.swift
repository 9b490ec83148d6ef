import GRDB
package import SemanticCache
import Synchronization

extension SQLiteStore {
    /// How much of the database file is in use, in pages.
    private struct Room: Sendable {
        let pageSize, pages, free: Int
        /// Whether free pages can be given back one by one: SQLite's incremental vacuum, which a file is made for or not.
        let isIncremental: Bool

        init(_ database: Database) throws {
            func number(_ pragma: String) throws -> Int { try Int.fetchOne(database, sql: "PRAGMA \(pragma)") ?? 0 }
            pageSize = try number("page_size")
            pages = try number("page_count")
            free = try number("freelist_count")
            isIncremental = try number("auto_vacuum") == 2
        }

        var bytes: Int { pages * pageSize }
        var freeBytes: Int { free * pageSize }
        /// Whether more than a little is free: what is removed and written again in turn leaves less.
        var isLoose: Bool { free * 16 >= pages }
    }

    /// The most bytes in use for which a file that is not made for it is written anew, which holds the writer up for some tenths of a second.
    private static let rewritten = 256 << 20

    /// What the store takes of the disk without the room that is free in its file: rows and the snapshot of the index.
    package func usedBytes() async throws(StoreError) -> Int {
        let room = try await read { try Room($0) }
        return room.bytes - room.freeBytes + snapshotBytes
    }

    /// What the snapshot of the index takes, in bytes.
    package var snapshotBytes: Int { size([SnapshotFile.suffix]) }

    /// What the write-ahead log holds back from the file, in bytes on the disk.
    package var logBytes: Int { size(["-wal"]) }

    /// Brings the write-ahead log into the file and cuts it to nothing. Whether it did: not while somebody reads what was there before.
    ///
    /// By itself the engine folds the log when a transaction makes it long, and never cuts it: what the last transactions left would lie beside the
    /// file until the next ones.
    package func foldLog() async throws(StoreError) -> Bool {
        let isFolded = Mutex(false)
        try await writeWithoutTransaction { database in
            // Whoever writes waits meanwhile: a reader that stays longer is rather waited for in turns.
            try database.execute(sql: "PRAGMA busy_timeout = 100")
            defer { try? database.execute(sql: "PRAGMA busy_timeout = 5000") }
            do {
                try database.checkpoint(.truncate)
                isFolded.withLock { $0 = true }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED {}
        }
        return isFolded.withLock { $0 }
    }

    /// Gives free pages of the file back to the disk when they are a quarter of it, or when they keep it above `limit`. Returns how many bytes it gave
    /// back.
    ///
    /// Works in transactions of `step` pages with a pause after each: a writer that comes in between waits for one of them, readers for none. Ends early
    /// when cancelled. Throws ``StoreError`` when the disk does not take a step; those before it stay done.
    ///
    /// - Parameters:
    ///   - limit: what the file should not exceed, in bytes.
    ///   - least: fewer free bytes are left alone.
    package func shrink(
        to limit: Int, atLeast least: Int = 4 << 20, step: Int = 256, pause: Duration = .milliseconds(50)
    ) async throws(StoreError) -> Int {
        let before = try await read { try Room($0) }
        guard before.freeBytes >= least, before.isLoose, before.free * 4 >= before.pages || before.bytes > limit else { return 0 }
        if before.isIncremental {
            var room = before
            while room.isLoose, room.free > 0, !Task.isCancelled {
                try await write { try $0.execute(sql: "PRAGMA incremental_vacuum(\(step))") }
                try? await Task.sleep(for: pause)
                room = try await read { try Room($0) }
            }
        } else {
            guard before.bytes - before.freeBytes <= Self.rewritten else { return 0 }
            try await writeWithoutTransaction { database in
                // Said before a file is written anew, it makes the file one whose pages can be given back.
                try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
                try database.execute(sql: "VACUUM")
            }
        }
        // The file itself is cut when the log has been folded into it.
        _ = try await foldLog()
        let after = try await read { try Room($0) }
        return max(0, before.bytes - after.bytes)
    }
}
