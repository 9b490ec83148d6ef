import Foundation
import GRDB
import SemanticCache
@testable import Storage

/// Rows that hold anything in any column: decoded or passed over, and what is decoded is written and read back the same.
enum RowFuzz {
    private static let database: DatabaseQueue = {
        do {
            let queue = try DatabaseQueue()
            try Schema.migrator.migrate(queue)
            return queue
        } catch { fatalError("no database in memory: \(error)") }
    }()

    static func run(_ input: [UInt8]) {
        var reader = ByteReader(input)
        // In the order of EntryRow.select.
        let values = (0..<24).map { _ in reader.value() }
        let row = Row(Dictionary(uniqueKeysWithValues: zip((0..<24).map { "c\(String(format: "%02d", $0))" }, values)))
        guard let record = EntryRow.decode(row, cipher: nil) else { return }
        do {
            try database.write { database in
                try EntryRow.insert(record, generation: 1, into: database, cipher: nil)
                let found = try Row.fetchOne(database, sql: EntryRow.select)
                guard let found, let again = EntryRow.decode(found, cipher: nil) else { fatalError("broken: what is written can be read") }
                let (a, b) = (again.entry, record.entry)
                let isSame =
                    a.key == b.key && a.scope == b.scope && a.tenant == b.tenant && a.endpoint == b.endpoint && a.query == b.query && a.tags == b.tags
                    && a.answer.recording == b.answer.recording && a.answer.fields == b.answer.fields && a.expiresAt == b.expiresAt
                guard isSame else { fatalError("broken: what is read is what was written") }
                try EntryRow.remove(record.entry.id, from: database)
            }
        } catch { fatalError("broken: what is decoded can be written: \(error)") }
    }

    /// Takes values off an input: a byte for the type, one for the length, then the bytes.
    private struct ByteReader {
        private var bytes: ArraySlice<UInt8>

        init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

        mutating func value() -> DatabaseValue {
            guard let type = bytes.popFirst() else { return .null }
            switch type % 5 {
            case 0: return .null
            case 1: return Int64(bitPattern: take(8).reduce(0) { $0 << 8 | UInt64($1) }).databaseValue
            case 2: return Double(bitPattern: take(8).reduce(0) { $0 << 8 | UInt64($1) }).databaseValue
            case 3: return String(decoding: take(Int(bytes.popFirst() ?? 0)), as: UTF8.self).databaseValue
            default: return Data(take(Int(bytes.popFirst() ?? 0))).databaseValue
            }
        }

        private mutating func take(_ count: Int) -> [UInt8] {
            defer { bytes = bytes.dropFirst(count) }
            return Array(bytes.prefix(count))
        }
    }
}
