import Foundation
import GRDB
import Sealing
package import SemanticCache

extension SQLiteStore {
    /// Seals rows that are plain or sealed with a former key anew, `batch` at a time, so that a new key ends up protecting everything.
    ///
    /// Does nothing without a key. Returns how many rows it wrote; rows that cannot be opened are left as they are.
    package func sealAnew(batch: Int = 200) async throws(StoreError) -> Int {
        guard let cipher else { return 0 }
        var cursor: Int64 = -1
        var count = 0
        while true {
            let from = cursor
            let page = try await read { database in
                let statement = try database.cachedStatement(sql: EntryRow.select + " WHERE e.id > ? ORDER BY e.id LIMIT ?")
                var outdated: [CacheRecord] = []
                var last: Int64?
                let rows = try Row.fetchCursor(statement, arguments: [from, batch])
                while let row = try rows.next() {
                    last = row[0]
                    let form = Int.fromDatabaseValue(row[16] as DatabaseValue) ?? 0
                    let isCurrent =
                        form & EntryRow.sealedForm != 0 && (Data.fromDatabaseValue(row[17] as DatabaseValue).map { cipher.isCurrent($0) } ?? false)
                    if !isCurrent, let record = EntryRow.decode(row, cipher: cipher) { outdated.append(record) }
                }
                return (outdated: outdated, last: last)
            }
            guard let last = page.last else { return count }
            if !page.outdated.isEmpty {
                let outdated = page.outdated
                try await write { database in
                    // What the rows said before must be gone from the file too, from the pages that become free as well.
                    try database.execute(sql: "PRAGMA secure_delete = ON")
                    defer { try? database.execute(sql: "PRAGMA secure_delete = FAST") }
                    let generation = try Generation.advance(in: database)
                    for record in outdated {
                        // Gone or replaced since it was read: what came since is sealed already.
                        let find = try database.cachedStatement(sql: "SELECT 1 FROM entries WHERE id = ?")
                        guard try Int.fetchOne(find, arguments: [record.entry.id.rawValue]) != nil else { continue }
                        try EntryRow.insert(record, generation: generation, into: database, cipher: cipher)
                    }
                }
                count += outdated.count
            }
            cursor = last
        }
    }
}
