import Cache
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Learning
import Logging
import NIOCore
import NIOEmbedded
import Options
import Proxy
import SemanticCache
@testable import Server
import Settings
import Synchronization
import Telemetry
import TestSupport
import VectorSearch

/// Calls the server's router in the process, without a socket.
struct RouterClient {
    /// What came back, its body read to the end.
    struct Answer {
        let status: Int
        let fields: HTTPFields
        let bytes: [UInt8]

        var json: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]) ?? [:] }
        /// The `error.code` of an error in OpenAI's shape.
        var errorCode: String? { (json["error"] as? [String: Any])?["code"] as? String }
    }

    let router: TopRouter
    let pipeline: RequestPipeline
    let clock = ManualClock()
    let readiness = Readiness()

    init(
        gate: AdminGate = AdminGate(token: nil, isLoopback: true), maximumBody: Int = 1 << 20, showsPrompts: Bool = false, log: LogCapture? = nil,
        speaksGPTCache: Bool = false, shared: SharedTierMetrics? = nil
    ) {
        let logger = Logger(label: "test") { _ in log.map { $0 as any LogHandler } ?? SwiftLogNoOpLogHandler() }
        let upstream = ScriptedUpstream { _, _ in
            let body =
                #"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#
            return .response(status: .ok, fields: [.contentType: "application/json"], chunks: [Array(body.utf8)])
        }
        let embedder = HashingEmbedder()
        let store = FaultyStore()
        let metrics = ProxyMetrics(shared: shared)
        let writer = WriteBehind(store: store, interval: .seconds(60), limit: 100, logger: logger)
        let cache = AnswerCache(
            index: FlatIndex(dimension: embedder.dimension), fingerprint: embedder.fingerprint, writer: writer, metrics: metrics, clock: clock,
            capacity: 100, staleWindow: PipelineOptions(.shipped).staleWindow)
        var settings = PipelineOptions(.shipped)
        // A busy machine is no reason for a miss here.
        settings.lookupDeadline = .seconds(600)
        let options = LiveOptions(settings)
        let learner = MatchLearner(
            options: MatchLearner.Options(Settings()), prior: nil, cache: cache, judge: nil, verifier: nil, store: store,
            fingerprint: embedder.fingerprint,
            clock: clock, generator: SeededGenerator(seed: 1), logger: logger)
        pipeline = RequestPipeline(
            options: options, cache: cache, embedder: embedder, indexing: nil, learner: learner, upstream: upstream,
            tenants: TenantResolver(key: Array("0123456789abcdef".utf8)), metrics: metrics, ids: EntryIDSource(clock: clock),
            clock: clock,
            logger: logger)
        let admin = AdminRoutes(
            administration: CacheAdministration(cache: cache, embedder: embedder, clock: clock), warmer: CacheWarmer(pipeline: pipeline),
            stats: StatsReporter(
                version: "0.0.0", options: options, cache: cache, embedder: embedder, indexing: nil, writer: writer, store: store, metrics: metrics),
            gate: gate, clock: clock, logger: logger, matching: MatchingRoutes(pipeline: pipeline, gate: gate))
        let dashboard = Dashboard(recent: RecentDecisions(), history: History(), showsPrompts: showsPrompts)
        router = TopRouter(
            proxy: ProxyRoutes(pipeline: pipeline, maximumBody: maximumBody, presences: ClientPresences()), admin: admin,
            dashboard: DashboardRoutes(dashboard: dashboard, admin: admin, presences: ClientPresences()),
            gptCache: speaksGPTCache
                ? GPTCacheRoutes(
                    pipeline: pipeline, warmer: CacheWarmer(pipeline: pipeline), maximumBody: maximumBody, audit: AuditLog(logger: logger))
                : nil,
            readiness: readiness)
    }

    func send(_ method: HTTPRequest.Method, _ path: String, fields: HTTPFields = [:], body: String = "") async throws -> Answer {
        var fields = fields
        fields[.contentLength] = String(body.utf8.count)
        return try await send(method, path, fields: fields, body: RequestBody(buffer: ByteBuffer(string: body)))
    }

    /// Sends a body that breaks off after its first bytes, with ``BrokenBody``.
    func send(_ method: HTTPRequest.Method, _ path: String, brokenBody: String) async throws -> Answer {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
        continuation.yield(ByteBuffer(string: brokenBody))
        continuation.finish(throwing: BrokenBody())
        return try await send(method, path, fields: [:], body: RequestBody(asyncSequence: stream))
    }

    private func send(_ method: HTTPRequest.Method, _ path: String, fields: HTTPFields, body: RequestBody) async throws -> Answer {
        let head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path, headerFields: fields)
        let request = Request(head: head, body: body)
        let channel = NIOAsyncTestingChannel()
        let response = try await router.respond(
            to: request, context: ConnectionContext(source: .init(channel: channel, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })))
        let collector = Collector()
        try await response.body.write(CollectingWriter(collector: collector))
        return Answer(status: response.status.code, fields: response.headers, bytes: collector.bytes)
    }

    func ask(_ question: String, fields: HTTPFields = [:]) async throws -> Answer {
        try await send(.post, "/v1/chat/completions", fields: fields, body: #"{"model":"m","messages":[{"role":"user","content":"\#(question)"}]}"#)
    }
}

private final class Collector: Sendable {
    private let collected = Mutex<[UInt8]>([])

    var bytes: [UInt8] { collected.withLock { $0 } }

    func append(_ buffer: ByteBuffer) { collected.withLock { $0 += Array(buffer.readableBytesView) } }
}

/// The end of a body that never came whole.
struct BrokenBody: Error {}

private struct CollectingWriter: ResponseBodyWriter {
    let collector: Collector

    mutating func write(_ buffer: ByteBuffer) async throws { collector.append(buffer) }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
