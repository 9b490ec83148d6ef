import SemanticCache
@testable import SharedPostgres
import TestSupport
import Testing

/// What the tier makes, finds and refuses in an engine.
@Suite(.enabled(if: Engine.isThere, Engine.reason))
struct PostgresLayoutTests {
    private static let identity = SharedTierConformance.identity
    private static var soon: ContinuousClock.Instant { .now + .seconds(20) }

    static func entry(_ number: Int, dimension: Int = 8) -> SharedEntry {
        var generator = SeededGenerator(seed: UInt64(number))
        let now = RealClock().now()
        return SharedEntry(
            key: CacheKey(Sample.digest(number)), id: EntryID(rawValue: Int64(number)), scope: Scope(Sample.digest(1)),
            marks: SharedMarks(tenant: 1, namespace: 2, model: 3, tags: [4]), createdAt: now, expiresAt: now + .seconds(3600), since: 0,
            vector: UnitVector(normalizing: (0..<dimension).map { _ in Float.random(in: -1...1, using: &generator) }), metadata: [1], answer: [2])
    }

    private static func fault(of tier: any SharedTier, _ identity: SharedIdentity = identity) async -> SharedTierError? {
        do throws(SharedTierError) { _ = try await tier.open(identity) } catch { return error }
        return nil
    }

    /// A tier at a schema where `statements` were carried out before, `%` being the schema; what it says when it is opened.
    private static func fault(after statements: [String], isOpenBefore: Bool = false) async throws -> SharedTierError? {
        var outcome: SharedTierError?
        try await Engine.withPair { pair, schema in
            if isOpenBefore { _ = try await pair.one.open(Self.identity) } else { try await Engine.run("create schema \(schema.quotedName)") }
            for statement in statements { try await Engine.run(statement.replacing("%", with: schema.quotedName)) }
            outcome = await fault(of: pair.other)
        }
        return outcome
    }

