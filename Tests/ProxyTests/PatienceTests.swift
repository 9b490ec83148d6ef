import HTTPTypes
@testable import Learning
@testable import Matching
@testable import Proxy
import SemanticCache
import Synchronization
import Testing
import TestSupport

/// Requests that do not wait for a look-up which has found nothing for long.
struct PatienceTests {
    private static let kind = PopulationKey(high: 1, low: 1)

    @Test func aRunWithoutAHitEndsTheWaitingAndAHitBeginsItAgain() {
        let patience = Patience()
        patience.note(isHit: true, of: Self.kind)
        for _ in 0..<2 {
            for _ in 0..<3 {
                #expect(patience.waits(Self.kind, limit: 3))
                patience.note(isHit: false, of: Self.kind)
            }
            #expect(!patience.waits(Self.kind, limit: 3))
            #expect(patience.waits(PopulationKey(high: 1, low: 2), limit: 3))
            #expect(patience.waits(Self.kind, limit: 0))
            patience.note(isHit: true, of: Self.kind)
        }
    }

    @Test func aKindThatNeverFoundAnythingIsGivenUpSooner() {
        let patience = Patience()
        for _ in 0..<62 {
            #expect(patience.waits(Self.kind, limit: 1000))
            patience.note(isHit: false, of: Self.kind)
        }
        #expect(!patience.waits(Self.kind, limit: 1000))
        patience.note(isHit: true, of: Self.kind)
        for _ in 0..<999 { patience.note(isHit: false, of: Self.kind) }
        #expect(patience.waits(Self.kind, limit: 1000))
        patience.note(isHit: false, of: Self.kind)
        #expect(!patience.waits(Self.kind, limit: 1000))
    }

    @Test func manyKindsAreForgottenNotHeld() {
        let patience = Patience()
        for number in 0..<5000 { patience.note(isHit: false, of: PopulationKey(high: 2, low: UInt64(number))) }
        #expect(patience.waits(PopulationKey(high: 2, low: 0), limit: 1))
        #expect(!patience.waits(PopulationKey(high: 2, low: 4999), limit: 1))
    }

    /// Makes vectors only while it is open, or after ten seconds.
    private final class GatedEmbedder: Embedder {
        private let inner = HashingEmbedder()
        private let isOpen = Mutex(true)

        var dimension: Int { inner.dimension }
        var fingerprint: String { inner.fingerprint }
        var maximumBatchSize: Int { inner.maximumBatchSize }

        func open(_ open: Bool) { isOpen.withLock { $0 = open } }

        func embed(_ texts: [String]) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>] {
            for _ in 0..<2000 where !isOpen.withLock({ $0 }) && !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
            return try await inner.embed(texts)
        }
    }

    @Test func theAnswerComesWithoutTheVectorAndTheFirstThatCouldHaveHitEndsIt() async {
        let embedder = GatedEmbedder()
        var options = PipelineOptions.shipped
        options.patience = 32
        let bench = ProxyBench(options: options, embedder: embedder)
        // The first finds an empty scope, which is no search.
        for question in ["where do whales sleep", "paint the garden fence", "boil some fresh eggs"] { _ = await bench.ask(question) }
        embedder.open(false)
        #expect(await bench.ask("how do i reset my account password").reason == "not-awaited")
        embedder.open(true)
        await bench.pipeline.settleVectors()
        #expect(await bench.ask("please how do i reset my account password").reason == "not-awaited")
        await bench.pipeline.settleVectors()
        let third = await bench.ask("how do i reset my account password please")
        #expect(third.match == "semantic", "\(third.fields)")
    }

    @Test func whoeverAcceptsACachedAnswerOnlyIsWaitedFor() async {
        var options = PipelineOptions.shipped
        options.patience = 1
        let bench = ProxyBench(options: options)
        for question in ["how do i reset my account password", "paint the garden fence"] { _ = await bench.ask(question) }
        #expect(await bench.ask("boil some fresh eggs").reason == "not-awaited")
        let answer = await bench.ask("please how do i reset my account password", fields: [.cacheControl: "only-if-cached"])
        #expect(answer.match == "semantic")
    }

    @Test func aPutOffLookUpTeachesTheLearner() async throws {
        var options = PipelineOptions.shipped
        options.patience = 1
        let bench = LearnerBench(options: options)
        try await bench.learning {
            _ = await bench.ask(LearnerBench.first)
            _ = await bench.ask("paint the garden fence")
            #expect(await bench.ask(LearnerBench.reworded)[.xCacheReason] == "not-awaited")
            try await bench.until { bench.observations == [1] }
            // It could have been served, so the next request waits again; and its answer was found the same, so that it is an alias.
            #expect(await bench.ask("how can I reset my account password then")[.xCacheMatch] == "semantic")
        }
    }
}
