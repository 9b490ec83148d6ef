// Server: HTTP in, HTTP out. Requests below /v1 go to the pipeline, the rest is the admin surface and the probes.
//
// The routes are few and fixed, so they are matched by hand: no router stands on the path of a hit.
//
// Left out: what an answer is and where it comes from (Proxy); adapters of any port (put together by the commands).

import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
package import Proxy
package import SemanticCache
import ServiceLifecycle

/// How the server listens and what it allows a client.
package struct ServerOptions: Sendable {
    package var host: String
    package var port: Int
    /// The largest body of a cached endpoint, in bytes.
    package var maximumBody: Int
    /// The largest header section, in bytes.
    package var maximumHeader: Int
    /// How long the next piece of a request's body may take.
    package var readTimeout: Duration
    package var idleTimeout: Duration
    package var maximumConnections: Int
    /// Whether `POST /put` and `POST /get` are answered as GPTCache's server does.
    package var speaksGPTCache = false

    package init(host: String, port: Int, maximumBody: Int, maximumHeader: Int, readTimeout: Duration, idleTimeout: Duration, maximumConnections: Int)
    {
        self.host = host
        self.port = port
        self.maximumBody = maximumBody
        self.maximumHeader = maximumHeader
        self.readTimeout = readTimeout
        self.idleTimeout = idleTimeout
        self.maximumConnections = maximumConnections
    }
}

/// The parts that answer requests.
package struct ServerParts: Sendable {
    package let pipeline: RequestPipeline
    package let administration: CacheAdministration
    package let warmer: CacheWarmer
    package let stats: StatsReporter
    package let gate: AdminGate
    package let readiness: Readiness
    package let clock: any WallClock
    package let dashboard: Dashboard

    package init(
        pipeline: RequestPipeline, administration: CacheAdministration, warmer: CacheWarmer, stats: StatsReporter, gate: AdminGate,
        readiness: Readiness, clock: any WallClock, dashboard: Dashboard
    ) {
        self.pipeline = pipeline
        self.administration = administration
        self.warmer = warmer
        self.stats = stats
        self.gate = gate
        self.readiness = readiness
        self.clock = clock
        self.dashboard = dashboard
    }
}

/// The HTTP server as a service: accepts until graceful shutdown, then lets open requests finish.
package struct ProxyServer: Service {
    private let options: ServerOptions
    private let router: TopRouter
    private let presences: ClientPresences
    private let logger: Logger
    private let onRunning: @Sendable (Int) -> Void

    /// - Parameter onRunning: told the port once the server accepts connections.
    package init(options: ServerOptions, parts: ServerParts, logger: Logger, onRunning: @escaping @Sendable (Int) -> Void) {
        self.options = options
        self.logger = logger
        self.onRunning = onRunning
        presences = ClientPresences()
        let admin = AdminRoutes(
            administration: parts.administration, warmer: parts.warmer, stats: parts.stats, gate: parts.gate, clock: parts.clock, logger: logger,
            matching: MatchingRoutes(pipeline: parts.pipeline, gate: parts.gate))
        router = TopRouter(
            proxy: ProxyRoutes(pipeline: parts.pipeline, maximumBody: options.maximumBody, presences: presences), admin: admin,
            dashboard: DashboardRoutes(dashboard: parts.dashboard, admin: admin, presences: presences),
            gptCache: options.speaksGPTCache
                ? GPTCacheRoutes(pipeline: parts.pipeline, warmer: parts.warmer, maximumBody: options.maximumBody) : nil,
            readiness: parts.readiness)
    }

    package func run() async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: options.maximumHeader, maxHeaderListSize: options.maximumHeader, maxHeaderFieldCount: 200)
        let presences = presences
        let readTimeout = Self.timeAmount(options.readTimeout)
        let application = Application(
            responder: router,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [ConnectionWatch(presences: presences, bodyTimeout: readTimeout)],
                    idleTimeout: Self.timeAmount(options.idleTimeout), httpDecoderConfiguration: decoder)),
            configuration: .init(
                address: .hostname(options.host, port: options.port),
                backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(options.maximumConnections)),
            onServerRunning: { [onRunning, options] channel in onRunning(channel.localAddress?.port ?? options.port) },
            logger: quiet)
        try await application.run()
    }

    private static func timeAmount(_ duration: Duration) -> TimeAmount { .milliseconds(duration.wholeMilliseconds) }
}

/// The first look at a path.
struct TopRouter: HTTPResponder {
    typealias Context = ConnectionContext

    let proxy: ProxyRoutes
    let admin: AdminRoutes
    let dashboard: DashboardRoutes
    var gptCache: GPTCacheRoutes?
    let readiness: Readiness

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let raw = request.head.path ?? "/"
        if raw.hasPrefix("/v1/") {
            return try await proxy.respond(to: request, path: raw, channel: context.channel, id: RequestIDs.id(for: request.headers))
        }
        let path = raw.prefix { $0 != "?" }
        if path.hasPrefix("/cache/") { return try await admin.respond(to: request, path: path) }
        if path == "/metrics" { return await admin.metrics(request) }
        if path == "/dashboard" || path.hasPrefix("/dashboard/") { return await dashboard.respond(to: request, path: path, channel: context.channel) }
        if let gptCache, request.method == .post, path == "/put" || path == "/get" {
            return try await gptCache.respond(to: request, path: path, id: RequestIDs.id(for: request.headers))
        }
        switch (request.method, path) {
        case (.get, "/healthz"), (.head, "/healthz"): return JSONBody.response(["status": "ok"])
        case (.get, "/readyz"), (.head, "/readyz"): return ready()
        case (.get, "/"):
            return JSONBody.response([
                "service": "reprise", "base_url": "/v1", "stats": "/cache/stats", "dashboard": "/dashboard", "metrics": "/metrics",
            ])
        default: return JSONBody.error(.notFound, "There is no \(path); the proxied API is below /v1/.", code: "not_found")
        }
    }

    private func ready() -> Response {
        struct Body: Encodable {
            let status: String
            let parts: [String: String]
        }
        let parts = readiness.all.mapValues { state in
            switch state {
            case .ready: "ready"
            case .starting: "starting"
            case .degraded(let why): "degraded: \(why)"
            }
        }
        let isReady = readiness.isReady
        return JSONBody.response(Body(status: isReady ? "ready" : "starting", parts: parts), status: isReady ? .ok : .serviceUnavailable)
    }
}

/// What the server knows of a request beside its head and body.
struct ConnectionContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) { channel = source.channel }
}