    @Test("what somebody else made under our names is left alone")
    func refusesOthersTables() async throws {
        for statement in [
            "create table %.reprise_entry (a integer, b text)", "create table %.reprise_meta (name text primary key, value text)",
            "create view %.reprise_journal as select 1 as number", "create sequence %.reprise_node",
        ] {
            guard case .wrongLayout(_, "1") = try await Self.fault(after: [statement]) else {
                Issue.record("\(statement) was taken")
                continue
            }
        }
        #expect(
            try await Self.fault(after: ["create table %.reprise_entry (b text, a integer)"])
                == .wrongLayout(found: "a table reprise_entry with the columns a int4, b text", expected: "1"))
        // A column more or less, in a tier that was ours.
        guard case .wrongLayout = try await Self.fault(after: ["alter table %.reprise_entry drop column since"], isOpenBefore: true) else {
            Issue.record("a table without a column was taken")
            return
        }
    }

    @Test("another version's layout is called by its number")
    func refusesOtherLayouts() async throws {
        let later = ["update %.reprise_meta set layout = 2", "alter table %.reprise_entry add column more integer"]
        #expect(try await Self.fault(after: later, isOpenBefore: true) == .wrongLayout(found: "2", expected: "1"))
    }

    @Test("a column that is held to a dimension is told from a model that makes another")
    func refusesNarrowColumns() async throws {
        let narrow = ["alter table %.reprise_entry alter column v type vector(9)"]
        #expect(try await Self.fault(after: narrow, isOpenBefore: true) == .wrongDimension(found: 9, expected: 8))
        let fitting = ["alter table %.reprise_entry alter column v type vector(8)"]
        #expect(try await Self.fault(after: fitting, isOpenBefore: true) == nil)
    }

    @Test("proxies of two models share exact repeats and nothing else")
    func separatesModels() async throws {
        try await Engine.withPair { pair, _ in
            _ = try await pair.one.open(Self.identity)
            let other = SharedIdentity(dimension: 16, fingerprint: "model-b", tenancyCheck: "t1", encryptionCheck: "e1")
            _ = try await pair.other.open(other)
            let (ours, theirs) = (Self.entry(1), Self.entry(2, dimension: 16))
            #expect(try await pair.one.put([ours]) == [.stored])
            var peek = try await pair.other.peek(ours.key, in: ours.scope, until: Self.soon)
            #expect(peek.entry?.answer == ours.answer && peek.entry?.vector == nil && !peek.hasVectors)
            #expect(try await pair.other.put([theirs]) == [.stored])
            peek = try await pair.one.peek(theirs.key, in: theirs.scope, until: Self.soon)
            #expect(peek.entry?.answer == theirs.answer && peek.entry?.vector == nil && peek.hasVectors)
            let found = try await pair.other.nearest(to: theirs.vector!, in: theirs.scope!, count: 8, until: Self.soon).found
            #expect(found.map(\.entry.id) == [theirs.id])
            #expect(try await pair.one.nearest(to: ours.vector!, in: ours.scope!, count: 8, until: Self.soon).found.map(\.entry.id) == [ours.id])
            await #expect(throws: SharedTierError.wrongDimension(found: 8, expected: 16)) { try await pair.one.put([theirs]) }
        }
    }

    @Test("what a graph finds is in the scope and of the model, with rows of other models beside it")
    func searchesThroughAGraph() async throws {
        try await Engine.withPair { pair, schema in
            _ = try await pair.one.open(Self.identity)
            _ = try await pair.other.open(SharedIdentity(dimension: 16, fingerprint: "model-b", tenancyCheck: "t1", encryptionCheck: "e1"))
            _ = try await pair.other.put((500..<520).map { Self.entry($0, dimension: 16) })
            _ = try await pair.one.put((1...200).map { Self.entry($0) })
            let scope = Sample.digest(1).hex
            try await Engine.run(
                """
                create index on \(schema.quotedName).reprise_entry using hnsw ((v::vector(8)) vector_ip_ops)
                where scope = '\\x\(scope)' and embedder = 1
                """)
            let target = Self.entry(900)
            let expected = (1...200).map { Self.entry($0) }
                .sorted { target.vector!.similarity(to: $0.vector!) > target.vector!.similarity(to: $1.vector!) }.prefix(8).map(\.id)
            let found = try await pair.one.nearest(to: target.vector!, in: target.scope!, count: 8, until: Self.soon).found
            #expect(Set(found.map(\.entry.id)).intersection(expected).count >= 7 && found.first?.entry.id == expected.first)
        }
    }

    @Test("what is over goes with what comes, and with a lease")
    func letsGo() async throws {
        try await Engine.withPair { pair, schema in
            _ = try await pair.one.open(Self.identity)
            func count() async throws -> Int64? { try await Engine.run("select count(*) from \(schema.quotedName).reprise_entry").int(0, 0) }
            _ = try await pair.one.put((1...40).map { Self.entry($0) })
            try await Engine.run("update \(schema.quotedName).reprise_entry set expires_at = now() - interval '1 second'")
            _ = try await pair.one.put([Self.entry(41)])
            #expect(try await count() == 41 - 18)
            _ = try await pair.one.lease(for: "a", held: nil)
            #expect(try await count() == 1)
        }
    }

    @Test("the journal forgets what is long past, and says so")
    func forgetsEvents() async throws {
        try await Engine.withPair { pair, schema in
            _ = try await pair.one.open(Self.identity)
            for number in 1...3 { #expect(try await pair.one.append([UInt8(number)]).number == Int64(number)) }
            try await Engine.run("update \(schema.quotedName).reprise_meta set number = \(Tables.journalLimit + 1)")
            #expect(try await pair.one.append([4]).number == Int64(Tables.journalLimit + 2))
            let left = try await Engine.run("select min(number), count(*) from \(schema.quotedName).reprise_journal")
            #expect(left.int(0, 0) == 3 && left.int(0, 1) == 2)
            #expect(try await pair.other.open(Self.identity).number == Int64(Tables.journalLimit + 2))
            #expect(try await pair.other.events(after: 1, limit: 10).hasGap)
        }
    }

    @Test("a transaction that fails takes no number")
    func leavesNoGaps() async throws {
        try await Engine.withPair { pair, schema in
            _ = try await pair.one.open(Self.identity)
            _ = try await pair.one.append([1])
            let tables = Tables(schema: schema)
            let transport = PostgresTransport(try PostgresConfiguration(url: try #require(Engine.url), schema: schema), onNotice: {})
            let statements = [
                Statement(sql: tables.append, parameters: [.bytes([9]), .text(schema)]),
                Statement(sql: "select 1 / $1", parameters: [.int(Int32(0))]),
            ]
            do throws(PostgresFault) {
                _ = try await transport.run(statements, on: .bulk, until: Self.soon)
                Issue.record("divided by zero")
            } catch {
                #expect(error.state == "22012")
            }
            await transport.close()
            #expect(try await pair.one.append([2]).number == 2)
        }
    }

    @Test("a tier that was emptied under its proxies is another one when it is opened again")
    func beginsAnew() async throws {
        try await Engine.withPair { pair, schema in
            let first = try await pair.one.open(Self.identity)
            _ = try await pair.one.put([Self.entry(1)])
            _ = try await pair.one.append([1])
            try await Engine.run("truncate \(schema.quotedName).reprise_meta")
            await #expect(throws: SharedTierError.self) { try await pair.one.peek(Self.entry(1).key, in: nil, until: Self.soon) }
            let second = try await pair.one.open(Self.identity)
            #expect(second.number == 0 && second.lineage != first.lineage)
            #expect(try await pair.one.peek(Self.entry(1).key, in: nil, until: Self.soon).entry == nil, "its numbers are another lineage's")
            #expect(try await pair.one.append([1]).number == 1)

            try await Engine.run("drop schema \(schema.quotedName) cascade")
            do throws(SharedTierError) {
                _ = try await pair.one.peek(Self.entry(1).key, in: nil, until: Self.soon)
                Issue.record("answered without tables")
            } catch {
                #expect(error.isPassing, "\(error)")
            }
            #expect(try await pair.one.open(Self.identity).number == 0)
            #expect(try await pair.one.put([Self.entry(1)]) == [.stored])
        }
    }

    @Test("proxies that start at once at an empty engine find one tier")
    func opensAtOnce() async throws {
        let schema = Engine.freshSchema()
        let tiers = try (0..<6).map { _ in try Engine.tier(schema: schema) }
        let positions = try await withThrowingTaskGroup(of: SharedPosition.self) { group in
            for tier in tiers { group.addTask { try await tier.open(Self.identity) } }
            return try await group.reduce(into: Set<SharedPosition>()) { $0.insert($1) }
        }
        #expect(positions.count == 1)
        for tier in tiers { await tier.close() }
        try await Engine.run("drop schema \(schema.quotedName) cascade")
    }
}
