@testable import Cache
import HTTPTypes
@testable import Learning
import Logging
@testable import Matching
@testable import Proxy
import SemanticCache
import Synchronization
import Telemetry
import Testing
import TestSupport
import VectorSearch

/// What is asked afresh for the cache's own sake, with an upstream that fails.
struct ExplorationTests {
    /// Chance as the test turns it: 0 takes every chance, `.max` none.
    private final class Dial: RandomNumberGenerator, Sendable {
        private let value = Mutex(UInt64.max)

        func turn(to new: UInt64) { value.withLock { $0 = new } }
        func next() -> UInt64 { value.withLock { $0 } }
    }

    private final class Switch: Sendable {
        private let isOn = Mutex(true)

        func turn(on: Bool) { isOn.withLock { $0 = on } }
        var value: Bool { isOn.withLock { $0 } }
    }

    private struct Bench {
        let dial = Dial()
        let upstreamWorks = Switch()
        let learner: MatchLearner
        let pipeline: RequestPipeline

        init() {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let clock = ManualClock()
            let embedder = HashingEmbedder()
            let works = upstreamWorks
            let upstream = ScriptedUpstream { _, _ in
                works.value
                    ? .response(
                        status: .ok, fields: [.contentType: "application/json"], chunks: [Array(ProxyBench.completion("Open the settings.").utf8)])
                    : .failure(.unreachable("as scripted"))
            }
            let metrics = ProxyMetrics()
            let store = FaultyStore()
            let cache = AnswerCache(
                index: FlatIndex(dimension: embedder.dimension), fingerprint: embedder.fingerprint,
                writer: WriteBehind(store: store, interval: .seconds(3600), limit: 1000, logger: logger), metrics: metrics, clock: clock,
                capacity: 1000, staleWindow: PipelineOptions.shipped.staleWindow)
            var options = PipelineOptions.shipped
            // A busy machine is no reason for a miss here.
            options.lookupDeadline = .seconds(600)
            learner = MatchLearner(
                options: .shipped, prior: LearnerBench.prior, cache: cache,
                judge: AnswerJudge(options: .shipped, embedder: embedder, upstream: upstream, clock: clock), verifier: nil, store: store,
                fingerprint: embedder.fingerprint, clock: clock, generator: dial, logger: logger)
            pipeline = RequestPipeline(
                options: LiveOptions(options), cache: cache, embedder: embedder, indexing: nil, learner: learner, upstream: upstream,
                tenants: TenantResolver(key: Array("0123456789abcdef".utf8)), metrics: metrics, ids: EntryIDSource(clock: clock), clock: clock,
                logger: logger)
        }

        /// The first hits are never explored.
        func begin(_ question: String, _ reworded: String) async {
            _ = await ask(question)
            for _ in 0..<12 { _ = await ask(reworded) }
        }

        func ask(_ question: String, id: String = "r") async -> ProxyResponse {
            let body = #"{"model":"gpt-test","messages":[{"role":"user","content":"\#(question)"}]}"#
            let response = await pipeline.handle(
                ProxyRequest(id: id, method: .post, path: "/v1/chat/completions", fields: [:], body: .bytes(Array(body.utf8))))
            if case .stream(let stream) = response.body { _ = try? await stream.collect(upTo: 1 << 20) }
            await pipeline.settleVectors()
            return response
        }
    }

    private let first = LearnerBench.first
    private let reworded = LearnerBench.reworded

    @Test func aRewordingThatIsExploredIsServedWhenTheUpstreamFails() async {
        let working = Bench()
        await working.begin(first, reworded)
        working.dial.turn(to: 0)
        #expect(await working.ask(reworded).fields[.xCacheReason] == "explored")

        let bench = Bench()
        await bench.begin(first, reworded)
        bench.dial.turn(to: 0)
        bench.upstreamWorks.turn(on: false)
        let spared = await bench.ask(reworded)
        #expect(spared.status == .ok && spared.fields[.xCache] == "HIT" && spared.fields[.xCacheMatch] == "semantic")
        let other = await bench.ask("why is the sky blue at noon")
        #expect(other.status == .badGateway, "what could not have been served is not")
    }

