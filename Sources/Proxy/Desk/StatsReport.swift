package import Cache
package import Learning
import Matching
package import SemanticCache
package import Telemetry

/// The body of `GET /cache/stats`; member names are the outside contract.
package struct StatsReport: Encodable, Sendable {
    package struct Requests: Encodable, Sendable {
        let total, exactHits, semanticHits, misses, bypassed, coalesced, stale, upstreamErrors, refused: Int
    }

    package struct Evictions: Encodable, Sendable {
        let expired, capacity, flushed: Int
    }

    package struct Saved: Encodable, Sendable {
        let upstreamCalls, promptTokens, completionTokens: Int
        /// What the calls would have cost, less what the cache spent; before that is taken off; seconds of the upstream's time.
        let usd, grossUsd, seconds: Double
    }

    /// What the recorded calls to the upstream cost.
    package struct Spent: Encodable, Sendable {
        let promptTokens, completionTokens: Int
        let usd: Double
    }

    /// What the cache itself spent: US dollars, and time.
    package struct Costs: Encodable, Sendable {
        let judgeUsd, explorationUsd, calibrationUsd: Double
        /// The processor's own time for the embeddings of look-ups, which costs no money.
        let embeddingSeconds: Double
    }

    package struct Latencies: Encodable, Sendable {
        let exactHit, semanticHit, missOverhead, embed, search, decide: LatencyHistogram.Quantiles
        /// `nil` without a shared tier.
        let sharedLookup: LatencyHistogram.Quantiles?
    }

    /// The tier that several proxies share.
    package struct Shared: Encodable, Sendable {
        /// `redis`, `postgres`; and `works` or `down`.
        let kind, state: String
        /// Why it is down.
        let reason: String?
        let exactHits, semanticHits, misses, late, errors: Int
        /// Look-ups that were not made because the engine was away.
        let notAsked: Int
        /// Entries that the engine has not taken yet, and those that it will never take.
        let waiting, dropped: Int
    }

    package struct Matching: Encodable, Sendable {
        let mode: String
        let embedder: String?
        let dimension: Int?
        let threshold: Double
        let profile: String
        let searchable: Int
        let waitingForEmbedding: Int
        /// The share of wrong answers that is allowed, estimated, and not exceeded at 80 % confidence, among those served by meaning; relative to
        /// the judge, over all traffic. `nil` while nothing is learned or served.
        let errorBound: Double
        let estimatedError, upperBound: Double?
        /// What the traffic's own labels alone say, inherited ones aside, and how many they are; `nil` without any.
        let ownEstimatedError: Double?
        let ownLabels: Int
        /// Earlier turns of conversations that counted as worded like the entries that answered them, and the turns of which that is known.
        let turnsReplaced, turnsKnown: Int
        /// Labels learned from.
        let observations: Int
        let learning: Learning?
        /// What was learned of each kind of traffic; `nil` where nothing is learned.
        let populations: [PopulationReport]?
        /// Vectors that are compared one by one while a graph over them is being built.
        let unlinked: Int
    }

    /// The work behind the error bound.
    package struct Learning: Encodable, Sendable {
        let prior: Bool
        let populations, hits, explored, labels, right, dropped, disputed: Int
        let judgedEqual, judgedByEmbedding, judgedByModel, unsure, judgeFailed: Int
        /// Comparisons that told nothing, and dropped ones of what would have been served.
        let undecided, droppedServable: Int
        /// Exact hits that were asked afresh, and how many the judge called different: no error below that share can be told from noise.
        let noiseSampled, noiseDifferent: Int
        let verified, verifierLate: Int
    }

    package struct Store: Encodable, Sendable {
        let queue, dropped: Int
        let fault: String?
        /// Why the snapshot of the index cannot be written.
        let snapshotFault: String?
        /// Whether entries of an earlier run are still being read; how many of them have been, and how many the store held at the start.
        let restoring: Bool
        let restored, stored: Int
        /// Entries whose answer is in memory, not in the store alone.
        let answersInMemory: Int
    }

    /// One model, tenant or namespace.
    package struct Share: Encodable, Sendable {
        let requests, hits: Int
        let savedUsd, spentUsd: Double
        let savedTokens: Int

        init(_ account: Account) {
            let figures = account.figures
            requests = figures.requests
            hits = figures.hits
            savedUsd = figures.net.dollars
            spentUsd = figures.spent.dollars
            savedTokens = figures.savedPromptTokens + figures.savedCompletionTokens
        }
    }

    /// How similar the best neighbours were: counts in bins of equal width over 0...1.
    package struct Similarities: Encodable, Sendable {
        let served, forwarded: [Int]
    }

    /// How the best neighbours scored that no guard forwarded: counts in bins of `width` from `lowest` on.
    package struct Scores: Encodable, Sendable {
        let lowest, width: Double
        let served, forwarded: [Int]
    }

    let version: String
    let uptimeSeconds: Double
    let requests: Requests
    let hitRatio: Double
    let entries, memoryBytes, diskBytes: Int
    let evictions: Evictions
    let saved: Saved
    let spent: Spent
    let costs: Costs
    let pricesDate: String
    let latencyMs: Latencies
    let matching: Matching
    let store: Store
    /// `nil` without a shared tier.
    let shared: Shared?
    let missReasons, bypassReasons, notStored, notWritten: [String: Int]
    let similarities: Similarities
    /// `nil` where nothing is learned.
    let scores: Scores?
    /// The circuit of each upstream: `closed`, `open` while it is left alone, `half_open` while one call tries it or the next one will.
    let upstreams: [String: String]
    let models, tenants, namespaces: [String: Share]
}

