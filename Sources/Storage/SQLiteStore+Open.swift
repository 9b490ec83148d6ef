import Foundation
import GRDB
package import Sealing
package import SemanticCache

extension SQLiteStore {
    /// A store that was opened, and what had to be done for it.
    package struct Opened: Sendable {
        package let store: SQLiteStore
        /// Where a damaged file was moved, if there was one.
        package let setAside: String?
    }

    /// Opens the database at `path`, making file and folder when they are not there: readable by their owner only, for prompts are personal data.
    ///
    /// A damaged file is moved aside and a fresh one made. A file of a newer version is left untouched and refused.
    ///
    /// - Parameter onDamage: told when damage is met later on, with its reason and where the file was moved.
    package static func open(
        path: String, now: Timestamp, cipher: RowCipher? = nil,
        onDamage: @escaping @Sendable (_ reason: String, _ setAside: String) -> Void = { _, _ in }
    ) throws(StoreError) -> Opened {
        let folder = URL(filePath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .cannotOpen(path: path, reason: "its folder cannot be made: \(error.localizedDescription)")
        }
        // Whether or not somebody is going to write the next one.
        SnapshotFile.removeUnfinished(beside: path)
        func store(_ pool: DatabasePool) -> SQLiteStore { SQLiteStore(pool: pool, path: path, cipher: cipher, now: now, onDamage: onDamage) }
        do throws(StoreError) {
            return Opened(store: store(try openPool(path)), setAside: nil)
        } catch .damaged(_, let reason, _) {
            let aside = try setAside(path, now: now, reason: reason)
            return Opened(store: store(try openPool(path)), setAside: aside)
        }
    }

    static func openPool(_ path: String) throws(StoreError) -> DatabasePool {
        do {
            if !FileManager.default.fileExists(atPath: path) {
                guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
                    throw StoreError.cannotOpen(path: path, reason: "the file cannot be made")
                }
            }
            try checkLength(path)
            try checkVersion(path)
            let isNew = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int == 0
            let pool = try DatabasePool(path: path, configuration: configuration(isNew: isNew))
            try Schema.migrator.migrate(pool)
            return pool
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreFault.translate(error, path: path)
        }
    }

    /// Throws when a newer version of the program wrote the file. Looks without changing a byte, which opening it for writing would do.
    private static func checkVersion(_ path: String) throws {
        guard ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0) > 0 else { return }
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let known = Schema.migrator.migrations
        let found = try queue.read { try Schema.migrator.appliedIdentifiers($0).subtracting(known) }
        try queue.close()
        guard found.isEmpty else {
            throw StoreError.newerSchema(path: path, found: found.sorted().joined(separator: ", "), expected: "\(known.count) steps")
        }
    }

    /// Throws when the file is shorter than its own header says, which SQLite notices only when it needs a page that is gone.
    private static func checkLength(_ path: String) throws {
        // With a write-ahead log beside it the file may lack pages that the log has.
        func size(_ path: String) -> Int { ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? 0 }
        guard size(path + "-wal") == 0, size(path) >= 100, let handle = FileHandle(forReadingAtPath: path) else { return }
        defer { try? handle.close() }
        guard let header = try handle.read(upToCount: 100), header.count == 100, header.starts(with: Data("SQLite format 3".utf8)) else { return }
        func number(_ offset: Int, _ count: Int) -> Int { header[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) } }
        let pageSize = number(16, 2) == 1 ? 65_536 : number(16, 2)
        // The page count is valid only where the two change counters agree.
        guard number(24, 4) == number(92, 4), number(28, 4) * pageSize > size(path) else { return }
        throw StoreError.damaged(path: path, reason: "it is shorter than its header says", setAside: nil)
    }

    private static func configuration(isNew: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.label = "reprise.store"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { database in
            // Lets pages that become free be given back to the disk (``shrink(to:atLeast:step:pause:)``). Takes effect before the first page is written.
            if isNew, !database.configuration.readonly { try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
            // NORMAL in WAL mode: a power cut may lose the last transactions, never the database. A crash of the process loses none.
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            try database.execute(sql: "PRAGMA foreign_keys = OFF")
            // What is deleted is overwritten, save in pages that become free as a whole, which would each be written for it. Sealing asks for that too.
            try database.execute(sql: "PRAGMA secure_delete = FAST")
            try database.execute(sql: "PRAGMA cache_size = -8192")
            // A log that a large transaction made long is cut when it has been folded in: it counts as room on the disk.
            try database.execute(sql: "PRAGMA journal_size_limit = 8388608")
        }
        return configuration
    }

    /// Moves the database and its companions to `<path>.damaged-<time>`.
    static func setAside(_ path: String, now: Timestamp, reason: String) throws(StoreError) -> String {
        let aside = "\(path).damaged-\(now.milliseconds)"
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
            do { try FileManager.default.moveItem(atPath: path + suffix, toPath: aside + suffix) } catch {
                throw .damaged(path: path, reason: "\(reason); it cannot be moved aside: \(error.localizedDescription)", setAside: nil)
            }
        }
        return aside
    }
}
