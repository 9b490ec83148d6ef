import Foundation
import SemanticCache
@testable import SharedPostgres
import TestSupport
import Testing

/// The PostgreSQL that `Scripts/test` has started.
enum Engine {
    static let url = ProcessInfo.processInfo.environment["REPRISE_TEST_POSTGRES_URL"]

    static let isThere = url != nil
    static let reason: Comment = "REPRISE_TEST_POSTGRES_URL is not set: Scripts/engines starts a PostgreSQL"

    /// A schema that no other check uses.
    static func freshSchema() -> String { "reprise test \(UInt64.random(in: 0...UInt64.max))" }

    static func tier(schema: String, url: String? = Engine.url) throws -> PostgresTier {
        PostgresTier(try PostgresConfiguration(url: try #require(url), schema: schema))
    }

    /// Two proxies at a schema of their own, which goes afterwards.
    static func withPair(_ body: (SharedTierConformance.Pair, String) async throws -> Void) async throws {
        let schema = freshSchema()
        let pair = SharedTierConformance.Pair(one: try tier(schema: schema), other: try tier(schema: schema))
        do {
            try await body(pair, schema)
        } catch {
            await pair.one.close()
            await pair.other.close()
            try? await run("drop schema if exists \(schema.quotedName) cascade")
            throw error
        }
        await pair.one.close()
        await pair.other.close()
        try await run("drop schema if exists \(schema.quotedName) cascade")
    }

    /// Carries out statements as an administrator; what the last gave.
    @discardableResult
    static func run(_ statements: String..., parameters: [Parameter] = [], url: String? = Engine.url) async throws -> ResultRows {
        let transport = PostgresTransport(try PostgresConfiguration(url: try #require(url), schema: "public"), onNotice: {})
        let outcome: Result<ResultRows, any Error>
        do {
            let last = statements.count - 1
            let all = statements.enumerated().map { Statement(sql: $1, parameters: $0 == last ? parameters : []) }
            outcome = .success(try #require(try await transport.run(all, on: .bulk, until: .now + .seconds(20)).last))
        } catch {
            outcome = .failure(error)
        }
        await transport.close()
        return try outcome.get()
    }
}
