import Cache
import Learning
import Logging
import SemanticCache
import Server
import Settings
import SharedPostgres
import SharedRedis
import Sharing
import Telemetry

/// An engine that several proxies share, by the adapter of its kind; not connected yet.
struct SharedEngine: Sendable {
    let tier: any SharedTier
    /// Where it is, for people: never a password.
    let place: String

    /// `nil` where the settings name none. Throws ``StartError/shared(_:)`` when its URL cannot be used.
    init?(_ loaded: LoadedSettings) throws(StartError) {
        let shared = loaded.settings.shared
        guard let url = loaded.secrets.sharedURL?.reveal() else { return nil }
        switch shared.kind {
        case .none: return nil
        case .redis:
            let configuration: RedisConfiguration
            do throws(RedisURLError) {
                configuration = try RedisConfiguration(url: url, prefix: shared.namespace, index: shared.index == .hnsw ? .hnsw : .flat)
            } catch { throw .shared("its URL \(error)") }
            tier = RedisTier(configuration)
            place = configuration.description
        case .postgres:
            let configuration: PostgresConfiguration
            do throws(SharedTierError) { configuration = try PostgresConfiguration(url: url, schema: shared.namespace) } catch {
                throw .shared("its URL is \(error)")
            }
            tier = PostgresTier(configuration)
            place = configuration.endpoint
        case .milvus: throw .shared("there is no adapter for milvus in this version")
        }
    }
}

extension Composition {
    /// What is counted of the shared tier, and what `/readyz` says of it; `nil` without one.
    static func sharedMetrics(_ settings: Settings.Shared, readiness: Readiness) -> SharedTierMetrics? {
        guard settings.kind != .none else { return nil }
        let kind = settings.kind.rawValue
        readiness.set("shared", .degraded("\(kind) is not reached yet; this proxy serves what it has itself"))
        return SharedTierMetrics(kind: kind) { state in
            let condition: Readiness.State =
                switch state {
                case .works: .ready
                case .down(let reason): .degraded("\(kind) \(reason); this proxy serves what it has itself")
                case .refused(let reason): .degraded("\(kind) \(reason); this proxy serves what it has itself until that is mended")
                }
            readiness.set("shared", condition)
        }
    }

    /// What several proxies share, as this one sees it; `nil` where it is alone, also because the engine's URL cannot be used, which costs no request.
    static func makeShared(
        _ loaded: LoadedSettings, metrics: SharedTierMetrics?, cache: AnswerCache, store: any CacheStore, ids: EntryIDSource,
        embedder: (any Embedder)?, learner: MatchLearner?, clock: any WallClock, logger: Logger
    ) -> SharedCache? {
        guard let metrics else { return nil }
        let engine: SharedEngine
        do throws(StartError) {
            guard let named = try SharedEngine(loaded) else { return nil }
            engine = named
        } catch {
            metrics.setState(.refused(reason: "cannot be used: \(error.reason)"))
            logger.error("the shared tier cannot be used; this proxy serves what it has itself", metadata: ["reason": "\(error.reason)"])
            return nil
        }
        let shared = loaded.settings.shared
        return SharedCache(
            tier: engine.tier, sealing: SharedSealing(loaded), cache: cache, store: store, ids: ids, embedder: embedder, metrics: metrics,
            clock: clock, logger: logger, options: SharedOptions(kind: shared.kind.rawValue, lookupTimeout: shared.lookupTimeout),
            onRemoval: { entries in if let entries { learner?.forget(entries) } else { learner?.forget() } })
    }
}

extension SharedSealing {
    /// By the keys of the settings, which have a tenancy key wherever there is a shared tier.
    init(_ loaded: LoadedSettings) {
        self.init(
            tenancyKey: Array((loaded.secrets.tenancyKey?.reveal() ?? "").utf8), encryptionKey: loaded.secrets.encryptionKey?.reveal())
    }
}
