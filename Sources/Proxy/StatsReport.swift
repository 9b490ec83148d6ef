import Matching
package import SemanticCache
package import Telemetry

/// The body of `GET /cache/stats`; member names are the outside contract.
package struct StatsReport: Encodable, Sendable {
    package struct Requests: Encodable, Sendable {
        let total, exactHits, semanticHits, misses, bypassed, coalesced, stale, upstreamErrors: Int
    }

    package struct Evictions: Encodable, Sendable {
        let expired, capacity, flushed: Int
    }

    package struct Saved: Encodable, Sendable {
        let upstreamCalls, promptTokens, completionTokens: Int
        let usd, seconds: Double
    }

    package struct Latencies: Encodable, Sendable {
        let exactHit, semanticHit, missOverhead, embed, search: LatencyHistogram.Quantiles
    }

    package struct Matching: Encodable, Sendable {
        let mode: String
        let embedder: String?
        let dimension: Int?
        let threshold: Double
        let profile: String
        let searchable: Int
        let waitingForEmbedding: Int
    }

    package struct Store: Encodable, Sendable {
        let queue, dropped: Int
        let fault: String?
    }

    package struct Model: Encodable, Sendable {
        let requests, hits: Int
        let savedUsd: Double
    }

    let version: String
    let uptimeSeconds: Double
    let requests: Requests
    let hitRatio: Double
    let entries, memoryBytes, diskBytes: Int
    let evictions: Evictions
    let saved: Saved
    let latencyMs: Latencies
    let matching: Matching
    let store: Store
    let missReasons, bypassReasons, notStored: [String: Int]
    let models: [String: Model]
}

/// Makes a ``StatsReport`` of the parts that hold the numbers.
package struct StatsReporter: Sendable {
    private let version: String
    private let started = ContinuousClock.now
    private let options: PipelineOptions
    private let cache: AnswerCache
    private let embedder: (any Embedder)?
    private let indexing: IndexingQueue?
    private let writer: WriteBehind
    private let store: any CacheStore
    private let metrics: ProxyMetrics

    package init(
        version: String, options: PipelineOptions, cache: AnswerCache, embedder: (any Embedder)?, indexing: IndexingQueue?, writer: WriteBehind,
        store: any CacheStore, metrics: ProxyMetrics
    ) {
        self.version = version
        self.options = options
        self.cache = cache
        self.embedder = embedder
        self.indexing = indexing
        self.writer = writer
        self.store = store
        self.metrics = metrics
    }

    /// The numbers of this moment. A store that fails is reported with no bytes and its fault, never with an error.
    package func report() async -> StatsReport {
        let counts = metrics.snapshot
        let diskBytes = (try? await store.diskBytes()) ?? 0
        return StatsReport(
            version: version,
            uptimeSeconds: ((ContinuousClock.now - started).inSeconds * 1000).rounded() / 1000,
            requests: .init(
                total: counts.total, exactHits: counts.exactHits, semanticHits: counts.semanticHits, misses: counts.misses,
                bypassed: counts.bypassed, coalesced: counts.coalesced, stale: counts.stale, upstreamErrors: counts.upstreamErrors),
            hitRatio: (counts.hitRatio * 10_000).rounded(.down) / 10_000,
            entries: cache.count, memoryBytes: cache.memoryBytes, diskBytes: diskBytes,
            evictions: .init(expired: counts.expired, capacity: counts.capacityEvictions, flushed: counts.flushed),
            saved: .init(
                upstreamCalls: counts.savedCalls, promptTokens: counts.savedPromptTokens, completionTokens: counts.savedCompletionTokens,
                usd: 0, seconds: (counts.savedSeconds * 1000).rounded() / 1000),
            latencyMs: .init(
                exactHit: metrics.exactHitLatency.quantiles, semanticHit: metrics.semanticHitLatency.quantiles,
                missOverhead: metrics.missOverhead.quantiles, embed: metrics.embedLatency.quantiles, search: metrics.searchLatency.quantiles),
            matching: .init(
                mode: embedder == nil ? PipelineOptions.Mode.exact.rawValue : options.mode.rawValue, embedder: embedder?.fingerprint,
                dimension: embedder?.dimension, threshold: Double(options.threshold), profile: options.profile.rawValue,
                searchable: cache.searchableCount, waitingForEmbedding: indexing?.depth ?? 0),
            store: .init(queue: writer.depth, dropped: writer.dropped, fault: writer.fault),
            missReasons: Self.named(counts.missReasons), bypassReasons: Self.named(counts.bypassReasons), notStored: Self.named(counts.notStored),
            models: counts.models.mapValues { .init(requests: $0.requests, hits: $0.hits, savedUsd: 0) })
    }

    private static func named<Reason: RawRepresentable<String>>(_ counts: [Reason: Int]) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) })
    }
}
