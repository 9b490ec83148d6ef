import Cache
import HTTPTypes
import Learning
import Proxy
import SemanticCache
import Sharing
import Testing
import TestSupport

/// Whole proxies at one engine.
struct SharedPipelineTests {
    private static let known = "how do i reset my account password please"
    private static let reworded = "please how do i reset my account password"

    private let engine = MemorySharedTier.Engine(clock: ManualClock())

    /// Two proxies, of which the first has answered the question.
    private func proxies() async -> (ProxyBench, ProxyBench) {
        let (one, other) = (ProxyBench(engine: engine), ProxyBench(engine: engine))
        for proxy in [one, other] { await proxy.shared?.turn() }
        #expect(await one.ask(Self.known).cache == "MISS")
        await one.pipeline.settleVectors()
        await one.shared?.turn()
        return (one, other)
    }

    @Test func aRepeatIsAnsweredByTheOther() async {
        let (one, other) = await proxies()
        let answer = await other.ask(Self.known)
        #expect(answer.cache == "HIT" && answer.match == "exact" && other.upstream.calls.isEmpty)
        #expect(answer.body == (await one.ask(Self.known)).body)
        // Afterwards it is its own.
        let peeks = engine.calls("peek")
        #expect(await other.ask(Self.known).cache == "HIT")
        #expect(engine.calls("peek") == peeks)
    }

    @Test func anotherWordingIsAnsweredByTheOther() async {
        let (_, other) = await proxies()
        let answer = await other.ask(Self.reworded)
        #expect(answer.cache == "HIT" && answer.match == "semantic" && other.upstream.calls.isEmpty)
    }

    @Test func anotherTenantsQuestionIsAMiss() async {
        let (_, other) = await proxies()
        for (question, caller) in [(Self.known, "somebody"), (Self.reworded, "somebody-else")] {
            #expect(await other.ask(question, fields: [.authorization: "Bearer \(caller)"]).cache == "MISS")
        }
    }

    @Test func anExplanationAsksAndKeepsNothing() async throws {
        let (_, other) = await proxies()
        let peeks = engine.calls("peek")
        for question in [Self.known, Self.reworded] {
            let body = #"{"model":"gpt-test","messages":[{"role":"user","content":"\#(question)"}]}"#
            _ = try await other.pipeline.explain(
                .init(id: "r", method: .post, path: "/v1/chat/completions", fields: [:], body: .bytes(Array(body.utf8))))
        }
        #expect(other.cache.count == 0 && engine.calls("peek") == peeks + 2 && engine.calls("nearest") == 1)
    }

    @Test func aLocalHitAsksNobodyAndAnEngineThatIsAwayCostsNothing() async {
        let (one, _) = await proxies()
        let calls = engine.calls("peek")
        #expect(await one.ask(Self.known).cache == "HIT")
        #expect(engine.calls("peek") == calls)
        engine.setFault(.unreachable("gone"))
        for _ in 0..<3 { await one.shared?.turn() }
        #expect(await one.ask("what is the capital of france").cache == "MISS")
        #expect(await one.ask("what is the capital of france").cache == "HIT")
        #expect(engine.calls("peek") == calls)
    }

    @Test func aFlushOnOneIsAFlushOnAll() async throws {
        let (one, other) = await proxies()
        #expect(await other.ask(Self.known).cache == "HIT")
        var selector = EntrySelector()
        selector.similarTo = Self.reworded
        #expect(try await one.administration.flush(selector, isDryRun: true).matched == 1)
        #expect(try await one.administration.flush(selector, isDryRun: false).removed == 1)
        await other.shared?.turn()
        #expect(await other.ask(Self.known).cache == "MISS")
        #expect(engine.keys.isEmpty)
    }

    @Test func aVerdictOnOneHoldsOnAll() async throws {
        let (one, other) = await proxies()
        let id = try #require((await other.ask(Self.reworded)).fields[.xCacheEntry].flatMap { EntryID($0) })
        // By one that did not answer, and by its id alone.
        let third = ProxyBench(engine: engine)
        await third.shared?.turn()
        try await #require(third.pipeline.learner).feedback(entry: id, requestID: nil, isRight: false, tenant: nil)
        for proxy in [one, other] { await proxy.shared?.turn() }
        for proxy in [one, other, third] { #expect(await proxy.ask(Self.reworded).match != "semantic") }
        #expect(await other.ask(Self.known).match == "exact")
    }
}
