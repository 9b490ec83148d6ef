@testable import Cache
import HTTPTypes
@testable import Learning
import Logging
@testable import Matching
@testable import Proxy
import SemanticCache
import Telemetry
import Testing
import TestSupport
import VectorSearch
import WireFormats

/// The pipeline with a learner, its judge fed by scripted answers.
@Suite struct LearningTests {
    private struct Bench {
        let cache: AnswerCache
        let learner: MatchLearner
        let pipeline: RequestPipeline

        init(
            prior: Prior?, mode: MatchingMode = .calibrated, verifier: (any Verifier)? = nil, store: FaultyStore = FaultyStore(),
            overrides: [MatchingOverride] = []
        ) {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let clock = ManualClock()
            let embedder = HashingEmbedder()
            let upstream = ScriptedUpstream { _, body in
                // The answer is the same for all that speaks of passwords.
                let text = String(decoding: body, as: UTF8.self).contains("password") ? "Open the settings." : "Something else \(body.count)."
                return .response(
                    status: .ok, fields: [.contentType: "application/json"], chunks: [Array(ProxyBench.completion(text).utf8)])
            }
            let metrics = ProxyMetrics()
            let writer = WriteBehind(store: FaultyStore(), interval: .seconds(3600), limit: 1000, logger: logger)
            cache = AnswerCache(
                index: FlatIndex(dimension: embedder.dimension), fingerprint: embedder.fingerprint, writer: writer, metrics: metrics, clock: clock,
                capacity: 1000, staleWindow: PipelineOptions.shipped.staleWindow)
            var options = PipelineOptions.shipped
            options.mode = mode
            options.overrides = overrides
            // A busy machine is no reason for a miss here, nor for a verdict that is not heard.
            options.lookupDeadline = .seconds(600)
            var learning = MatchLearner.Options.shipped
            learning.verifierDeadline = .seconds(600)
            learner = MatchLearner(
                options: learning, prior: prior, cache: cache,
                judge: AnswerJudge(options: .shipped, embedder: embedder, upstream: upstream, clock: clock), verifier: verifier,
                store: store, fingerprint: embedder.fingerprint, clock: clock, generator: SystemRandomNumberGenerator(), logger: logger)
            pipeline = RequestPipeline(
                options: LiveOptions(options), cache: cache, embedder: embedder, indexing: nil, learner: learner, upstream: upstream,
                tenants: TenantResolver(key: Array("0123456789abcdef".utf8)), metrics: metrics, ids: EntryIDSource(clock: clock),
                clock: clock, logger: logger)
        }

        func ask(_ question: String, id: String = "r", fields: HTTPFields = [:]) async -> HTTPFields {
            let body = #"{"model":"gpt-test","messages":[{"role":"user","content":"\#(question)"}]}"#
            let response = await pipeline.handle(
                ProxyRequest(id: id, method: .post, path: "/v1/chat/completions", fields: fields, body: .bytes(Array(body.utf8))))
            if case .stream(let stream) = response.body { _ = try? await stream.collect(upTo: 1 << 20) }
            await pipeline.settleVectors()
            return response.fields
        }
    }

    private let first = LearnerBench.first
    private let reworded = LearnerBench.reworded

    @Test func aPriorServesTheFirstRewording() async {
        let bench = Bench(prior: LearnerBench.prior)
        #expect(await bench.ask(first)[.xCache] == "MISS")
        let hit = await bench.ask(reworded)
        #expect(hit[.xCacheMatch] == "semantic")
    }

    @Test func withoutAPriorTheRewordingIsForwardedAndLearnedFrom() async throws {
        let bench = Bench(prior: nil)
        let work = Task { try await bench.learner.run() }
        defer { work.cancel() }
        _ = await bench.ask(first)
        #expect(await bench.ask(reworded)[.xCacheReason] == "below-cut")
        for _ in 0..<6000 where bench.learner.report.counts.labels == 0 { try await Task.sleep(for: .milliseconds(10)) }
        let report = bench.learner.report
        #expect(report.counts.labels == 1 && report.counts.right == 1 && report.observations == 1)
        #expect(report.judge.equal == 1)
    }

    @Test func shadowDecidesAndNeverServes() async {
        let bench = Bench(prior: LearnerBench.prior, mode: .shadow)
        _ = await bench.ask(first)
        #expect(await bench.ask(reworded)[.xCache] == "MISS")
    }

