import Cache
import HTTPTypes
import Learning
import Logging
import Matching
import Proxy
import SemanticCache
import Sharing
import Telemetry
import TestSupport
import VectorSearch

/// A pipeline with doubles on its four ports, and the calls that tests make on it.
struct ProxyBench {
    let upstream: ScriptedUpstream
    let store: FaultyStore
    let clock: ManualClock
    let cache: AnswerCache
    let writer: WriteBehind
    let metrics: ProxyMetrics
    let pipeline: RequestPipeline
    let administration: CacheAdministration
    /// What this proxy shares with others; `nil` where it is alone.
    let shared: SharedCache?
    let pressure = MemoryPressure()

    init(
        options: PipelineOptions = .shipped, sharing: Sharing = .tenant, embedder: (any Embedder)? = HashingEmbedder(),
        index: (any VectorIndex)? = nil, store: FaultyStore = FaultyStore(), clock: ManualClock = ManualClock(), capacity: Int = 1000,
        engine: MemorySharedTier.Engine? = nil,
        script: @escaping @Sendable (UpstreamRequest, [UInt8]) -> ScriptedUpstream.Reply = { _, body in ProxyBench.echo(body) },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        var options = options
        options.access.sharing = sharing
        // The tests share few threads with all others: what is not about the deadline must not meet it. A test of it asks for less.
        if options.lookupDeadline == PipelineOptions.shipped.lookupDeadline { options.lookupDeadline = .seconds(600) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.store = store
        self.clock = clock
        upstream = ScriptedUpstream(script)
        metrics = ProxyMetrics()
        writer = WriteBehind(store: store, interval: .seconds(3600), limit: 1000, logger: logger)
        cache = AnswerCache(
            index: index ?? FlatIndex(dimension: embedder?.dimension ?? 1), fingerprint: embedder?.fingerprint, writer: writer, metrics: metrics,
            clock: clock, capacity: capacity, staleWindow: options.staleWindow)
        // As in a proxy that has a model. What is learned begins with a prior that opens the gate, and chance is never taken: what is about chance, or about
        // a gate that is shut, is tested with `LearnerBench`.
        var learning = MatchLearner.Options.shipped
        learning.verifierDeadline = .seconds(600)
        let learner = embedder.map { [cache, upstream, metrics] embedder in
            MatchLearner(
                options: learning, prior: LearnerBench.prior, cache: cache,
                judge: AnswerJudge(options: .shipped, embedder: embedder, upstream: upstream, clock: clock, metrics: metrics), verifier: nil,
                residue: ResidueGuard(embedder), store: store, fingerprint: embedder.fingerprint, clock: clock, generator: Dial(),
                logger: logger)
        }
        let key = Array("0123456789abcdef".utf8)
        let ids = EntryIDSource(clock: clock)
        shared = engine.map { [cache] engine in
            SharedCache(
                tier: MemorySharedTier(engine), sealing: SharedSealing(tenancyKey: key, encryptionKey: nil), cache: cache, store: store, ids: ids,
                embedder: embedder, metrics: SharedTierMetrics(), clock: clock, logger: logger,
                options: SharedOptions(kind: "memory", lookupTimeout: .seconds(600)),
                onRemoval: { removed in if let removed { learner?.forget(removed) } else { learner?.forget() } })
        }
        pipeline = RequestPipeline(
            options: LiveOptions(options), pressure: pressure, cache: cache, embedder: embedder, indexing: nil, shared: shared, learner: learner,
            upstream: upstream, tenants: TenantResolver(key: key), metrics: metrics, ids: ids, clock: clock, logger: logger, sleep: sleep)
        administration = CacheAdministration(cache: cache, embedder: embedder, learner: learner, shared: shared, clock: clock)
    }

    /// What came back, its body read to the end.
    struct Answer {
        let status: Int
        let fields: HTTPFields
        let body: String
        /// Whether the body ended with an error.
        let isBroken: Bool

        var cache: String? { fields[.xCache] }
        var match: String? { fields[.xCacheMatch] }
        var reason: String? { fields[.xCacheReason] }
        var cacheStatus: String? { fields[.cacheStatus] }
    }

    func send(_ request: ProxyRequest) async -> Answer {
        let response = await pipeline.handle(request)
        switch response.body {
        case .bytes(let bytes):
            return Answer(status: response.status.code, fields: response.fields, body: String(decoding: bytes, as: UTF8.self), isBroken: false)
        case .stream(let stream):
            var bytes: [UInt8] = []
            var isBroken = false
            do { for try await chunk in stream { bytes += chunk } } catch { isBroken = true }
            return Answer(status: response.status.code, fields: response.fields, body: String(decoding: bytes, as: UTF8.self), isBroken: isBroken)
        }
    }

    func post(_ body: String, path: String = "/v1/chat/completions", fields: HTTPFields = [:]) async -> Answer {
        await send(ProxyRequest(id: "req_test", method: .post, path: path, fields: fields, body: .bytes(Array(body.utf8))))
    }

    /// Asks one question as a chat completion.
    func ask(_ question: String, extra: String = "", fields: HTTPFields = [:]) async -> Answer {
        await post(#"{"model":"gpt-test","messages":[{"role":"user","content":"\#(question)"}]\#(extra)}"#, fields: fields)
    }

    /// A complete answer that repeats the length of the request's body, so that different requests get different answers.
    static func echo(_ body: [UInt8]) -> ScriptedUpstream.Reply {
        let text = "answer to \(body.count) bytes, \(body.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF })"
        return .response(
            status: .ok, fields: [.contentType: "application/json"],
            chunks: [Array(completion(text).utf8)])
    }

    static func completion(_ text: String, finish: String = "stop") -> String {
        #"{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"gpt-test","choices":[{"index":0,"message":{"role":"assistant","content":"\#(text)"},"finish_reason":"\#(finish)"}],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}"#
    }

    static func events(_ words: [String], finish: String? = "stop", isDone: Bool = true) -> [[UInt8]] {
        var chunks = [#"{"role":"assistant","content":""}"#].map { chunk(delta: $0, finish: nil) }
        chunks += words.map { chunk(delta: #"{"content":"\#($0)"}"#, finish: nil) }
        if let finish { chunks.append(chunk(delta: "{}", finish: finish)) }
        if isDone { chunks.append("data: [DONE]\n\n") }
        return chunks.map { Array($0.utf8) }
    }

    private static func chunk(delta: String, finish: String?) -> String {
        let reason = finish.map { "\"\($0)\"" } ?? "null"
        return
            #"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-test","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(reason)}]}"#
            + "\n\n"
    }
}