/// Makes a ``StatsReport`` of the parts that hold the numbers.
package struct StatsReporter: Sendable {
    let version: String
    let started = ContinuousClock.now
    private let live: LiveOptions
    let cache: AnswerCache
    let embedder: (any Embedder)?
    let indexing: IndexingQueue?
    let writer: WriteBehind
    let store: any CacheStore
    let restorer: EntryRestorer?
    let snapshots: IndexSnapshots?
    let metrics: ProxyMetrics
    let learner: MatchLearner?
    let droppedLines: @Sendable () -> Int

    var options: PipelineOptions { live.current }

    package init(
        version: String, options live: LiveOptions, cache: AnswerCache, embedder: (any Embedder)?, indexing: IndexingQueue?, writer: WriteBehind,
        store: any CacheStore, restorer: EntryRestorer? = nil, snapshots: IndexSnapshots? = nil, metrics: ProxyMetrics,
        learner: MatchLearner? = nil,
        droppedLines: @escaping @Sendable () -> Int = { 0 }
    ) {
        self.learner = learner
        self.version = version
        self.live = live
        self.cache = cache
        self.embedder = embedder
        self.indexing = indexing
        self.writer = writer
        self.store = store
        self.restorer = restorer
        self.snapshots = snapshots
        self.metrics = metrics
        self.droppedLines = droppedLines
    }

    /// The numbers of this moment. A store that fails is reported with no bytes and its fault, never with an error.
    package func report() async -> StatsReport {
        let counts = metrics.snapshot
        let learned = learner?.report
        let diskBytes = (try? await store.diskBytes()) ?? 0
        let progress = restorer?.progress ?? EntryRestorer.Progress()
        return StatsReport(
            version: version,
            uptimeSeconds: ((ContinuousClock.now - started).inSeconds * 1000).rounded() / 1000,
            requests: .init(
                total: counts.total, exactHits: counts.exactHits, semanticHits: counts.semanticHits, misses: counts.misses,
                bypassed: counts.bypassed, coalesced: counts.coalesced, stale: counts.stale, upstreamErrors: counts.upstreamErrors,
                refused: counts.refused),
            hitRatio: (counts.hitRatio * 10_000).rounded(.down) / 10_000,
            entries: cache.count, memoryBytes: cache.memoryBytes, diskBytes: diskBytes,
            evictions: .init(expired: counts.expired, capacity: counts.capacityEvictions, flushed: counts.flushed),
            saved: .init(
                upstreamCalls: counts.savedCalls, promptTokens: counts.savedPromptTokens, completionTokens: counts.savedCompletionTokens,
                usd: counts.net.dollars, grossUsd: counts.saved.dollars, seconds: (counts.savedSeconds * 1000).rounded() / 1000),
            spent: .init(promptTokens: counts.spentPromptTokens, completionTokens: counts.spentCompletionTokens, usd: counts.spent.dollars),
            costs: .init(
                judgeUsd: counts.costs[.judge]?.dollars ?? 0, explorationUsd: counts.costs[.exploration]?.dollars ?? 0,
                calibrationUsd: counts.costs[.calibration]?.dollars ?? 0,
                embeddingSeconds: (metrics.embedLatency.cumulative.sum * 1000).rounded() / 1000),
            pricesDate: metrics.prices.date,
            latencyMs: .init(
                exactHit: metrics.exactHitLatency.quantiles, semanticHit: metrics.semanticHitLatency.quantiles,
                missOverhead: metrics.missOverhead.quantiles, embed: metrics.embedLatency.quantiles, search: metrics.searchLatency.quantiles,
                decide: metrics.decideLatency.quantiles, sharedLookup: metrics.shared?.latency.quantiles),
            matching: .init(
                mode: embedder == nil ? MatchingMode.exact.rawValue : options.mode.rawValue, embedder: embedder?.fingerprint,
                dimension: embedder?.dimension, threshold: Double(options.threshold), profile: options.profile.rawValue,
                searchable: cache.searchableCount, waitingForEmbedding: indexing?.depth ?? 0,
                errorBound: options.errorBound, estimatedError: learned.map { $0.cut == nil ? 0 : $0.estimatedError },
                upperBound: learned?.upperBound, ownEstimatedError: learned?.ownEstimatedError, ownLabels: learned?.ownLabels ?? 0,
                turnsReplaced: counts.replacedTurns, turnsKnown: cache.turns.count,
                observations: learned?.observations ?? 0, learning: learned.map(StatsReport.Learning.init),
                populations: learner?.populations,
                unlinked: cache.unlinkedCount),
            store: .init(
                queue: writer.depth, dropped: writer.dropped, fault: writer.fault, snapshotFault: snapshots?.fault, restoring: cache.isRestoring,
                restored: progress.read, stored: progress.total, answersInMemory: cache.hotCount),
            shared: metrics.shared.map(StatsReport.Shared.init),
            missReasons: Self.named(counts.missReasons), bypassReasons: Self.named(counts.bypassReasons), notStored: Self.named(counts.notStored),
            notWritten: Self.named(writer.droppedByReason),
            similarities: .init(served: metrics.similarities.counts(served: true), forwarded: metrics.similarities.counts(served: false)),
            scores: learner == nil ? nil : scores,
            upstreams: metrics.upstreams.mapValues { $0.circuit.rawValue }, models: Self.shares(metrics.modelAccounts),
            tenants: Self.shares(metrics.tenantAccounts),
            namespaces: Self.shares(metrics.namespaceAccounts))
    }

    private var scores: StatsReport.Scores {
        StatsReport.Scores(
            lowest: ScoreHistogram.lowest, width: ScoreHistogram.width, served: metrics.scores.counts(served: true),
            forwarded: metrics.scores.counts(served: false))
    }

    private static func shares(_ accounts: [Account]) -> [String: StatsReport.Share] {
        // A model that is really called `other` shares a line with the late-comers.
        Dictionary(accounts.map { ($0.name, StatsReport.Share($0)) }) { first, _ in first }
    }

    private static func named<Reason: RawRepresentable<String>>(_ counts: [Reason: Int]) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) })
    }
}

