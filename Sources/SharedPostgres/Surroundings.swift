import SemanticCache

/// What an engine has before anything is made: its version, the rights, and which of the tables.
struct Surroundings {
    private struct Table {
        let kind: String
        let columns: String
        let isOurs: Bool
    }

    let version: String
    let user: String
    let database: String
    let schemaIsThere: Bool
    /// The schema that pgvector lies in; `nil` where it is not.
    let vectors: String?
    /// Why nothing can be written; `nil` where it can.
    let readOnlyReason: String?
    /// The dimension that the column of the vectors is held to; `nil` where it is not.
    let columnDimension: Int?
    private let tables: [String: Table]

    init?(server: ResultRows, tables rows: ResultRows) {
        guard let version = server.text(0, 0), let isReplica = server.bool(0, 1), let isReadOnly = server.bool(0, 2), let user = server.text(0, 3),
            let database = server.text(0, 4), let schemaIsThere = server.bool(0, 5)
        else { return nil }
        // Packagers add their own words.
        self.version = String(version.prefix { $0 != " " })
        self.user = user
        self.database = database
        self.schemaIsThere = schemaIsThere
        vectors = server.text(0, 6)
        let reason = isReplica ? "it is a replica of another PostgreSQL" : "transactions of \(user) in the database \(database) are read-only"
        readOnlyReason = isReplica || isReadOnly ? reason : nil
        var tables: [String: Table] = [:]
        var columnDimension: Int?
        for row in 0..<rows.count {
            guard let name = rows.text(row, 0), let kind = rows.text(row, 1) else { return nil }
            tables[name] = Table(kind: kind, columns: rows.text(row, 2) ?? "", isOurs: rows.bool(row, 4) ?? false)
            if name == "reprise_entry", let modifier = rows.int(row, 3), modifier > 0 { columnDimension = Int(modifier) }
        }
        self.tables = tables
        self.columnDimension = columnDimension
    }

    /// As the name of a package has it.
    var major: Substring { version.prefix { $0 != "." } }

    /// Whether all tables are there.
    var isComplete: Bool { Tables.layout.keys.allSatisfy { tables[$0] != nil } }

    /// Whether the table that says which layout it is is one of ours.
    var saysItsLayout: Bool { tables["reprise_meta"].map { $0.kind == "r" && $0.columns == Tables.layout["reprise_meta"] } ?? false }

    /// Holds the tables that are there against the layout.
    func check() throws(SharedTierError) {
        for (name, columns) in Tables.layout.sorted(by: { $0.key < $1.key }) {
            guard let table = tables[name] else { continue }
            let isTable = table.kind == "r" || table.kind == "p"
            guard isTable, table.columns == columns else {
                let found = isTable ? "a table \(name) with the columns \(table.columns)" : "\(name), which is no table"
                throw .wrongLayout(found: found, expected: "\(SharedIdentity.layout)")
            }
            guard table.isOurs else { throw .refused("\(user) may not read and write the table \(name)") }
        }
    }
}
