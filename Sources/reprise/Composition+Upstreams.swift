import Forwarding
import Logging
import SemanticCache
import Settings
import Telemetry
import WireFormats

extension Composition {
    /// Stacks each provider's adapters, chains the fallbacks and puts the routing on top. Beside it, what tells how each provider does.
    static func makeUpstream(_ loaded: LoadedSettings, transports: TransportPool, logger: Logger) throws(StartError)
        -> (upstream: any Upstream, watches: [String: @Sendable () -> UpstreamCondition])
    {
        var makers = UpstreamMaker(loaded: loaded, transports: transports, logger: logger)
        let standard = try makers.chain("upstream", loaded.settings.upstream, following: [])
        var routes: [RoutedUpstream.Route] = []
        for route in loaded.settings.upstreams where !route.paths.isEmpty || !route.models.isEmpty {
            routes.append(
                .init(
                    paths: route.paths.map { NamePattern($0) }, models: route.models.map { NamePattern($0) },
                    upstream: try makers.chain(route.name, route.upstream, following: [route.name])))
        }
        guard !routes.isEmpty else { return (standard, makers.watches) }
        let routed = RoutedUpstream(routes: routes, default: standard) { RequestModel.name(at: $0[...], body: $1) }
        return (routed, makers.watches)
    }
}

/// Makes each provider once, however many chains it is part of: its limits and its breaker are one.
private struct UpstreamMaker {
    let loaded: LoadedSettings
    let transports: TransportPool
    let logger: Logger
    private(set) var watches: [String: @Sendable () -> UpstreamCondition] = [:]
    private var made: [String: (upstream: any Upstream, origin: String)] = [:]

    init(loaded: LoadedSettings, transports: TransportPool, logger: Logger) {
        self.loaded = loaded
        self.transports = transports
        self.logger = logger
    }

    /// A provider with its fallbacks. `following` are the names that lead here; the settings have no circles.
    mutating func chain(_ name: String, _ settings: Settings.Upstream, following: Set<String>) throws(StartError) -> any Upstream {
        let first = try single(name, settings)
        guard let fallback = settings.fallback, !following.contains(fallback),
            let next = loaded.settings.upstreams.first(where: { $0.name == fallback })
        else { return first.upstream }
        let second = try chain(fallback, next.upstream, following: following.union([fallback]))
        let origin = try single(fallback, next.upstream).origin
        let logger = logger
        return FallbackUpstream(first.upstream, then: second, sharesCredentials: origin == first.origin) {
            logger.info("fallback", metadata: ["from": "\(name)", "to": "\(fallback)"])
        }
    }

    private mutating func single(_ name: String, _ settings: Settings.Upstream) throws(StartError) -> (upstream: any Upstream, origin: String) {
        if let known = made[name] { return known }
        let endpoint = try endpoint(name, settings)
        let transport = transports.transport(for: name, connections: settings.maxConnections)
        let logger = logger
        let breaking = BreakingUpstream(
            UpgradingUpstream(CurlUpstream(endpoint: endpoint, transport: transport), endpoint: endpoint), limit: settings.breakerFailures,
            coolDown: settings.breakerCooldown,
            onTransition: { transition in
                switch transition {
                case .opened(let time, let reason):
                    logger.warning(
                        "an upstream keeps failing and is left alone", metadata: ["upstream": "\(name)", "for": "\(time)", "reason": "\(reason)"])
                case .closed:
                    logger.notice("an upstream works again", metadata: ["upstream": "\(name)"])
                }
            })
        let limited = LimitedUpstream(
            breaking, limit: settings.maxConnections, waitingLimit: settings.queueLimit, patience: settings.queueTimeout)
        let watch: @Sendable () -> UpstreamCondition = {
            let depth = limited.depth
            return UpstreamCondition(circuit: breaking.condition, active: depth.out, waiting: depth.waiting)
        }
        watches[name] = watch
        let policy = RetryPolicy(retries: settings.retries, firstDelay: settings.retryDelay, longestDelay: settings.retryMaxDelay)
        let result = (
            upstream: RetryingUpstream(
                limited, policy: policy, clock: SystemClock(), isLasting: { LastingRefusal.isSaid(in: $0) }) as any Upstream, origin: endpoint.origin
        )
        made[name] = result
        return result
    }

    private func endpoint(_ name: String, _ settings: Settings.Upstream) throws(StartError) -> UpstreamEndpoint {
        var endpoint: UpstreamEndpoint
        do throws(UpstreamEndpointError) { endpoint = try UpstreamEndpoint(settings) } catch {
            throw .upstream("\(name): \(error.description)")
        }
        let secrets = loaded.secrets.upstreams[name]
        let apiKey = name == "upstream" ? loaded.secrets.upstreamAPIKey : secrets?.apiKey
        let secretHeaders = name == "upstream" ? loaded.secrets.upstreamHeaders : secrets?.headers ?? []
        endpoint.authorization = apiKey.map { "Bearer " + $0.reveal() }
        endpoint.headers =
            settings.headers.map { (name: $0.name, value: $0.value) } + secretHeaders.map { (name: $0.name, value: $0.value.reveal()) }
        endpoint.caFile = name == "upstream" ? loaded.paths.caFile : loaded.paths.upstreamCAFiles[name]
        return endpoint
    }
}

extension UpstreamEndpoint {
    /// A provider's address and limits, without its credentials and files.
    init(_ settings: Settings.Upstream) throws(UpstreamEndpointError) {
        try self.init(
            baseURL: settings.baseURL, connectTimeout: settings.connectTimeout, firstByteTimeout: settings.firstByteTimeout,
            silenceTimeout: settings.silenceTimeout, minimumTLS: settings.minTLS)
    }
}
