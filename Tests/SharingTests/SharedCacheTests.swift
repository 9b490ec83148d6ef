import Cache
import SemanticCache
@testable import Sharing
import Telemetry
import Testing
import TestSupport

/// Several caches at one engine.
struct SharedCacheTests {
    private static let question = "how do i reset my account password please"
    private static let reworded = "please how do i reset my account password"

    private let engine = MemorySharedTier.Engine(clock: ManualClock())

    private func nodes(_ count: Int) async -> [Node] {
        let nodes = (0..<count).map { Node(engine, node: $0 + 10) }
        for node in nodes { await node.shared.turn() }
        return nodes
    }

    @Test func whatOneMakesTheOthersServe() async throws {
        let (one, other) = (Node(engine), Node(engine))
        await one.shared.turn()
        let entry = one.keep(Self.question, tags: ["a"])
        await one.shared.turn()
        #expect(one.cache.sharing(entry.id) == .taken)
        // One that comes later, with nothing of its own.
        await other.shared.turn()
        #expect(await other.local(entry) == nil)
        let found = try #require(await other.fetch(entry))
        #expect("\(found)" == "\(entry)")
        let reworded = try #require(await other.reword(Self.reworded, of: entry))
        #expect(reworded.id == entry.id)
        // It is kept there under its own id, may be found by meaning, and is not given back.
        #expect(await other.local(entry)?.id == entry.id)
        #expect(other.cache.sharing(entry.id) == .fetched && other.cache.isSearchable(entry.id))
        await other.shared.turn()
        #expect(other.tier.count > 0 && engine.calls("put") == 1)
        let results = other.metrics.snapshot().results
        #expect(results[.exactHit] == 1 && results[.semanticHit] == 1)
    }

    @Test func aLookUpByKeyTellsOfItsScope() async throws {
        let nodes = await nodes(2)
        let entry = nodes[0].keep(Self.question)
        let exact = nodes[0].keep("another", scope: nil)
        await nodes[0].shared.turn()
        let other = Node.key("unknown", 1, 1, "", "m")
        let known = await nodes[1].shared.glimpse(of: other, in: entry.scope, isKept: true)
        #expect(known.entry == nil && known.hasVectors == true)
        let empty = await nodes[1].shared.glimpse(of: other, in: Node.scope(2, 1, "", "m"), isKept: true)
        #expect(empty.hasVectors == false)
        #expect(await nodes[1].shared.glimpse(of: other, in: nil, isKept: true).hasVectors == nil)
        #expect(await nodes[1].fetch(exact)?.id == exact.id)
    }

    @Test func whoeverOnlyWantsToKnowKeepsAndCountsNothing() async throws {
        let nodes = await nodes(2)
        let entry = nodes[0].keep(Self.question)
        await nodes[0].shared.turn()
        #expect(await nodes[1].shared.glimpse(of: entry.key, in: entry.scope, isKept: false).entry?.id == entry.id)
        #expect(await nodes[1].shared.entry(entry.metadata, isKept: false)?.id == entry.id)
        #expect(await nodes[1].shared.entry(entry.id)?.id == entry.id)
        #expect(nodes[1].cache.count == 0 && nodes[1].metrics.snapshot().results.values.allSatisfy { $0 == 0 })
    }

    @Test func aVectorThatComesLaterFollows() async throws {
        let nodes = await nodes(2)
        let entry = nodes[0].keep(Self.question, scope: 1)
        let bare = CacheRecord(entry: Entry(entry.metadata.with(id: nodes[0].ids.next()), answer: entry.answer), embedding: nil)
        nodes[0].cache.insert(bare)
        await nodes[0].shared.turn()
        #expect(await nodes[1].reword(Self.reworded, of: entry) == nil)
        await nodes[0].cache.attach(try nodes[0].embedder.outcome(of: Self.question).get(), to: bare.entry.id)
        #expect(nodes[0].cache.waitingCount == 1)
        await nodes[0].shared.turn()
        #expect(nodes[0].cache.waitingCount == 0)
        #expect(await nodes[1].reword(Self.reworded, of: entry)?.id == bare.entry.id)
    }

    // MARK: Flushes

