import Foundation
import SemanticCache
import TestSupport
import Testing

@testable import SharedRedis

/// What happens to the engine while proxies use it. Each has one of its own.
@Suite(.enabled(if: Engines.packages != nil, "REPRISE_TEST_ENGINE_PACKAGES is not set: Scripts/test sets it"))
struct RedisOutageTests {
    private static func opened(_ engine: OwnEngine, prefix: String = "rp") async throws -> (tier: RedisTier, start: SharedPosition) {
        let tier = try Engines.tier(engine.url, prefix: prefix)
        return (tier, try await tier.open(SharedTierConformance.identity))
    }

    @Test("an engine that is killed and started again goes on with what it had")
    func killed() async throws {
        try await OwnEngine.run(["--durable"]) { engine in
            let (tier, start) = try await Self.opened(engine)
            #expect(try await tier.put((1...20).map { Put.entry($0) }).allSatisfy { $0 == .stored })
            #expect(try await tier.append([7]).number == 1)
            try await engine.kill()
            for _ in 0..<3 {
                guard case .unreachable = await fault({ () async throws(SharedTierError) in try await tier.peek(1) }) else {
                    Issue.record("a dead engine answers")
                    return
                }
            }
            guard case .unreachable = await fault({ () async throws(SharedTierError) in try await tier.put([Put.entry(21)]) }) else {
                Issue.record("a dead engine stores")
                return
            }
            try await engine.start()
            // No second opening is needed: the next call connects.
            let peek = try await tier.peek(1)
            #expect(peek.entry?.answer == [1] && peek.head == SharedPosition(lineage: start.lineage, number: 1))
            try await eventually { try await tier.nearest(3).first == 3 }
            #expect(try await tier.open(SharedTierConformance.identity) == peek.head)
            #expect(try await tier.events(after: 0, limit: 10).events.map(\.bytes) == [[7]])
            #expect(try await tier.put([Put.entry(21)]) == [.stored])
            await tier.close()
        }
    }

