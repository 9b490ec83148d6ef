import Cache
import SemanticCache
@testable import Sharing
import Telemetry
import Testing
import TestSupport

/// The engine away, back, empty, full, hanging; a proxy that ends without a word.
struct OutageTests {
    private let engine = MemorySharedTier.Engine(clock: ManualClock())

    private func tag(_ tag: String) -> EntrySelector {
        var selector = EntrySelector()
        selector.tag = tag
        return selector
    }

    /// Turns until the breaker has opened.
    private func lose(_ node: Node) async {
        engine.setFault(.unreachable("gone"))
        for _ in 0..<3 { await node.shared.turn() }
        #expect(!node.shared.isAsked)
    }

    private func recover(_ node: Node) async {
        engine.setFault(nil)
        node.instant.advance(by: .seconds(60))
        await node.shared.turn()
        #expect(node.shared.isAsked)
    }

    @Test func anEngineThatIsAwayIsNotAsked() async throws {
        let node = Node(engine)
        await node.shared.turn()
        let entry = node.keep("q")
        await lose(node)
        let calls = node.tier.count
        node.tier.setScript { _, _ in nil }
        for _ in 0..<100 { #expect(await node.fetch(entry) == nil) }
        // Its time has not come.
        await node.shared.turn()
        #expect(node.tier.count == 0 && calls >= 0)
        #expect(node.metrics.snapshot().results[.down] == 100)
        guard case .down = node.metrics.snapshot().state else {
            Issue.record("\(node.metrics.snapshot().state)")
            return
        }
    }

    @Test func threeFailuresOfLookUpsOpenTheBreaker() async throws {
        let node = Node(engine)
        await node.shared.turn()
        let entry = node.keep("q")
        engine.setFault(.unreachable("gone"))
        for _ in 0..<10 { #expect(await node.fetch(entry) == nil) }
        #expect(engine.calls("peek") == 3)
        #expect(node.metrics.snapshot().results.filter { $0.value > 0 } == [.error: 3, .down: 7])
    }

    @Test func whatIsMadeMeanwhileIsBroughtOver() async throws {
        let (node, other) = (Node(engine), Node(engine))
        for node in [node, other] { await node.shared.turn() }
        await lose(node)
        let entries = (0..<250).map { node.keep("question \($0)") }
        await node.shared.turn()
        #expect(node.metrics.snapshot().waiting == 250)
        await recover(node)
        #expect(engine.keys == Set(entries.map(\.key)) && node.cache.waitingCount == 0)
        await recover(other)
        #expect(await other.fetch(entries[249])?.id == entries[249].id)
    }

    @Test func whatIsFlushedMeanwhileIsToldFirst() async throws {
        let (node, other) = (Node(engine), Node(engine))
        for node in [node, other] { await node.shared.turn() }
        let entry = node.keep("q", tags: ["a"])
        let reworded = node.keep("how do i reset my account password please")
        await node.shared.turn()
        _ = await other.fetch(entry)
        await lose(node)
        let outcome = await node.shared.flush(tag("a"))
        #expect(!outcome.isTold && outcome.removed == 1)
        await node.cache.removeFromReach(reworded.id)
        #expect(await node.local(entry) == nil)
        #expect(node.store.stateNames.contains("shared-events"))
        // Made after the flush: it stays.
        let fresh = node.keep("q", tags: ["a"], answer: "fresh")
        await recover(node)
        #expect(await node.local(fresh)?.id == fresh.id)
        await recover(other)
        for node in [node, other] { await node.shared.turn() }
        #expect(await other.local(entry) == nil)
        #expect(await other.fetch(fresh)?.id == fresh.id)
        #expect(await other.reword("please how do i reset my account password", of: reworded) == nil)
    }

    /// The proxy ends before the engine is back: what it flushed and what it made is in its store.
    @Test func whatWasSaidAndMadeOutlivesTheProxy() async throws {
        let (store, clock) = (FaultyStore(), ManualClock())
        let other = Node(engine)
        await other.shared.turn()
        let entry = other.keep("q", tags: ["a"])
        await other.shared.turn()
        do {
            let node = Node(engine, store: store, clock: clock, node: 3)
            await node.shared.turn()
            _ = await node.fetch(entry)
            await lose(node)
            node.keep("made meanwhile")
            #expect(await !node.shared.flush(tag("a")).isTold)
            await node.cache.persist()
        }
        engine.setFault(nil)
        clock.advance(by: .seconds(1))
        let again = Node(engine, store: store, clock: clock, node: 4)
        try await again.restore()
        #expect(again.cache.count == 1)
        for _ in 0..<3 { await again.shared.turn() }
        other.instant.advance(by: .seconds(60))
        await other.shared.turn()
        #expect(await other.local(entry) == nil)
        #expect(await again.fetch(entry) == nil)
        #expect(again.cache.waitingCount == 0 && engine.keys.count == 1)
    }

    @Test func aRestartKnowsWhatTheEngineHas() async throws {
        let (store, clock) = (FaultyStore(), ManualClock())
        let other = Node(engine)
        await other.shared.turn()
        let theirs = other.keep("theirs")
        await other.shared.turn()
        do {
            let node = Node(engine, store: store, clock: clock)
            await node.shared.turn()
            node.keep("taken")
            await node.shared.turn()
            _ = await node.fetch(theirs)
            node.keep("waiting")
            await node.cache.persist()
            await node.shared.turn()
        }
        // Its last turn was not written.
        let waiting = try #require(await store.record(for: Node.key("waiting", 1, 1, "", "m")))
        try await store.insert([waiting.with(.waiting)])
        let again = Node(engine, store: store, clock: clock)
        try await again.restore()
        #expect(again.cache.sharing(theirs.id) == .fetched && again.cache.waitingCount == 1)
        let puts = engine.calls("put")
        for _ in 0..<3 { await again.shared.turn() }
        #expect(engine.calls("put") == puts + 1 && again.cache.waitingCount == 0)
        #expect(await again.local(theirs)?.id == theirs.id)
    }

    @Test func aFlushThatWasMissedWhileAwayIsCarriedOutAtTheStart() async throws {
        let (store, clock) = (FaultyStore(), ManualClock())
        let other = Node(engine)
        await other.shared.turn()
        let kept: Entry
        do {
            let node = Node(engine, store: store, clock: clock)
            await node.shared.turn()
            kept = node.keep("kept", tags: ["b"])
            node.keep("meant", tags: ["a"])
            await node.shared.turn()
            _ = await node.shared.flush(tag("none"))
            await node.shared.turn()
            await node.cache.persist()
        }
        _ = await other.shared.flush(tag("a"))
        let again = Node(engine, store: store, clock: clock)
        try await again.restore()
        #expect(again.cache.count == 2)
        await again.shared.begin(for: .seconds(600))
        #expect(again.cache.all.map(\.id) == [kept.id])
    }

    /// Rows that are read from the store after the flush was carried out.
    @Test func whatIsReadOfTheStoreLaterIsFlushedToo() async throws {
        let (store, clock) = (FaultyStore(), ManualClock())
        let meant: Entry
        do {
            let node = Node(engine, store: store, clock: clock)
            await node.shared.turn()
            meant = node.keep("meant", tags: ["a"])
            node.keep("kept", tags: ["b"])
            await node.shared.turn()
            await node.cache.persist()
        }
        let again = Node(engine, store: store, clock: clock)
        await again.shared.turn()
        again.cache.setRestoring(true)
        _ = await Node(engine).shared.begin(for: .seconds(600))
        let other = Node(engine)
        await other.shared.turn()
        _ = await other.shared.flush(tag("a"))
        await again.shared.turn()
        #expect(await again.local(meant) == nil)
        for outline in try await store.outlines(after: nil, limit: 10) { again.cache.restore(outline, .none) }
        again.cache.setRestoring(false)
        await again.cache.persist()
        #expect(again.cache.count == 1)
        #expect(try await store.count() == 1)
    }

    @Test func anEngineThatCameBackEmptyGetsEverythingAgain() async throws {
        let (node, other) = (Node(engine), Node(engine))
        for node in [node, other] { await node.shared.turn() }
        let mine = (0..<150).map { node.keep("mine \($0)") }
        let theirs = other.keep("theirs", tags: ["a"])
        for node in [node, other] { await node.shared.turn() }
        _ = await node.fetch(theirs)
        engine.loseEverything()
        for _ in 0..<5 { for node in [node, other] { await node.shared.turn() } }
        for node in [node, other] { node.instant.advance(by: .seconds(60)) }
        for _ in 0..<5 { for node in [node, other] { await node.shared.turn() } }
        #expect(engine.keys == Set(mine.map(\.key) + [theirs.key]))
        // What was the other's is the other's to bring.
        #expect(node.cache.sharing(theirs.id) == nil)
        #expect(await node.fetch(theirs)?.id == theirs.id)
        _ = await other.shared.flush(tag("a"))
        #expect(await node.fetch(theirs) == nil)
    }

    /// A flush that one of the others had not read of when the engine lost it.
    @Test func aFlushThatTheEngineLostIsSaidAgain() async throws {
        let (node, other) = (Node(engine), Node(engine))
        for node in [node, other] { await node.shared.turn() }
        let entry = other.keep("q", tags: ["a"])
        await other.shared.turn()
        #expect(await node.shared.flush(tag("a")).isTold)
        engine.loseEverything()
        for _ in 0..<3 {
            for node in [node, other] {
                await node.shared.turn()
                node.instant.advance(by: .seconds(60))
            }
        }
        #expect(await other.local(entry) == nil)
        #expect(await other.fetch(entry) == nil)
        #expect(await node.fetch(entry) == nil)
    }

    @Test func aFullEngineIsReadAndTheAdditionsWait() async throws {
        let (node, other) = (Node(engine), Node(engine))
        for node in [node, other] { await node.shared.turn() }
        let theirs = other.keep("theirs", tags: ["a"])
        await other.shared.turn()
        node.tier.setScript { call, _ in ["put", "append"].contains(call) ? .before(.full("no room")) : nil }
        let mine = node.keep("mine")
        for _ in 0..<5 { await node.shared.turn() }
        #expect(node.shared.isAsked && node.cache.waitingCount == 1)
        #expect(await node.fetch(theirs)?.id == theirs.id)
        // A flush cannot be said: it is kept, and the engine not asked until it can.
        #expect(await !node.shared.flush(tag("a")).isTold)
        #expect(await node.fetch(theirs) == nil)
        node.tier.setScript(nil)
        node.instant.advance(by: .seconds(60))
        await node.shared.turn()
        #expect(engine.keys == [mine.key])
        #expect(await other.fetch(theirs) == nil)
    }

    @Test func whatTheOutboxCannotHoldIsBroughtOverFromTheStore() async throws {
        let node = Node(engine) { $0.waitingBytes = 20_000 }
        await node.shared.turn()
        await lose(node)
        let entries = (0..<500).map { node.keep("question \($0)") }
        await node.cache.persist()
        engine.setFault(nil)
        node.instant.advance(by: .seconds(60))
        for _ in 0..<40 { await node.shared.turn() }
        #expect(engine.keys == Set(entries.map(\.key)) && node.cache.waitingCount == 0)
        // With their vectors, which the store has.
        let other = Node(engine)
        await other.shared.turn()
        #expect(await other.reword("question 3", of: entries[3])?.id == entries[3].id)
    }

    @Test func anEngineThatHangsHoldsNobodyUp() async throws {
        let node = Node(engine) { options in
            options.lookupTimeout = .milliseconds(20)
            options.callTimeout = .milliseconds(50)
        }
        while !node.shared.isAsked {
            node.instant.advance(by: .seconds(60))
            await node.shared.turn()
        }
        let entry = node.keep("q", tags: ["a"])
        node.tier.setScript { _, _ in .hang }
        #expect(await node.fetch(entry) == nil)
        #expect(await node.reword("q", of: entry) == nil)
        await node.shared.turn()
        #expect(await !node.shared.flush(tag("a")).isTold)
        #expect(await node.local(entry) == nil)
        #expect(!node.shared.isAsked)
    }

    /// The first answer was lost: nobody knows whether the event is in the journal.
    @Test func anEventThatComesTwiceIsOne() async throws {
        let (node, other) = (Node(engine), Node(engine))
        for node in [node, other] { await node.shared.turn() }
        let entry = node.keep("q", tags: ["a"])
        await node.shared.turn()
        _ = await other.fetch(entry)
        node.tier.setScript { call, number in call == "append" && number == 1 ? .after(.timedOut) : nil }
        #expect(await node.shared.flush(tag("a")).isTold)
        #expect(engine.events == 2)
        // Applied once: what is made after that stays.
        await other.shared.turn()
        #expect(await other.local(entry) == nil)
        let fresh = other.keep("q", tags: ["a"], answer: "fresh")
        await other.shared.turn()
        await node.shared.turn()
        #expect(await other.local(fresh)?.id == fresh.id)
        #expect(await node.fetch(fresh)?.id == fresh.id)
    }
}
