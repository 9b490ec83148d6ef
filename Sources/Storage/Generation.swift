import Foundation
import GRDB
import SemanticCache

/// The numbers of the transactions that insert, kept in the table `state`: what a snapshot of the index is held against.
enum Generation {
    private static let lineage = "lineage"
    private static let number = "generation"

    /// The state that the store is in; `nil` where no line of generations has begun.
    static func current(in database: Database) throws -> StoreGeneration? {
        guard let lineage = try text(lineage, database) else { return nil }
        return StoreGeneration(lineage: lineage, number: try text(number, database).flatMap { Int64($0) } ?? 0)
    }

    /// The number of the transaction that is under way.
    static func advance(in database: Database) throws -> Int64 {
        let next = (try text(number, database).flatMap { Int64($0) } ?? 0) + 1
        try set(number, "\(next)", database)
        return next
    }

    static func beginLineage(in database: Database) throws { try set(lineage, StoreGeneration.freshLineage(), database) }

    private static func text(_ name: String, _ database: Database) throws -> String? {
        try Data.fetchOne(database.cachedStatement(sql: "SELECT value FROM state WHERE name = ?"), arguments: [name])
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private static func set(_ name: String, _ value: String, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
            .execute(arguments: [name, Data(value.utf8)])
    }
}
