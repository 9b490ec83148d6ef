import Cache
import Embedding
import Forwarding
import Glibc
import Learning
import Logging
import Options
import Proxy
import SemanticCache
import Server
import ServiceLifecycle
import Settings
import Sharing
import Storage
import Telemetry
import VectorSearch

/// The one place where the rooms are put together.
struct Composition {
    /// The background services, low to high: shut down in reverse.
    let services: [any Service]
    let embedderLine: String
    /// What is known of the store's entries.
    let restoredLine: String
    let quietLogger: Logger

    private let options: ServerOptions
    private let parts: ServerParts
    private let logger: Logger
    private let closing: @Sendable () async -> Void
    private let reloading: @Sendable (LoadedSettings) throws -> [String]

    /// The server, which tells `onRunning` its port.
    func server(onRunning: @escaping @Sendable (Int) -> Void) -> ProxyServer {
        ProxyServer(options: options, parts: parts, logger: logger, onRunning: onRunning)
    }

    /// Ends the transfers, the model and the store, after all services have ended.
    func close() async { await closing() }

    /// Puts a configuration that was read again to use; returns the keys that take effect at the next start only.
    ///
    /// Throws when it cannot be used, and then changes nothing.
    func reload(_ loaded: LoadedSettings) throws -> [String] { try reloading(loaded) }

    /// Opens the store, loads the model and restores the entries.
    ///
    /// A store or a model that cannot be used is a warning, and the proxy runs with less; only what the operator demanded is an error.
    static func assemble(_ loaded: LoadedSettings, logger: Logger) async throws(StartError) -> Composition {
        let settings = loaded.settings
        let readiness = Readiness()
        let clock = SystemClock()
        let metrics = ProxyMetrics(prices: priceTable(settings.prices), shared: sharedMetrics(settings.shared, readiness: readiness))
        let sinks = try LogSinks(loaded)
        let recent = RecentDecisions()
        let history = History()

        let store = openStore(loaded, readiness: readiness, logger: logger)
        let (embedder, embedderLine) = try loadEmbedder(loaded, readiness: readiness, logger: logger)
        let verifier = embedder.flatMap { loadVerifier(loaded, embedder: $0, readiness: readiness, logger: logger) }
        let transports = TransportPool()
        let providers = try makeUpstream(loaded, transports: transports, logger: logger)
        let upstream = SwitchedUpstream(providers.upstream)
        metrics.watch(providers.watches)
        let certificate = try serverCertificate(loaded, clock: clock, logger: logger)
        let pressure = MemoryPressure()
        let fileLimit = ProcessResources.raiseFileLimit()

        let writer = WriteBehind(
            store: store, interval: settings.store.flushInterval, limit: settings.store.queueLimit,
            byteLimit: settings.cache.maxMemory.bytes / 2, logger: logger,
            onFault: { fault in readiness.set("store", fault.map { .degraded("entries are in memory only: \($0)") } ?? .ready) })
        let index = ScopedIndex(dimension: embedder?.dimension ?? 1)
        let limits = CacheLimits(settings.cache, keepsAnswersOnDisk: store is SQLiteStore)
        let cache = AnswerCache(
            index: index, fingerprint: embedder?.fingerprint, writer: writer, store: store,
            metrics: metrics, clock: clock, limits: limits)
        let indexing = embedder.map { IndexingQueue(cache: cache, embedder: $0, limit: settings.cache.maxEntries, logger: logger) }
        let snapshots = makeSnapshots(
            loaded, index: index, cache: cache, store: store, embedder: embedder, readiness: readiness, logger: logger)
        let restorer = EntryRestorer(
            store: store, cache: cache, snapshots: snapshots, indexing: indexing, fingerprint: embedder?.fingerprint, clock: clock, logger: logger)
        // A small store is read before the first request, a large one behind the requests.
        let lastID = await restorer.begin(for: .milliseconds(500))
        let turns = ServedTurnsUpkeep(cache.turns, store: store, interval: settings.store.flushInterval, logger: logger)
        await turns.restore()
        let tenants = TenantResolver(
            key: await tenantKey(loaded, store: store, logger: logger))
        let options = LiveOptions(PipelineOptions(loaded))
        let learner = await makeLearner(
            settings, embedder: embedder, verifier: verifier, cache: cache, upstream: upstream, store: store, clock: clock, metrics: metrics,
            logger: logger)
        let ids = EntryIDSource(clock: clock, node: .drawn(), above: lastID)
        let shared = makeShared(
            loaded, metrics: metrics.shared, cache: cache, store: store, ids: ids, embedder: embedder, learner: learner, clock: clock, logger: logger)
        // A fresh proxy is warm from its first request, where the engine answers in time.
        await shared?.begin(for: .milliseconds(500))
        let pipeline = RequestPipeline(
            options: options, pressure: pressure, cache: cache, embedder: embedder, indexing: indexing, shared: shared, learner: learner,
            upstream: upstream, tenants: tenants, metrics: metrics, ids: ids, clock: clock,
            observers: sinks.observers(loaded.settings.log, under: options) + [recent], logger: logger)
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)

