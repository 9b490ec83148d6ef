import SemanticCache
import TestSupport
import Testing

@testable import SharedRedis

/// What somebody else, or another version, wrote under our names.
@Suite(.enabled(if: Engines.packages != nil, "REPRISE_TEST_ENGINE_PACKAGES is not set: Scripts/test sets it"))
struct RedisForeignTests {
    @Test("keys of the tier itself that are not ours are refused before anything is written")
    func foreignMeta() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let cases: [(RedisCommands, SharedTierError)] = [
                (RedisCommands(["SET", "rp:meta", "x"]), .wrongLayout(found: "a key of ours with a value of another type", expected: "1")),
                (RedisCommands(["HSET", "rp:meta", "a", "b"]), .wrongLayout(found: "of something else", expected: "1")),
                (RedisCommands(["HSET", "rp:meta", "layout", "2", "tenancy", "t1"]), .wrongLayout(found: "2", expected: "1")),
                (
                    RedisCommands(["HSET", "rp:meta", "layout", "1", "tenancy", "t1", "encryption", "e1"]),
                    .wrongLayout(found: "'rp:meta' without lineage or number", expected: "1")
                ),
                (
                    RedisCommands(["SET", "rp:j", "x"], ["HSET", "rp:meta", "layout", "1"]),
                    .wrongLayout(found: "'rp:j' of type string", expected: "1")
                ),
            ]
            for (commands, error) in cases {
                _ = try await engine.run(RedisCommands(["FLUSHALL"]))
                _ = try await engine.run(commands)
                #expect(await fault { () async throws(SharedTierError) in try await Engines.open(engine.url, prefix: "rp") } == error)
                let size = try await engine.run(RedisCommands(["DBSIZE"], ["FT._LIST"]))
                #expect(size[0].number == Int64(commands.count) && size[1].items?.isEmpty == true)
            }
        }
    }

    @Test("an index of our name and another form is refused")
    func foreignIndex() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let name = "rp:ix:\(try #require(RedisVectors(SharedTierConformance.identity)).mark)"
            _ = try await engine.run(RedisCommands(["FT.CREATE", .text(name), "ON", "HASH", "PREFIX", "1", "other:", "SCHEMA", "x", "TAG"]))
            let error = await fault { () async throws(SharedTierError) in try await Engines.open(engine.url, prefix: "rp") }
            #expect(error == .wrongLayout(found: "an index '\(name)' over [\"other:\"]", expected: "1"))
        }
    }

    @Test("entries that are not ours are passed over, and ours stand beside them")
    func foreignEntries() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let tier = try Engines.tier(engine.url, prefix: "rp")
            _ = try await tier.open(SharedTierConformance.identity)
            #expect(try await tier.put((1...8).map { Put.entry($0) }).allSatisfy { $0 == .stored })
            let vectors = try #require(RedisVectors(SharedTierConformance.identity))
            func name(_ number: Int) -> RedisCommands.Word { .text("rp:e:" + Put.entry(number).key.digest.hex) }
            let near = RedisCommands.Word.bytes(RedisEntry.bytes(of: Put.vector(1)))
            let word = RedisCommands.Word.text(RedisVectors.word(Put.scope()))
            var commands = RedisCommands(
                // Another type; fields that are no entry's; numbers that are none; a vector of another length; names that are no keys.
                ["SET", name(21), "x"], ["HSET", name(22), "id", "x", "m", "y"], ["HSET", name(2), "exp", "soon"],
                ["HSET", name(3), .text(vectors.field), "short"], ["HSET", name(4), "tenant", "not hexadecimal"],
                ["HSET", name(23), .text(vectors.scopeField), word, .text(vectors.field), near])
            for other in ["rp:e:", "rp:e:x", "rp:e:" + Put.entry(1).key.digest.hex.uppercased()] {
                commands.append([
                    "HSET", .text(other), .text(vectors.scopeField), word, .text(vectors.field), near, "tenant", "0000000000000001", "since", "0",
                    "at",
                    "1", "created", "1",
                ])
            }
            commands.append(["SET", "rp:i:0000000000000006", "rp:e:nonsense"])
            commands.append(["DEL", "rp:i:0000000000000007"])
            commands.append(["LPUSH", "rp:i:0000000000000007", "a list"])
            for answer in try await engine.run(commands) { _ = try answer.orThrow() }

            for number in [21, 22, 23, 2, 4] { #expect(try await tier.peek(number).entry == nil, "\(number)") }
            #expect(try await tier.peek(3).entry?.vector == nil)
            for id in [6, 7] { #expect(try await tier.entry(.id(EntryID(rawValue: Int64(id))), until: .now + .seconds(20)) == nil) }
            #expect(try await Set(tier.nearest(1, count: 100)) == [1, 5, 6, 7, 8])
            // An entry of which the engine cannot read the vector is in none of its searches.
            #expect(
                try await Set(tier.page(SharedSelection(), after: nil, limit: 100, withAnswers: true).entries.map(\.id.rawValue))
                    == [1, 5, 6, 7, 8])
            // Ours takes the place that its name gives it, whatever was there.
            #expect(try await tier.put([21, 22, 2, 3].map { Put.entry($0) }) == [.stored, .stored, .stored, .stored])
            for number in [21, 22, 2, 3] { #expect(try await tier.peek(number).entry?.vector == Put.vector(number)) }
            #expect(try await tier.entry(.id(EntryID(rawValue: 21)), until: .now + .seconds(20))?.key == Put.entry(21).key)
            // Sweeps take ours and leave theirs.
            var selection = SharedSelection()
            selection.tenant = 1
            var removed = 0
            while case let count = try await tier.sweep(selection, before: 1, limit: 3), count > 0 { removed += count }
            #expect(removed == 9)
            #expect(try await engine.run(RedisCommands(["EXISTS", "rp:e:", "rp:e:x"]))[0].number == 2)
            await tier.close()
        }
    }

    @Test("vectors of another length are refused here, where the engine would take them in silence")
    func wrongLength() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let tier = try Engines.tier(engine.url, prefix: "rp")
            _ = try await tier.open(SharedTierConformance.identity)
            let long = try #require(UnitVector(normalizing: [1, 2, 3, 4, 5, 6, 7, 8, 9]))
            let entry = Put.entry(1)
            let wrong = SharedEntry(
                key: entry.key, id: entry.id, scope: entry.scope, marks: entry.marks, createdAt: entry.createdAt, expiresAt: entry.expiresAt,
                since: 0,
                vector: long, metadata: [], answer: [])
            let expected = SharedTierError.wrongDimension(found: 8, expected: 9)
            #expect(await fault { () async throws(SharedTierError) in try await tier.put([Put.entry(2), wrong]) } == expected)
            #expect(try await tier.describe().entries == 0)
            let error = await fault { () async throws(SharedTierError) in
                try await tier.nearest(to: long, in: Put.scope(), count: 1, until: .now + .seconds(20))
            }
            #expect(error == expected)
            await tier.close()
        }
    }

    @Test("two embedders share exact repeats and find each their own vectors")
    func twoEmbedders() async throws {
        try await OwnEngine.run(["--volatile"]) { engine in
            let one = try Engines.tier(engine.url, prefix: "rp")
            let other = try Engines.tier(engine.url, prefix: "rp")
            let none = try Engines.tier(engine.url, prefix: "rp")
            _ = try await one.open(SharedTierConformance.identity)
            _ = try await other.open(SharedIdentity(dimension: 8, fingerprint: "model-b", tenancyCheck: "t1", encryptionCheck: "e1"))
            _ = try await none.open(SharedIdentity(dimension: nil, fingerprint: nil, tenancyCheck: "t1", encryptionCheck: "e1"))
            #expect(try await one.put([Put.entry(1)]) == [.stored])
            #expect(try await other.peek(1).entry?.answer == [1])
            #expect(try await none.peek(1).entry?.answer == [1])
            #expect(try await other.peek(1).entry?.vector == nil)
            #expect(try await !other.peek(1).hasVectors)
            #expect(try await other.nearest(1).isEmpty)
            #expect(try await none.nearest(1).isEmpty)
            #expect(try await other.put([Put.entry(2)]) == [.stored])
            #expect(try await one.nearest(1) == [1])
            #expect(try await other.nearest(1) == [2])
            #expect(try await none.put([Put.entry(3)]) == [.stored])
            #expect(try await none.describe().entries == 3)
            // Out of reach is out of reach for all.
            try await none.unreach([Put.entry(1).key, Put.entry(2).key])
            #expect(try await one.nearest(1).isEmpty)
            #expect(try await other.nearest(1).isEmpty)
            #expect(try await none.sweep(SharedSelection(), before: 1, limit: 10) == 3)
            for tier in [one, other, none] { await tier.close() }
        }
    }
}
