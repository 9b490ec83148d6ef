import Foundation
import GRDB
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
    package static func open(path: String, now: Timestamp, cipher: RowCipher? = nil) throws(StoreError) -> Opened {
        let folder = URL(filePath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .cannotOpen(path: path, reason: "its folder cannot be made: \(error.localizedDescription)")
        }
        do throws(StoreError) {
            return Opened(store: try openExisting(path, cipher), setAside: nil)
        } catch .damaged(_, let reason, _) {
            let aside = try setAside(path, now: now, reason: reason)
            return Opened(store: try openExisting(path, cipher), setAside: aside)
        }
    }

    private static func openExisting(_ path: String, _ cipher: RowCipher?) throws(StoreError) -> SQLiteStore {
        do {
            if !FileManager.default.fileExists(atPath: path) {
                guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
                    throw StoreError.cannotOpen(path: path, reason: "the file cannot be made")
                }
            }
            let pool = try DatabasePool(path: path, configuration: configuration)
            let known = Schema.migrator.migrations.count
            let found = try pool.read { try Schema.migrator.appliedIdentifiers($0).subtracting(Schema.migrator.migrations) }
            guard found.isEmpty else {
                throw StoreError.newerSchema(path: path, found: found.sorted().joined(separator: ", "), expected: "\(known) steps")
            }
            try Schema.migrator.migrate(pool)
            return SQLiteStore(pool: pool, path: path, cipher: cipher)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreFault.translate(error, path: path)
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "reprise.store"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { database in
            // NORMAL in WAL mode: a power cut may lose the last transactions, never the database. A crash of the process loses none.
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            try database.execute(sql: "PRAGMA foreign_keys = OFF")
            // What was deleted or sealed must not stay readable in free pages.
            try database.execute(sql: "PRAGMA secure_delete = FAST")
            try database.execute(sql: "PRAGMA cache_size = -8192")
        }
        return configuration
    }

    /// Moves the database and its companions to `<path>.damaged-<time>`.
    private static func setAside(_ path: String, now: Timestamp, reason: String) throws(StoreError) -> String {
        let aside = "\(path).damaged-\(now.milliseconds)"
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
            do { try FileManager.default.moveItem(atPath: path + suffix, toPath: aside + suffix) } catch {
                throw .damaged(path: path, reason: "\(reason); it cannot be moved aside: \(error.localizedDescription)", setAside: nil)
            }
        }
        return aside
    }
}
