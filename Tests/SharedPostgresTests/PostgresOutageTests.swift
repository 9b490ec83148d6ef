import Foundation
import SemanticCache
@testable import SharedPostgres
import TestSupport
import Testing

/// Engines that hang, talk rubbish, die and come back. Of those that it kills, each test starts its own.
@Suite(.enabled(if: Engine.isThere, Engine.reason))
struct PostgresOutageTests {
    private static let identity = SharedTierConformance.identity
    private static var soon: ContinuousClock.Instant { .now + .seconds(20) }
    private static let entry = PostgresLayoutTests.entry(1)

    private static func fault(_ tier: any SharedTier, _ body: (any SharedTier) async throws -> Void) async -> SharedTierError? {
        do { try await body(tier) } catch { return error as? SharedTierError }
        return nil
    }

    /// Asks until it is answered; `nil` when that never happens.
    private static func persistently<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value? {
        try await withDeadline(.seconds(60)) {
            while true {
                if let value = try? await body() { return value }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    @Test("nobody at the port, and a port of something else")
    func nobodyThere() async throws {
        let relay = try Relay(to: nil, .open)
        relay.close()
        let tier = try Engine.tier(schema: "x", url: "postgres://reprise@127.0.0.1:\(relay.port)/postgres")
        let fault = await Self.fault(tier) { _ = try await $0.open(Self.identity) }
        guard case .unreachable(let reason) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(reason.contains("Connection refused"))
        await tier.close()

        let web = try Relay(to: nil, .rubbish(Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".utf8)))
        for options in ["?sslmode=disable", "?sslmode=require", ""] {
            let tier = try Engine.tier(schema: "x", url: "postgres://reprise@127.0.0.1:\(web.port)/postgres\(options)")
            let fault = await Self.fault(tier) { _ = try await $0.open(Self.identity) }
            guard case .garbled = fault else {
                Issue.record("\(options): \(String(describing: fault))")
                continue
            }
            await tier.close()
        }
        web.close()
    }

    @Test("a port that takes the connection and says nothing")
    func silentFromTheStart() async throws {
        let relay = try Relay(to: nil, .silent)
        let tier = try Engine.tier(schema: "x", url: "postgres://reprise@127.0.0.1:\(relay.port)/postgres?connect_timeout=1")
        let fault = await Self.fault(tier) { _ = try await $0.open(Self.identity) }
        #expect(fault == .unreachable("127.0.0.1:\(relay.port)/postgres let nobody in within 1 s"))
        await tier.close()
        relay.close()
    }

    /// An engine behind a relay, with one entry in it.
    private func withRelay(_ body: (PostgresTier, Relay) async throws -> Void) async throws {
        let parts = try #require(Engine.url.flatMap { URLComponents(string: $0) })
        let relay = try Relay(to: parts.port ?? 5432, .open)
        var behind = parts
        behind.port = relay.port
        let schema = Engine.freshSchema()
        let tier = try Engine.tier(schema: schema, url: behind.string)
        _ = try await tier.open(Self.identity)
        #expect(try await tier.put([Self.entry]) == [.stored])
        _ = try await tier.peek(Self.entry.key, in: nil, until: Self.soon)
        try await body(tier, relay)
        await tier.close()
        relay.close()
        try await Engine.run("drop schema \(schema.quotedName) cascade")
    }

    @Test("an engine that falls silent costs each call its time limit, and nothing once it is back")
    func fallsSilent() async throws {
        try await withRelay { tier, relay in
            relay.set(.silent)
            for _ in 1...3 {
                let fault = await Self.fault(tier) { _ = try await $0.peek(Self.entry.key, in: nil, until: .now + .milliseconds(50)) }
                #expect(fault == .timedOut)
            }
            relay.set(.open)
            // What was sent meanwhile is lost: the connection is given up in the end.
            let answer = try await Self.persistently { try await tier.peek(Self.entry.key, in: nil, until: .now + .milliseconds(500)).entry?.answer }
            #expect(answer == Self.entry.answer)
        }
    }

    @Test("an engine that talks rubbish in the middle is told, and left")
    func talksRubbish() async throws {
        for rubbish in [Array("HTTP/1.1 200 OK\r\n\r\n".utf8), [UInt8](repeating: 0xFF, count: 64), Array("D".utf8) + [0, 0, 0, 7, 0, 9, 1]] {
            try await withRelay { tier, relay in
                relay.set(.rubbish(rubbish))
                let fault = await Self.fault(tier) { _ = try await $0.peek(Self.entry.key, in: nil, until: .now + .seconds(1)) }
                switch fault {
                case .garbled, .unreachable, .timedOut: break
                default: Issue.record("\(String(describing: fault))")
                }
                relay.set(.open)
                let answer = try await Self.persistently { try await tier.peek(Self.entry.key, in: nil, until: Self.soon).entry?.answer }
                #expect(answer == Self.entry.answer)
            }
        }
    }

    @Test("a table that another holds costs a look-up its time limit; the engine ends it too")
    func waitsForNoLock() async throws {
        try await Engine.withPair { pair, schema in
            _ = try await pair.one.open(Self.identity)
            let holder = PostgresTransport(try PostgresConfiguration(url: try #require(Engine.url), schema: schema), onNotice: {})
            let holding = Task {
                let statements = ["set_config('application_name', '\(schema)', false)", "pg_sleep(600)"].map { Statement(sql: "select \($0)") }
                // Never carried out: it ends with the connection, and until then nobody else reads the table.
                let lock = Statement(sql: "alter table \(schema.quotedName).reprise_entry add column more integer")
                _ = try? await holder.run([lock] + statements, on: .bulk, until: .now + .seconds(600))
            }
            let isHeld = try await Self.persistently {
                let sql = "select 1 from pg_stat_activity where application_name = $1 and query like '%pg_sleep(600)%'"
                guard try await Engine.run(sql, parameters: [.text(schema)]).count == 1 else { throw OwnEngine.NotStarted(description: "not held") }
                return true
            }
            try #require(isHeld != nil)
            let fault = await Self.fault(pair.one) { _ = try await $0.peek(Self.entry.key, in: nil, until: .now + .milliseconds(50)) }
            #expect(fault == .timedOut)
            try await Engine.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", parameters: [.text(schema)])
            await holding.value
            await holder.close()
            let peek = try await Self.persistently { try await pair.one.peek(Self.entry.key, in: nil, until: Self.soon).head.number }
            #expect(peek == 0)
        }
    }

    @Test("an engine that is killed and comes back is found again, with all that it had, and heard")
    func comesBack() async throws {
        var engine = try OwnEngine.start("--tls", "--password", "s3cret")
        defer { engine.remove() }
        let secure = "?sslmode=verify-full&sslrootcert=\(engine.certificate)"
        let tier = try Engine.tier(schema: "reprise", url: engine.url(user: "reprise:s3cret", options: secure))
        _ = try await tier.open(Self.identity)
        #expect(try await tier.put([Self.entry]) == [.stored])
        let position = try await tier.append([1])
        let hints = tier.hints()
        for round in 1...2 {
            try engine.kill()
            let fault = await Self.fault(tier) { tier in
                // A connection that has not heard of it yet may still take one call.
                while true { _ = try await tier.peek(Self.entry.key, in: nil, until: Self.soon) }
            }
            switch fault {
            case .unreachable, .starting: break
            default: Issue.record("\(String(describing: fault))")
            }
            engine = try engine.restarted()
            let peek = try await Self.persistently { try await tier.peek(Self.entry.key, in: Self.entry.scope, until: Self.soon) }
            #expect(peek?.entry?.answer == Self.entry.answer && peek?.hasVectors == true)
            #expect(peek?.head.lineage == position.lineage && peek?.head.number == Int64(round))
            let next = try await Self.persistently { try await tier.append([1]).number }
            #expect(next == Int64(round + 1))
        }
        // Whoever listened before the engine died hears what comes after it.
        let heard = try await withDeadline(.seconds(60)) {
            for await _ in hints { return true }
            return false
        }
        #expect(heard == true)
        await tier.close()
    }

    @Test("TLS and passwords are held to, and what is wrong with them is told without them")
    func holdsToTLS() async throws {
        let engine = try OwnEngine.start("--tls", "--password", "s3cret")
        defer { engine.remove() }
        func fault(_ user: String, _ options: String) async throws -> SharedTierError? {
            let tier = try Engine.tier(schema: "reprise", url: engine.url(user: user, options: options))
            let fault = await Self.fault(tier) { _ = try await $0.open(Self.identity) }
            await tier.close()
            return fault
        }
        let authority = "sslrootcert=\(engine.certificate)"
        #expect(try await fault("reprise:s3cret", "?sslmode=verify-full&\(authority)") == nil)
        #expect(try await fault("reprise:s3cret", "?sslmode=require&channel_binding=require") == nil)
        #expect(
            try await fault("reprise:wr0ng", "?sslmode=verify-full&\(authority)")
                == .refused("password authentication failed for user \"reprise\""))
        #expect(try await fault("reprise", "?sslmode=require") == .refused("it asks for a password, and the URL has none"))
        for (options, words) in [
            ("?sslmode=disable", "no encryption"), ("?sslmode=verify-full&sslrootcert=/nowhere", "root certificate"),
            ("?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt", "certificate"),
        ] {
            let found = try await fault("reprise:s3cret", options)
            guard case .refused(let reason) = found, reason.contains(words), !reason.contains("s3cret") else {
                Issue.record("\(options): \(String(describing: found))")
                continue
            }
        }
    }

    @Test("an engine without pgvector says what to install")
    func refusesWithoutVector() async throws {
        let engine = try OwnEngine.start("--without-vector")
        defer { engine.remove() }
        let tier = try Engine.tier(schema: "reprise", url: engine.url())
        let fault = await Self.fault(tier) { _ = try await $0.open(Self.identity) }
        guard case .noSearch(let reason) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(reason.contains("postgresql-18-pgvector") && reason.contains("CREATE EXTENSION vector"))
        await tier.close()
    }

    @Test("calls that are under way when a tier is closed end, and so does whoever listens")
    func closesUnderWay() async throws {
        try await withRelay { tier, relay in
            relay.set(.silent)
            let waiting = (0..<8).map { _ in
                Task { await Self.fault(tier) { _ = try await $0.peek(Self.entry.key, in: nil, until: .now + .seconds(600)) } }
            }
            let hints = tier.hints()
            await tier.close()
            for call in waiting {
                let fault = await call.value
                guard case .unreachable = fault else {
                    Issue.record("\(String(describing: fault))")
                    continue
                }
            }
            for await _ in hints {}
            for await _ in tier.hints() {}
        }
    }
}