    @Test("an engine that comes back empty takes nothing of the former time before it is opened again")
    func emptied() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let (tier, start) = try await Self.opened(engine)
            _ = try await tier.append([1])
            #expect(try await tier.put([Put.entry(1, since: 1)]) == [.stored])
            try await engine.kill()
            try await engine.start()
            let peek = try await tier.peek(1)
            #expect(peek.entry == nil && !peek.hasVectors && peek.head == SharedPosition(lineage: "", number: 0))
            #expect(try await tier.nearest(1).isEmpty)
            #expect(await fault { () async throws(SharedTierError) in try await tier.put([Put.entry(1, since: 1)]) } == RedisTier.emptied)
            #expect(await fault { () async throws(SharedTierError) in try await tier.append([2]) } == RedisTier.emptied)
            let all = SharedSelection()
            #expect(await fault { () async throws(SharedTierError) in try await tier.sweep(all, before: 9, limit: 10) } == RedisTier.emptied)
            #expect(try await tier.events(after: 1, limit: 10).hasGap)
            let again = try await tier.open(SharedTierConformance.identity)
            #expect(again.number == 0 && again.lineage != start.lineage && !again.lineage.isEmpty)
            #expect(try await tier.put([Put.entry(1)]) == [.stored])
            #expect(try await tier.nearest(1) == [1])
            await tier.close()
        }
    }

    @Test("FLUSHALL under way harms nobody, and the tier is laid out anew")
    func flushed() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let (tier, start) = try await Self.opened(engine)
            let calls = Task {
                var faults: Set<SharedTierError> = []
                for number in 1...200 {
                    if let error = await fault({ () async throws(SharedTierError) in try await tier.put([Put.entry(number)]) }) {
                        faults.insert(error)
                    }
                    if let error = await fault({ () async throws(SharedTierError) in try await tier.peek(number) }) { faults.insert(error) }
                    if let error = await fault({ () async throws(SharedTierError) in try await tier.nearest(number) }) { faults.insert(error) }
                }
                return faults
            }
            _ = try await engine.run(RedisCommands(["FLUSHALL"]))
            #expect(await calls.value.isSubset(of: [RedisTier.emptied]))
            #expect(try await tier.open(SharedTierConformance.identity).lineage != start.lineage)
            #expect(try await tier.describe().entries == 0)
            #expect(try await tier.put([Put.entry(1)]) == [.stored])
            #expect(try await tier.nearest(1) == [1])
            await tier.close()
        }
    }

    @Test("what was put before the tier was laid out anew is not found afterwards, though it is still there")
    func otherLineage() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let (tier, _) = try await Self.opened(engine)
            #expect(try await tier.put([Put.entry(1), Put.entry(2)]) == [.stored, .stored])
            _ = try await engine.run(RedisCommands(["DEL", "rp:meta"]))
            _ = try await tier.open(SharedTierConformance.identity)
            #expect(try await tier.peek(1).entry == nil)
            #expect(try await tier.nearest(1).isEmpty)
            #expect(try await tier.page(SharedSelection(), after: nil, limit: 10, withAnswers: true).entries.isEmpty)
            #expect(try await tier.put([Put.entry(1)]) == [.stored])
            #expect(try await tier.nearest(1) == [1])
            await tier.close()
        }
    }

    @Test("an index that is dropped is made anew and fills itself", arguments: [1, 2, 3])
    func indexDropped(_ way: Int) async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let (tier, _) = try await Self.opened(engine)
            #expect(try await tier.put((1...50).map { Put.entry($0) }).allSatisfy { $0 == .stored })
            let name = "rp:ix:\(try #require(RedisVectors(SharedTierConformance.identity)).mark)"
            #expect(try await engine.run(RedisCommands(["FT.DROPINDEX", .text(name)]))[0].text == "OK")
            switch way {
            case 1:
                let peek = try await tier.peek(1)
                #expect(peek.entry != nil && peek.hasVectors)
            case 2: _ = try await tier.nearest(1)
            default:
                let error = await fault { () async throws(SharedTierError) in try await tier.sweep(SharedSelection(), before: 1, limit: 10) }
                guard case .starting = error else {
                    Issue.record("swept without an index: \(String(describing: error))")
                    return
                }
            }
            try await eventually { try await tier.nearest(7).first == 7 }
            // Now, and not before, a sweep knows all.
            var removed = 0
            try await eventually {
                do throws(SharedTierError) { removed += try await tier.sweep(SharedSelection(), before: 1, limit: 100) } catch {
                    guard case .starting = error else { throw error }
                }
                return removed == 50
            }
            await tier.close()
        }
    }

    @Test("an engine that stops doing anything makes no call wait beyond its deadline, and is there again when it goes on")
    func frozen() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let (tier, _) = try await Self.opened(engine)
            _ = try await tier.put([Put.entry(1)])
            try engine.freeze(true)
            let faults = await [
                fault { () async throws(SharedTierError) in try await tier.peek(1, within: .milliseconds(50)) },
                fault { () async throws(SharedTierError) in try await tier.nearest(1, within: .milliseconds(50)) },
                fault { () async throws(SharedTierError) in
                    try await tier.entry(.id(EntryID(rawValue: 1)), until: .now + .milliseconds(50))
                },
            ]
            #expect(faults == [.timedOut, .timedOut, .timedOut])
            try engine.freeze(false)
            #expect(try await tier.peek(1).entry?.answer == [1])
            await tier.close()
        }
    }

    @Test("an engine without room says so, keeps what it has, and is read")
    func full() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let (tier, _) = try await Self.opened(engine)
            #expect(try await tier.put([Put.entry(1, answer: [1])]) == [.stored])
            _ = try await engine.run(RedisCommands(["CONFIG", "SET", "maxmemory-policy", "noeviction"], ["CONFIG", "SET", "maxmemory", "1mb"]))
            for entries in [[Put.entry(1, answer: [2])], [Put.entry(1, id: 9, answer: [2])], [Put.entry(2)]] {
                guard case .full = await fault({ () async throws(SharedTierError) in try await tier.put(entries) }) else {
                    Issue.record("stored without room")
                    return
                }
            }
            guard case .full = await fault({ () async throws(SharedTierError) in try await tier.append([1]) }) else {
                Issue.record("appended without room")
                return
            }
            let peek = try await tier.peek(1)
            #expect(peek.entry?.answer == [1] && peek.entry?.id == EntryID(rawValue: 1) && peek.head.number == 0)
            #expect(try await tier.nearest(1) == [1])
            #expect(try await tier.entry(.id(EntryID(rawValue: 1)), until: .now + .seconds(20)) != nil)
            // What frees room is taken.
            try await tier.remove([Put.entry(1).key])
            #expect(try await tier.peek(1).entry == nil)
            await tier.close()
        }
    }

    @Test("a replica is read and not written, and not opened")
    func replica() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let (tier, _) = try await Self.opened(engine)
            _ = try await tier.put([Put.entry(1)])
            _ = try await engine.run(RedisCommands(["REPLICAOF", "127.0.0.1", "1"]))
            guard case .readOnly = await fault({ () async throws(SharedTierError) in try await tier.put([Put.entry(2)]) }) else {
                Issue.record("a replica stores")
                return
            }
            #expect(try await tier.peek(1).entry != nil)
            let other = try Engines.tier(engine.url, prefix: "rp")
            let error = await fault { () async throws(SharedTierError) in try await other.open(SharedTierConformance.identity) }
            guard case .readOnly = error else { Issue.record("\(String(describing: error))"); return }
            await other.close()
            await tier.close()
        }
    }

    @Test("an engine without a search module is refused with that reason")
    func noSearch() async throws {
        try await OwnEngine.run(["--volatile", "--no-search"]) { engine in
            let error = await fault { () async throws(SharedTierError) in try await Engines.open(engine.url) }
            guard case .noSearch = error else { Issue.record("\(String(describing: error))"); return }
        }
    }

    @Test("another database than 0, which no search knows, is refused with that reason")
    func otherDatabase() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            #expect(
                await fault { () async throws(SharedTierError) in try await Engines.open(engine.url + "/3") }
                    == .noSearch("it searches database 0 alone"))
        }
    }

    @Test("an entry that the engine took away leaves its id to others, and is not found by it")
    func evicted() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let (tier, _) = try await Self.opened(engine)
            _ = try await tier.put([Put.entry(1, id: 5)])
            _ = try await engine.run(RedisCommands(["DEL", .text("rp:e:" + Put.entry(1).key.digest.hex)]))
            #expect(try await tier.entry(.id(EntryID(rawValue: 5)), until: .now + .seconds(20)) == nil)
            #expect(try await tier.put([Put.entry(2, id: 5)]) == [.stored])
            #expect(try await tier.entry(.id(EntryID(rawValue: 5)), until: .now + .seconds(20))?.key == Put.entry(2).key)
            await tier.close()
        }
    }

    @Test("entries that are over leave no place in a search to nobody")
    func over() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let (tier, _) = try await Self.opened(engine)
            // The engine is kept from noticing by itself.
            _ = try await engine.run(RedisCommands(["DEBUG", "SET-ACTIVE-EXPIRE", "0"], ["CONFIG", "SET", "hz", "1"]))
            let living = (1...4).map { Put.entry($0) }
            _ = try await tier.put(living)
            for number in 11...14 {
                // As near as can be.
                let entry = Put.entry(number, life: .milliseconds(300))
                _ = try await tier.put([
                    SharedEntry(
                        key: entry.key, id: entry.id, scope: entry.scope, marks: entry.marks, createdAt: entry.createdAt, expiresAt: entry.expiresAt,
                        since: 0, vector: Put.vector(99), metadata: [2], answer: [1])
                ])
            }
            try await Task.sleep(for: .milliseconds(350))
            #expect(try await Set(tier.nearest(99, count: 4)) == [1, 2, 3, 4])
            await tier.close()
        }
    }
}