    @Test func aDoubtfulVerifierForwardsAndALateOneDoesNot() async {
        let doubting = Bench(prior: LearnerBench.prior, verifier: ScriptedVerifier { _ in .success(-4) })
        _ = await doubting.ask(first)
        #expect(await doubting.ask(reworded)[.xCacheReason] == "verifier-doubts")
        let failing = Bench(prior: LearnerBench.prior, verifier: ScriptedVerifier { _ in .failure(.notFinite) })
        _ = await failing.ask(first)
        #expect(await failing.ask(reworded)[.xCacheMatch] == "semantic")
    }

    @Test func feedbackTakesTheEntryOutOfReach() async throws {
        let bench = Bench(prior: LearnerBench.prior)
        _ = await bench.ask(first)
        let hit = await bench.ask(reworded, id: "hit-1")
        let id = try #require(hit[.xCacheEntry].flatMap { EntryID($0) })
        let stranger = bench.pipeline.tenant(authorization: "Bearer somebody else")
        await #expect(throws: MatchLearner.FeedbackError.unknownEntry) {
            try await bench.learner.feedback(entry: id, requestID: "hit-1", isRight: false, tenant: stranger)
        }
        await #expect(throws: MatchLearner.FeedbackError.unknownRequest) {
            try await bench.learner.feedback(entry: id, requestID: "hit-2", isRight: false, tenant: nil)
        }
        #expect(bench.learner.report.observations == 0, "refused feedback changes nothing")
        try await bench.learner.feedback(entry: id, requestID: "hit-1", isRight: false, tenant: nil)
        #expect(await bench.ask("how could I reset my account password")[.xCache] == "MISS")
        #expect(await bench.ask(first)[.xCacheMatch] == "exact")
        #expect(bench.learner.report.observations == 1)
        #expect(bench.learner.nearMisses(limit: 5).contains { $0.kind == .disputed && $0.entry == id })
    }

    /// Clients send feedback again when they are not sure that it arrived, and several people may say the same of one answer.
    @Test func anAnswerIsDisputedOnce() async throws {
        let bench = Bench(prior: LearnerBench.prior)
        _ = await bench.ask(first)
        let hit = await bench.ask(reworded, id: "hit-1")
        let id = try #require(hit[.xCacheEntry].flatMap { EntryID($0) })
        _ = await bench.ask(reworded, id: "hit-2")
        for request in ["hit-1", "hit-1", "hit-2", nil] {
            try await bench.learner.feedback(entry: id, requestID: request, isRight: false, tenant: nil)
        }
        #expect(bench.learner.report.counts.disputed == 1 && bench.learner.report.observations == 2)
        #expect(bench.learner.nearMisses(limit: 9).count { $0.kind == .disputed } == 1)
    }

    @Test func anExplanationChangesNothing() async throws {
        let bench = Bench(prior: LearnerBench.prior)
        _ = await bench.ask(first)
        let body = #"{"model":"gpt-test","messages":[{"role":"user","content":"\#(reworded)"}]}"#
        let request = ProxyRequest(id: "e", method: .post, path: "/v1/chat/completions", fields: [:], body: .bytes(Array(body.utf8)))
        let count = bench.cache.count
        for _ in 0..<30 {
            let explanation = try await bench.pipeline.explain(request)
            #expect(explanation.decision == "semantic hit" && explanation.nearest.count == 1 && explanation.learned != nil)
        }
        #expect(bench.cache.count == count && bench.learner.report.hits == 0)
    }

    @Test func whatWasLearnedSurvivesARestart() async throws {
        let store = FaultyStore()
        let bench = Bench(prior: nil, store: store)
        let work = Task { try await bench.learner.run() }
        _ = await bench.ask(first)
        _ = await bench.ask(reworded)
        for _ in 0..<6000 where bench.learner.report.counts.labels == 0 { try await Task.sleep(for: .milliseconds(10)) }
        await bench.learner.save()
        work.cancel()
        let second = Bench(prior: nil, store: store)
        await second.learner.restore()
        #expect(second.learner.report.observations == 1)
        #expect(second.learner.report.populations == 1)
    }

    @Test func overridesHoldForTheirPart() async {
        var faq = MatchingOverride()
        faq.namespace = "faq"
        faq.mode = .exact
        let bench = Bench(prior: LearnerBench.prior, overrides: [faq])
        _ = await bench.ask(first, fields: [.cacheNamespace: "faq"])
        #expect(await bench.ask(reworded, fields: [.cacheNamespace: "faq"])[.xCacheReason] == "exact-only")
        _ = await bench.ask(first)
        #expect(await bench.ask(reworded)[.xCacheMatch] == "semantic")
    }
}
