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
import WireFormats

/// Chance as a test turns it: 0 takes every chance, `.max` none.
final class Dial: RandomNumberGenerator, Sendable {
    private let value = Mutex(UInt64.max)

    func turn(to new: UInt64) { value.withLock { $0 = new } }
    func next() -> UInt64 { value.withLock { $0 } }
}

/// The pipeline with a learner, in front of an upstream that answers each question by a function.
struct LearnerBench {
    let clock = ManualClock()
    let dial = Dial()
    let metrics = ProxyMetrics()
    let upstream: ScriptedUpstream
    let cache: AnswerCache
    let learner: MatchLearner
    let pipeline: RequestPipeline

    /// - Parameters:
    ///   - judging: `nil` compares no answers.
    ///   - fingerprint: what the learner takes the embedder for; its own by default.
    ///   - answer: the words of the answer to a request's body, or `nil` for an upstream that fails.
    init(
        prior: Prior? = LearnerBench.prior, options: PipelineOptions = .shipped, learning: MatchLearner.Options = .shipped,
        judging: AnswerJudge.Options? = .shipped, verifier: (any Verifier)? = nil, store: FaultyStore = FaultyStore(),
        fingerprint: String? = nil,
        answer: @escaping @Sendable (String) -> String? = { _ in "Open the settings." }
    ) {
        // A busy machine is no reason for a miss here, nor for a verdict that is not heard.
        var (options, learning) = (options, learning)
        options.lookupDeadline = .seconds(600)
        learning.verifierDeadline = .seconds(600)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let embedder = HashingEmbedder()
        upstream = ScriptedUpstream { _, body in
            guard let text = answer(String(decoding: body, as: UTF8.self)) else { return .failure(.unreachable("as scripted")) }
            return .response(status: .ok, fields: [.contentType: "application/json"], chunks: [Array(ProxyBench.completion(text).utf8)])
        }
        cache = AnswerCache(
            index: FlatIndex(dimension: embedder.dimension), fingerprint: embedder.fingerprint,
            writer: WriteBehind(store: FaultyStore(), interval: .seconds(3600), limit: 1000, logger: logger), metrics: metrics, clock: clock,
            capacity: 1000, staleWindow: options.staleWindow)
        learner = MatchLearner(
            options: learning, prior: prior, cache: cache,
            judge: judging.map { [upstream, clock, metrics] in
                AnswerJudge(options: $0, embedder: embedder, upstream: upstream, clock: clock, metrics: metrics)
            }, verifier: verifier,
            store: store, fingerprint: fingerprint ?? embedder.fingerprint, clock: clock, generator: dial, logger: logger)
        pipeline = RequestPipeline(
            options: LiveOptions(options), cache: cache, embedder: embedder, indexing: nil, learner: learner, upstream: upstream,
            tenants: TenantResolver(key: Array("0123456789abcdef".utf8)), metrics: metrics, ids: EntryIDSource(clock: clock), clock: clock,
            logger: logger)
    }

    func ask(_ question: String, id: String = "r", model: String = "gpt-test", fields: HTTPFields = [:]) async -> HTTPFields {
        let body = #"{"model":"\#(model)","messages":[{"role":"user","content":"\#(question)"}]}"#
        let response = await pipeline.handle(
            ProxyRequest(id: id, method: .post, path: "/v1/chat/completions", fields: fields, body: .bytes(Array(body.utf8))))
        if case .stream(let stream) = response.body { _ = try? await stream.collect(upTo: 1 << 20) }
        await pipeline.settleVectors()
        return response.fields
    }

    /// Runs the judge beside `body`.
    func learning<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        let work = Task { [learner] in try await learner.run() }
        defer { work.cancel() }
        return try await body()
    }

    /// Waits until `isTrue`, a minute or so at the most.
    func until(_ isTrue: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for _ in 0..<6000 where !isTrue() { try await Task.sleep(for: .milliseconds(10)) }
        #expect(isTrue(), sourceLocation: sourceLocation)
    }

    /// The populations' labels, the largest first.
    var observations: [Int] { learner.populations.map(\.observations) }

    /// Serves what is at least 0.6 similar and not doubted.
    static let prior: Prior = {
        var weights = [Double](repeating: 0, count: Feature.allCases.count)
        weights[Feature.bias.rawValue] = 4
        weights[Feature.similarity.rawValue] = 1
        var gate = ErrorGate()
        for bin in 0..<24 { for _ in 0..<200 { gate.count(score: 3 + Double(bin) * 0.25, isRight: true, weight: 1) } }
        return Prior(embedder: "hashing-64", verifier: "", weights: weights, variance: 0.05, verdictFloor: 0, gate: gate, notes: [])
    }()

    static let first = "how do I reset my account password"
    static let reworded = "how can I reset my account password"
}