        return Composition(
            // The last snapshot is written when the writer has brought everything to the store.
            services: (snapshots.map { [$0 as any Service] } ?? []) + [writer, turns] + (indexing.map { [$0] } ?? []) + (learner.map { [$0] } ?? [])
                // Before the writer ends: what it last learned of the engine is kept in the store.
                + (shared.map { [$0] } ?? []) + [
                    restorer, ExpirySweeper(cache: cache), HistorySampler(metrics: metrics, history: history, clock: clock),
                    RowSealing(store: store, logger: logger),
                    StoreUpkeep(store: store, writer: writer, cache: cache, limit: limits.diskBytes, logger: logger),
                    memoryWatch(settings, pressure: pressure, cache: cache, logger: logger),
                ],
            embedderLine: embedderLine, restoredLine: cache.isRestoring ? "being read" : "\(restorer.progress.restored) entries", quietLogger: quiet,
            options: serverOptions(settings, fileLimit: fileLimit),
            parts: ServerParts(
                pipeline: pipeline,
                administration: CacheAdministration(cache: cache, embedder: embedder, learner: learner, shared: shared, clock: clock),
                warmer: CacheWarmer(pipeline: pipeline),
                stats: StatsReporter(
                    version: Reprise.version, options: options, cache: cache, embedder: embedder, indexing: indexing, writer: writer, store: store,
                    restorer: restorer, snapshots: snapshots, metrics: metrics, learner: learner, droppedLines: { sinks.dropped }),
                gate: AdminGate(token: loaded.secrets.adminToken?.reveal(), isLoopback: settings.server.listensOnLoopback),
                readiness: readiness, clock: clock,
                dashboard: Dashboard(recent: recent, history: history, showsPrompts: settings.admin.showPrompts), pressure: pressure,
                certificate: certificate),
            logger: logger,
            closing: {
                await transports.close()
                await sinks.close()
                await verifier?.close()
                await embedder?.close()
                try? await store.close()
            },
            reloading: { new in
                var new = new
                let (inEffect, waiting) = settings.reloaded(as: new.settings)
                new.settings = inEffect
                let newProviders = try makeUpstream(new, transports: transports, logger: logger)
                try certificate?.reload(new, clock: clock, logger: logger)
                upstream.exchange(for: newProviders.upstream)
                metrics.watch(newProviders.watches)
                options.exchange(for: PipelineOptions(new))
                learner?.reckon(with: inEffect.matching.errorBound)
                return waiting
            })
    }
}

extension Composition {
    private static func memoryWatch(_ settings: Settings, pressure: MemoryPressure, cache: AnswerCache, logger: Logger) -> any Service {
        let limit = settings.server.memoryLimit?.bytes ?? ProcessResources.availableBytes().map { $0 / 4 * 3 } ?? .max
        return MemoryWatch(pressure: pressure, limit: limit, cache: cache, logger: logger) { ProcessResources.residentBytes() }
    }

    /// Connections are bounded by the files that the process may have open, less those of the upstreams, the store and the model.
    private static func serverOptions(_ settings: Settings, fileLimit: Int) -> ServerOptions {
        let served = min(settings.server.maxConnections, max(64, fileLimit / 2))
        let accepted = max(served, min(served * 10 + 256, fileLimit - max(64, fileLimit / 4)))
        return ServerOptions(
            host: settings.server.host, port: settings.server.port, maximumBody: settings.server.maxBody.bytes,
            maximumHeader: settings.server.maxHeader.bytes, readTimeout: settings.server.readTimeout, idleTimeout: settings.server.idleTimeout,
            maximumConnections: served, speaksGPTCache: settings.server.gptcache, acceptedConnections: accepted,
            maximumRequests: settings.server.maxRequests,
            writeTimeout: settings.server.writeTimeout)
    }

    private static func priceTable(_ settings: Settings.Prices) -> PriceTable {
        let own = settings.models.map { ($0.model, ModelPrice(input: $0.input, cachedInput: $0.cachedInput, output: $0.output)) }
        return PriceTable.builtIn.overridden(by: Dictionary(own) { _, last in last })
    }

    private static func tenantKey(_ loaded: LoadedSettings, store: any CacheStore, logger: Logger) async -> [UInt8] {
        if let key = loaded.secrets.tenancyKey { return Array(key.reveal().utf8) }
        let name = "tenant-key"
        if let kept = try? await store.state(named: name), kept.count >= 16 { return kept }
        var generator = SystemRandomNumberGenerator()
        let key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        do throws(StoreError) { try await store.setState(key, named: name) } catch {
            logger.warning("the tenant key could not be kept: entries will be out of reach after a restart", metadata: ["reason": "\(error)"])
        }
        return key
    }
}

/// The system's wall clock.
struct SystemClock: WallClock {
    func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

/// Why the proxy cannot start.
enum StartError: Error, CustomStringConvertible {
    /// `matching.require_model` is set and the model cannot be used.
    case modelRequired(String)
    /// The upstream's settings cannot be used.
    case upstream(String)
    /// The access log cannot be written.
    case accessLog(String)
    /// The server's certificate cannot be used.
    case certificate(String)
    /// The shared tier's settings cannot be used.
    case shared(String)

    /// What is wrong, without the setting that it is wrong with.
    var reason: String {
        switch self {
        case .modelRequired(let why), .upstream(let why), .accessLog(let why), .certificate(let why), .shared(let why): why
        }
    }

    var description: String {
        switch self {
        case .modelRequired(let why): "matching.require_model is set, and the model cannot be used: \(why)"
        case .upstream(let why): "the upstream cannot be used: \(why)"
        case .certificate(let why): "server.tls_certificate: \(why)"
        case .shared: "the shared tier cannot be used: \(reason)"
        case .accessLog(let why): "log.access_file: \(why)"
        }
    }
}