extension StatsReport.Shared {
    fileprivate init(_ metrics: SharedTierMetrics) {
        let numbers = metrics.snapshot()
        let count = { (result: SharedLookUpResult) in numbers.results[result] ?? 0 }
        self.init(
            kind: metrics.kind, state: numbers.state == .works ? "works" : "down", reason: numbers.state.reason, exactHits: count(.exactHit),
            semanticHits: count(.semanticHit), misses: count(.miss), late: count(.late), errors: count(.error), notAsked: count(.down),
            waiting: numbers.waiting, dropped: numbers.dropped)
    }
}

extension StatsReport.Learning {
    init(_ report: MatchLearner.Report) {
        self.init(
            prior: report.hasPrior, populations: report.populations, hits: report.hits, explored: report.explored, labels: report.counts.labels,
            right: report.counts.right, dropped: report.counts.dropped, disputed: report.counts.disputed, judgedEqual: report.judge.equal,
            judgedByEmbedding: report.judge.embedded, judgedByModel: report.judge.asked, unsure: report.judge.unsure,
            judgeFailed: report.judge.failed, undecided: report.counts.undecided, droppedServable: report.counts.droppedServable,
            noiseSampled: report.counts.noiseSampled, noiseDifferent: report.counts.noiseDifferent,
            verified: report.counts.verified, verifierLate: report.counts.verifierLate)
    }
}
