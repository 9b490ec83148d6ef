import Foundation
import SemanticCache
@testable import SharedPostgres
import TestSupport
import Testing

/// Who may do what, and what those hear who may not.
@Suite(.enabled(if: Engine.isThere, Engine.reason))
struct PostgresRightsTests {
    private static let identity = SharedTierConformance.identity

    /// A role of its own with these statements carried out for it (`%`), and what opening a tier as that role, in that schema and database, says.
    private func fault(
        as attributes: String = "login", _ statements: [String] = [], database: String? = nil, user: String? = nil
    ) async throws -> (SharedTierError?, role: String) {
        let role = "reprise_test_\(UInt64.random(in: 0...UInt64.max))"
        _ = try await Engine.run("create role \(role) \(attributes)")
        for statement in statements { try await Engine.run(statement.replacing("%", with: role)) }
        let tier = try Engine.tier(schema: role, url: url(user: user ?? role, database: database))
        var fault: SharedTierError?
        do throws(SharedTierError) {
            _ = try await tier.open(Self.identity)
            _ = try await tier.put([PostgresLayoutTests.entry(1)])
            _ = try await tier.append([1])
            _ = try await tier.describe()
        } catch {
            fault = error
        }
        await tier.close()
        try await Engine.run("drop schema if exists \(role) cascade")
        try await Engine.run("drop owned by \(role)")
        try await Engine.run("drop role \(role)")
        return (fault, role)
    }

    private func url(user: String, database: String?) throws -> String {
        var parts = try #require(Engine.url.flatMap { URLComponents(string: $0) })
        parts.user = user
        if let database { parts.path = "/\(database)" }
        return try #require(parts.string)
    }

    @Test("a schema of its own is all that a role needs")
    func needsLittle() async throws {
        try await Engine.run("create extension if not exists vector")
        #expect(try await fault(["create schema authorization %"]).0 == nil)
    }

    @Test("who may not make a schema is told what to ask for")
    func refusesWithoutRights() async throws {
        try await Engine.run("create extension if not exists vector")
        let (fault, role) = try await fault()
        guard case .refused(let reason) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(reason.contains("permission denied") && reason.contains("CREATE SCHEMA") && reason.contains(role))
    }

    @Test("who may only read the tables is told which")
    func refusesReaders() async throws {
        try await Engine.run("create extension if not exists vector")
        try await Engine.withPair { pair, schema in
            _ = try await pair.one.open(Self.identity)
            let role = "reprise_test_\(UInt64.random(in: 0...UInt64.max))"
            try await Engine.run("create role \(role) login")
            try await Engine.run("grant usage on schema \(schema.quotedName) to \(role)")
            try await Engine.run("grant select on all tables in schema \(schema.quotedName) to \(role)")
            let tier = try Engine.tier(schema: schema, url: url(user: role, database: nil))
            await #expect(throws: SharedTierError.refused("\(role) may not read and write the table reprise_embedder")) {
                try await tier.open(Self.identity)
            }
            await tier.close()
            try await Engine.run("drop owned by \(role)")
            try await Engine.run("drop role \(role)")
        }
    }

    @Test("a role whose transactions are read-only is told so")
    func refusesReadOnly() async throws {
        let (fault, role) = try await fault(["create schema authorization %", "alter role % set default_transaction_read_only = on"])
        guard case .readOnly(let reason) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(reason.contains(role))
    }

    @Test("no role, no database and no room for one more connection are three things")
    func tellsRefusalsApart() async throws {
        #expect(try await fault(user: "nobody here").0 == .refused("role \"nobody here\" does not exist"))
        #expect(try await fault(database: "nothing_here").0 == .refused("database \"nothing_here\" does not exist"))
        let (fault, role) = try await fault(as: "login connection limit 0")
        #expect(fault == .unreachable("too many connections for role \"\(role)\""))
        #expect(try await self.fault(as: "nologin").0.map { if case .refused = $0 { true } else { false } } == true)
    }

    @Test("a database without the extension, and without the right to make it, says who has to do what")
    func refusesWithoutExtension() async throws {
        let database = "reprise_test_\(UInt64.random(in: 0...UInt64.max))"
        try await Engine.run("create database \(database)")
        let role = "\(database)_user"
        try await Engine.run("create role \(role) login")
        let tier = try Engine.tier(schema: "reprise", url: url(user: role, database: database))
        await #expect(
            throws: SharedTierError.noSearch(
                "CREATE EXTENSION vector needs the right CREATE on the database \(database), which \(role) has not: "
                    + "let an administrator run it there once")
        ) { try await tier.open(Self.identity) }
        // Where it lies does not matter, once it is there.
        let administrator = try url(user: "reprise", database: database)
        try await Engine.run("create schema extensions", url: administrator)
        try await Engine.run("create extension vector schema extensions", url: administrator)
        try await Engine.run("grant usage on schema extensions to \(role)", url: administrator)
        try await Engine.run("create schema reprise authorization \(role)", url: administrator)
        _ = try await tier.open(Self.identity)
        let entry = PostgresLayoutTests.entry(1)
        #expect(try await tier.put([entry]) == [.stored])
        let found = try await tier.nearest(to: entry.vector!, in: entry.scope!, count: 1, until: .now + .seconds(20)).found
        #expect(found.map(\.entry.id) == [entry.id])
        await tier.close()
        try await Engine.run("drop database \(database) with (force)")
        try await Engine.run("drop role \(role)")
    }
}