    @Test func aFlushReachesAll() async throws {
        let nodes = await nodes(3)
        let meant = nodes[0].keep(Self.question, tags: ["a"])
        let kept = nodes[0].keep("what is the capital of france", tags: ["b"])
        await nodes[0].shared.turn()
        for node in nodes[1...] { for entry in [meant, kept] { _ = await node.fetch(entry) } }
        // One that the engine never had.
        let own = nodes[2].keep("how long is the nile", tags: ["a"])
        var selector = EntrySelector()
        selector.tag = "a"
        let outcome = await nodes[1].shared.flush(selector)
        #expect(outcome.isTold && outcome.removed == 1)
        for node in nodes { await node.shared.turn() }
        for node in nodes {
            #expect(await node.local(meant) == nil)
            #expect(await node.fetch(meant) == nil)
            #expect(await node.local(own) == nil)
        }
        #expect(engine.keys == [kept.key])
        for node in nodes[1...] { #expect(await node.local(kept)?.id == kept.id) }
    }

    /// The engine is not rid of it, and the others have not read of it yet: they ask, and are told that there is something to read.
    @Test func whatIsFlushedIsNotServedFromTheEngineThatStillHasIt() async throws {
        let nodes = await nodes(2)
        let entry = nodes[0].keep(Self.question)
        await nodes[0].shared.turn()
        nodes[1].tier.setScript { call, _ in call == "sweep" ? .before(.engine("not now")) : nil }
        var selector = EntrySelector()
        selector.namespace = ""
        #expect(await nodes[1].shared.flush(selector).isTold)
        #expect(engine.keys == [entry.key])
        #expect(await nodes[0].fetch(entry) == nil)
        #expect(await nodes[0].reword(Self.reworded, of: entry) == nil)
        #expect(await nodes[1].fetch(entry) == nil)
        // One that comes only now.
        let late = Node(engine)
        await late.shared.turn()
        #expect(await late.fetch(entry) == nil)
        #expect(await late.reword(Self.reworded, of: entry) == nil)
        // What is made afterwards is served.
        let fresh = nodes[0].keep(Self.question, answer: "fresh")
        await nodes[0].shared.turn()
        #expect(await late.fetch(fresh)?.id == fresh.id)
    }

    @Test(arguments: 0..<8)
    func everySelectorMeansTheSameEverywhere(kind: Int) async throws {
        let clock = ManualClock()
        let engine = MemorySharedTier.Engine(clock: clock)
        let nodes = (0..<3).map { Node(engine, clock: clock, node: $0 + 10) }
        for node in nodes { await node.shared.turn() }
        let old = nodes[0].keep("an old question about invoices", namespace: "n1")
        clock.advance(by: .seconds(100))
        let young = nodes[0].keep(Self.question, tenant: 2, namespace: "n2", model: "m2", tags: ["t"])
        await nodes[0].shared.turn()
        _ = await nodes[1].fetch(young)
        _ = await nodes[1].fetch(old)
        var selector = EntrySelector()
        var vector: UnitVector?
        switch kind {
        case 0: selector.tenant = young.tenant.description
        case 1: selector.tenant = String(young.tenant.digest.hex.prefix(30))
        case 2: selector.namespace = "n2"
        case 3: selector.model = "m2"
        case 4: selector.tag = "t"
        case 5: selector.matching = "pass[a-z]+"
        case 6: selector.id = young.id
        default:
            selector.similarTo = Self.reworded
            vector = try nodes[2].embedder.outcome(of: Self.reworded).get()
        }
        #expect(await nodes[2].shared.count(selector, like: vector, besides: []) == 1)
        #expect(await nodes[2].shared.flush(selector, like: vector).removed == 1)
        for node in nodes { await node.shared.turn() }
        for node in nodes {
            #expect(await node.local(young) == nil)
            #expect(await node.fetch(young) == nil)
        }
        #expect(await nodes[1].local(old)?.id == old.id)
        #expect(await nodes[2].fetch(old)?.id == old.id)
        #expect(engine.keys == [old.key])
    }

    @Test func agesAreCountedFromTheFlush() async throws {
        let clock = ManualClock()
        let engine = MemorySharedTier.Engine(clock: clock)
        // One whose clock is ahead of the others'.
        let ahead = ManualClock(clock.now() + .seconds(50))
        let nodes = [Node(engine, clock: clock), Node(engine, clock: clock), Node(engine, clock: ahead)]
        for node in nodes { await node.shared.turn() }
        let old = nodes[0].keep("old")
        clock.advance(by: .seconds(100))
        let young = nodes[0].keep("young")
        await nodes[0].shared.turn()
        var selector = EntrySelector()
        selector.olderThan = .seconds(60)
        #expect(await nodes[1].shared.flush(selector).removed == 1)
        clock.advance(by: .seconds(1000))
        for node in nodes { await node.shared.turn() }
        #expect(await nodes[2].fetch(old) == nil)
        #expect(await nodes[2].fetch(young)?.id == young.id)
        #expect(await nodes[0].local(young)?.id == young.id)
    }

    @Test func anAnswerOnItsWayIsFlushedToo() async throws {
        let nodes = await nodes(2)
        let mark = nodes[0].cache.flushMark
        var selector = EntrySelector()
        selector.tag = "a"
        _ = await nodes[1].shared.flush(selector)
        await nodes[0].shared.turn()
        let late = nodes[0].keep(Self.question, tags: ["a"], since: mark)
        #expect(await nodes[0].local(late) == nil)
        await nodes[0].shared.turn()
        #expect(engine.keys.isEmpty)
    }

    @Test func flushingAllLeavesNothing() async throws {
        let nodes = await nodes(2)
        for number in 0..<30 { nodes[number % 2].keep("question \(number)") }
        for node in nodes { await node.shared.turn() }
        var selector = EntrySelector()
        selector.all = true
        #expect(await nodes[0].shared.flush(selector).removed == 30)
        await nodes[1].shared.turn()
        #expect(nodes.map(\.cache.count) == [0, 0] && engine.keys.isEmpty)
        let fresh = nodes[1].keep("question 1")
        await nodes[1].shared.turn()
        #expect(await nodes[0].fetch(fresh)?.id == fresh.id)
    }

    // MARK: Feedback

    @Test func whatIsTakenFromReachIsOutOfItEverywhere() async throws {
        let nodes = await nodes(3)
        let entry = nodes[0].keep(Self.question)
        await nodes[0].shared.turn()
        _ = await nodes[1].fetch(entry)
        // By one that does not have it.
        #expect(await nodes[2].cache.metadata(anywhere: entry.id)?.key == entry.key)
        await nodes[2].cache.removeFromReach(entry.id)
        for node in nodes { await node.shared.turn() }
        for node in nodes {
            #expect(!node.cache.isSearchable(entry.id))
            #expect(await node.reword(Self.reworded, of: entry) == nil)
            #expect(await node.fetch(entry)?.scope == nil)
            #expect(await node.local(entry)?.id == entry.id)
        }
    }

    /// The vector is still in the engine, and comes back into it with a call that was under way.
    @Test func whatIsTakenFromReachStaysOutOfItWhateverTheEngineHas() async throws {
        let nodes = await nodes(2)
        let entry = nodes[0].keep(Self.question)
        await nodes[0].shared.turn()
        nodes[1].tier.setScript { call, _ in call == "unreach" ? .before(.engine("not now")) : nil }
        await nodes[1].cache.removeFromReach(entry.id)
        #expect(await nodes[0].reword(Self.reworded, of: entry) == nil)
        #expect(await nodes[1].reword(Self.reworded, of: entry) == nil)
        let found = try #require(await nodes[1].fetch(entry))
        #expect(found.scope == nil && nodes[1].cache.metadata(entry.id)?.scope == nil)
    }

    // MARK: Time, ids, keys

    @Test func timesAreComparedByOnesOwnClock() async throws {
        let clock = ManualClock()
        let behind = MemorySharedTier.Engine(clock: ManualClock())
        let nodes = [Node(behind, clock: clock), Node(behind, clock: clock)]
        for node in nodes { await node.shared.turn() }
        let entry = nodes[0].keep(Self.question, life: .seconds(10))
        await nodes[0].shared.turn()
        clock.advance(by: .seconds(11))
        // The engine's clock stands: it still has the entry.
        #expect(behind.keys == [entry.key])
        #expect(await nodes[1].fetch(entry) == nil)
        #expect(await nodes[1].reword(Self.reworded, of: entry) == nil)
    }

    @Test func anIdThatIsTakenIsMintedAnew() async throws {
        let clock = ManualClock()
        let nodes = [Node(engine, clock: clock, node: 7), Node(engine, clock: clock, node: 7)]
        let first = nodes[0].keep("first")
        let second = nodes[1].keep("second")
        #expect(first.id == second.id)
        for node in nodes { await node.shared.turn() }
        for node in nodes { await node.shared.turn() }
        #expect(engine.keys == [first.key, second.key])
        let found = try #require(await nodes[0].fetch(second))
        #expect(found.id != first.id)
        #expect(await nodes[1].local(second)?.id == found.id)
        // They have numbers of their own by now.
        #expect(nodes[0].keep("third").id != nodes[1].keep("fourth").id)
    }

    @Test func thoseWithOtherKeysNeverMeet() async throws {
        let one = Node(engine)
        await one.shared.turn()
        let entry = one.keep(Self.question)
        await one.shared.turn()
        for stranger in [
            Node(engine, tenancyKey: Array("another tenancy key".utf8)), Node(engine, encryptionKey: "another encryption key"),
            Node(engine, encryptionKey: nil),
        ] {
            await stranger.shared.turn()
            #expect(!stranger.shared.isAsked)
            #expect(await stranger.fetch(entry) == nil)
            guard case .refused = stranger.metrics.snapshot().state else {
                Issue.record("\(stranger.metrics.snapshot().state)")
                continue
            }
            stranger.keep("mine")
            await stranger.shared.turn()
        }
        #expect(engine.keys == [entry.key])
    }

    @Test func aJournalThatIsGoneTakesEverythingAlong() async throws {
        let engine = MemorySharedTier.Engine(clock: ManualClock(), journalLimit: 5)
        let nodes = [Node(engine), Node(engine)]
        for node in nodes { await node.shared.turn() }
        // Something was applied, so that something can be missed.
        var selector = EntrySelector()
        selector.tag = "none"
        _ = await nodes[0].shared.flush(selector)
        await nodes[1].shared.turn()
        let own = nodes[1].keep("own")
        await nodes[1].shared.turn()
        for _ in 0..<10 { _ = await nodes[0].shared.flush(selector) }
        await nodes[1].shared.turn()
        #expect(await nodes[1].local(own) == nil)
        #expect(await nodes[1].fetch(own) == nil)
        let fresh = nodes[1].keep("own", answer: "fresh")
        await nodes[1].shared.turn()
        #expect(await nodes[0].fetch(fresh)?.id == fresh.id)
    }
}
