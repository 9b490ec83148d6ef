// Server: HTTP in, HTTP out. Requests below the paths of the providers' APIs (/v1, ...) go to the pipeline, the rest is the admin surface and the probes.
//
// The routes are few and fixed, so they are matched by hand: no router stands on the path of a hit.
//
// Left out: what an answer is and where it comes from (Proxy); adapters of any port (put together by the commands).

package import Cache
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOHTTP1
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
    /// How long a request's head may take, and then the next piece of its body.
    package var readTimeout: Duration
    package var idleTimeout: Duration
    /// Connections that are served; further ones are answered with 503.
    package var maximumConnections: Int
    /// Whether `POST /put` and `POST /get` are answered as GPTCache's server does.
    package var speaksGPTCache: Bool
    /// Connections that are accepted at all, those that are turned away among them; more wait in the system's queue.
    package var acceptedConnections: Int
    /// Requests that are answered at the same time; further ones are answered with 503.
    package var maximumRequests: Int
    /// How long a client may take nothing of what is written to it.
    package var writeTimeout: Duration

    package init(
        host: String, port: Int, maximumBody: Int, maximumHeader: Int, readTimeout: Duration, idleTimeout: Duration, maximumConnections: Int,
        speaksGPTCache: Bool, acceptedConnections: Int, maximumRequests: Int, writeTimeout: Duration
    ) {
        self.host = host
        self.port = port
        self.maximumBody = maximumBody
        self.maximumHeader = maximumHeader
        self.readTimeout = readTimeout
        self.idleTimeout = idleTimeout
        self.maximumConnections = maximumConnections
        self.speaksGPTCache = speaksGPTCache
        self.acceptedConnections = acceptedConnections
        self.maximumRequests = maximumRequests
        self.writeTimeout = writeTimeout
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
    package let pressure: MemoryPressure
    /// `nil` listens without TLS.
    package let certificate: ServerCertificate?

    package init(
        pipeline: RequestPipeline, administration: CacheAdministration, warmer: CacheWarmer, stats: StatsReporter, gate: AdminGate,
        readiness: Readiness, clock: any WallClock, dashboard: Dashboard, pressure: MemoryPressure = MemoryPressure(),
        certificate: ServerCertificate? = nil
    ) {
        self.pressure = pressure
        self.certificate = certificate
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
    private let certificate: ServerCertificate?
    private let desk: MemoryAnswers.Desk
    private let logger: Logger
    private let onRunning: @Sendable (Int) -> Void

    /// - Parameter onRunning: told the port once the server accepts connections.
    package init(options: ServerOptions, parts: ServerParts, logger: Logger, onRunning: @escaping @Sendable (Int) -> Void) {
        self.options = options
        self.logger = logger
        self.onRunning = onRunning
        presences = ClientPresences()
        certificate = parts.certificate
        desk = MemoryAnswers.Desk(
            pipeline: parts.pipeline, pressure: parts.pressure, maximumBody: min(RequestExecutor.smallBytes, options.maximumBody))
        let admin = AdminRoutes(
            administration: parts.administration, warmer: parts.warmer, stats: parts.stats, gate: parts.gate, clock: parts.clock, logger: logger,
            matching: MatchingRoutes(pipeline: parts.pipeline, gate: parts.gate))
        router = TopRouter(
            proxy: ProxyRoutes(pipeline: parts.pipeline, maximumBody: options.maximumBody, presences: presences), admin: admin,
            dashboard: DashboardRoutes(dashboard: parts.dashboard, admin: admin, presences: presences),
            gptCache: options.speaksGPTCache
                ? GPTCacheRoutes(
                    pipeline: parts.pipeline, warmer: parts.warmer, maximumBody: options.maximumBody, audit: AuditLog(logger: logger)) : nil,
            readiness: parts.readiness, requests: RequestGate(limit: options.maximumRequests), pressure: parts.pressure)
    }

    /// Serves until graceful shutdown. Throws ``ListenError`` where the port cannot be opened.
    package func run() async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldSize = options.maximumHeader
        decoder.maxHeaderListSize = options.maximumHeader
        decoder.maxHeaderFieldCount = 200
        let limits = ConnectionLimits(
            readTimeout: Self.timeAmount(options.readTimeout), writeTimeout: Self.timeAmount(options.writeTimeout),
            maximumConnections: options.maximumConnections)
        let application = Application(
            responder: router,
            server: HTTPServerBuilder { [decoder, options, presences, desk, certificate] responder in
                let plain = ProxyChannel(
                    responder: responder, decoder: decoder, limits: limits, idleTimeout: options.idleTimeout, presences: presences, desk: desk)
                guard let certificate else { return plain }
                return TLSConnections(base: plain, certificate: certificate, handshakeTimeout: limits.readTimeout)
            },
            configuration: .init(
                address: .hostname(options.host, port: options.port),
                backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(options.acceptedConnections)),
            onServerRunning: { [onRunning, options] channel in onRunning(channel.localAddress?.port ?? options.port) },
            logger: quiet)
        do { try await application.run() } catch {
            if let refusal = ListenError(error, host: options.host, port: options.port) { throw refusal }
            throw error
        }
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
    var requests = RequestGate(limit: .max)
    var pressure = MemoryPressure()

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        try await BodyInvitation.respond(to: request, on: context.channel) { try await route($0, context: context) }
    }

    private func route(_ request: Request, context: ConnectionContext) async throws -> Response {
        let raw = request.head.path ?? "/"
        // Wherever it goes: what follows on the connection may be meant for another route.
        guard request.headers.isPlainlyFramed else { return Self.unclearFraming(path: raw) }
        if ProxyPath.isForwarded(raw) {
            guard pressure.level < .shedsRequests, let place = requests.enter() else { return Self.overloaded(path: raw) }
            return try await proxy.respond(
                to: request, path: raw, channel: context.channel, id: RequestIDs.id(for: request.headers), place: place)
        }
        return try await RequestExecutor.away { try await administer(request, path: raw.beforeQuery, channel: context.channel) }
    }

    /// What is not proxied.
    private func administer(_ request: Request, path: Substring, channel: any Channel) async throws -> Response {
        if path.hasPrefix("/cache/") { return try await admin.respond(to: request, path: path) }
        if path == "/metrics" { return await admin.metrics(request) }
        if path == "/dashboard" || path.hasPrefix("/dashboard/") { return await dashboard.respond(to: request, path: path, channel: channel) }
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

    /// Where the body ends cannot be told for sure, so nothing after it can be believed either.
    private static func unclearFraming(path: String) -> Response {
        let answer = ErrorResponse.client(
            .badRequest, message: "Transfer-Encoding must be 'chunked', and without Content-Length.", code: "bad_framing", path: path)
        var response = ProxyRoutes.response(from: answer, presence: ClientPresence(), place: nil)
        response.headers[.connection] = "close"
        return response
    }

    /// The body is not read, so the connection cannot be used again.
    private static func overloaded(path: String) -> Response {
        let answer = ErrorResponse.overloaded("This proxy answers as many requests as it can at the moment.", path: path)
        var response = ProxyRoutes.response(from: answer, presence: ClientPresence(), place: nil)
        response.headers[.connection] = "close"
        return response
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

extension HTTPFields {
    /// Whether every server on the way finds the same end of the body: one length, or chunks and nothing else (RFC 9112, section 6.3).
    var isPlainlyFramed: Bool {
        guard contains(where: { $0.name == .transferEncoding }) else { return count { $0.name == .contentLength } <= 1 }
        let codings = self[values: .transferEncoding]
        return codings.count == 1 && codings[0].lowercased() == "chunked" && !contains(.contentLength)
    }
}