    @Test func anExactHitThatIsSampledIsServedWhenTheUpstreamFails() async throws {
        let bench = Bench()
        _ = await bench.ask(first)
        for number in 0..<50 {
            let hit = await bench.ask(reworded, id: "hit-\(number)")
            let id = try #require(hit.fields[.xCacheEntry].flatMap { EntryID($0) })
            try await bench.learner.feedback(entry: id, requestID: "hit-\(number)", isRight: true, tenant: nil)
        }
        bench.dial.turn(to: 0)
        #expect(await bench.ask(first).fields[.xCacheReason] == "explored")
        bench.upstreamWorks.turn(on: false)
        let spared = await bench.ask(first)
        #expect(spared.status == .ok && spared.fields[.xCache] == "HIT" && spared.fields[.xCacheMatch] == "exact")
    }
}

/// Vectors that are slow to come, and who waits for them.
struct LateVectorTests {
    private static let scope = Scope(Digest256(bytes: [UInt8](repeating: 1, count: 32))!)

    private func cache() -> AnswerCache {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return AnswerCache(
            index: FlatIndex(dimension: 2), fingerprint: "f",
            writer: WriteBehind(store: FaultyStore(), interval: .seconds(3600), limit: 10, logger: logger),
            metrics: ProxyMetrics(), clock: ManualClock(), capacity: 10, staleWindow: PipelineOptions.shipped.staleWindow)
    }

    /// A vector that comes when it is let go.
    private func gate() -> (vector: LateVector, open: @Sendable () -> Void) {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let vector = LateVector { _ in
            for await _ in stream { break }
            return LateVector.Made(vector: nil)
        }
        return (vector, { continuation.finish() })
    }

    private static let facts = StatedFacts("q")

    @Test func theDeadlineEndsTheWait() async throws {
        let late = LateVectors(cache: cache(), indexing: nil)
        let (vector, open) = gate()
        late.follow(vector, to: EntryID(rawValue: 1), in: Self.scope, query: "q", facts: Self.facts) { _ in }
        #expect(!late.isSettled(Self.scope, for: Self.facts))
        let waited = try await withDeadline(.milliseconds(20)) { await late.settle(Self.scope, for: Self.facts) }
        #expect(waited == nil)
        open()
        await late.settle(Self.scope, for: Self.facts)
        await late.settle()
        #expect(late.isSettled(Self.scope, for: Self.facts))
    }

    @Test func everyoneWhoWaitsIsToldAndLaterOnesAreNotWaitedFor() async {
        let late = LateVectors(cache: cache(), indexing: nil)
        let (one, openOne) = gate()
        let (two, openTwo) = gate()
        late.follow(one, to: EntryID(rawValue: 1), in: Self.scope, query: "q", facts: Self.facts) { _ in }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { await late.settle(Self.scope, for: Self.facts) } }
            group.addTask {
                late.follow(two, to: EntryID(rawValue: 2), in: Self.scope, query: "q", facts: Self.facts) { _ in }
                openOne()
            }
            // Those that began before the second was announced end with the first; the others are let go with it.
            try? await Task.sleep(for: .milliseconds(20))
            openTwo()
        }
        await late.settle()
        #expect(late.isSettled(Self.scope, for: Self.facts))
    }

    @Test func noPromptWaitsForAVectorThatTheNumbersGuardWouldRefuse() async {
        let late = LateVectors(cache: cache(), indexing: nil)
        let (vector, open) = gate()
        late.follow(vector, to: EntryID(rawValue: 1), in: Self.scope, query: "where is order 17?", facts: StatedFacts("where is order 17?")) { _ in }
        let other = StatedFacts("where is order 18?")
        #expect(late.isSettled(Self.scope, for: other))
        await late.settle(Self.scope, for: other)
        #expect(!late.isSettled(Self.scope, for: StatedFacts("order 17: where is it?")))
        #expect(!late.isSettled(Self.scope, for: StatedFacts("where is my order?")))
        open()
        await late.settle()
    }
}
