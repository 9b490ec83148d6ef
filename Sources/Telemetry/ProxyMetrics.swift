// Telemetry: the numbers that leave the process.
//
// `ProxyMetrics` is written by the proxy on every request and read by the admin surface. It knows nothing of HTTP or of the cache's
// structure; gauges such as the number of entries are read where they live, when a report is made.
//
// Invariant: every request ends in exactly one of hit, miss, bypass or stale, so that the four add up to `total`.

package import SemanticCache
import Synchronization

/// The counters and histograms of one proxy. All calls are safe from any thread and take constant time.
package final class ProxyMetrics: Sendable {
    /// What became of one request.
    package enum Outcome: Sendable {
        case exactHit
        case semanticHit
        case miss(MissReason)
        case bypass(BypassReason)
    }

    /// Why an entry left the cache.
    package enum Eviction: Sendable {
        case expired
        case capacity
        case flushed
    }

    /// A plain copy of the counters.
    package struct Counts: Sendable {
        package var exactHits = 0
        package var semanticHits = 0
        package var misses = 0
        package var bypassed = 0
        package var coalesced = 0
        package var stale = 0
        package var upstreamErrors = 0
        package var expired = 0
        package var capacityEvictions = 0
        package var flushed = 0
        package var savedCalls = 0
        package var savedPromptTokens = 0
        package var savedCompletionTokens = 0
        package var savedSeconds = 0.0
        package var missReasons: [MissReason: Int] = [:]
        package var bypassReasons: [BypassReason: Int] = [:]
        package var notStored: [NotStoredReason: Int] = [:]
        package var models: [String: ModelCounts] = [:]

        /// All requests that reached the proxy's own paths.
        package var total: Int { exactHits + semanticHits + misses + bypassed + stale }

        /// Hits by requests that were looked up; zero before the first.
        package var hitRatio: Double {
            let lookedUp = total - bypassed
            return lookedUp == 0 ? 0 : Double(exactHits + semanticHits) / Double(lookedUp)
        }
    }

    /// The counters of one model.
    package struct ModelCounts: Sendable {
        package var requests = 0
        package var hits = 0
    }

    /// More models than this are counted together under `other`, so that hostile names cannot fill the memory.
    private static let maximumModels = 200

    private let counts = Mutex(Counts())

    package let exactHitLatency = LatencyHistogram()
    package let semanticHitLatency = LatencyHistogram()
    /// The time a miss spends in the proxy before its request leaves for the upstream.
    package let missOverhead = LatencyHistogram()
    package let embedLatency = LatencyHistogram()
    package let searchLatency = LatencyHistogram()

    package init() {}

    /// Counts a request's end. `model` is empty for requests without one.
    package func record(_ outcome: Outcome, model: String) {
        counts.withLock { counts in
            var isHit = false
            switch outcome {
            case .exactHit:
                counts.exactHits += 1
                isHit = true
            case .semanticHit:
                counts.semanticHits += 1
                isHit = true
            case .miss(let reason):
                counts.misses += 1
                counts.missReasons[reason, default: 0] += 1
            case .bypass(let reason):
                counts.bypassed += 1
                counts.bypassReasons[reason, default: 0] += 1
            }
            guard !model.isEmpty else { return }
            let name = counts.models[model] != nil || counts.models.count < Self.maximumModels ? model : "other"
            counts.models[name, default: ModelCounts()].requests += 1
            if isHit { counts.models[name, default: ModelCounts()].hits += 1 }
        }
    }

    /// Counts what a hit spared: one call, its tokens, and the upstream's time less the hit's own.
    package func recordSaving(usage: TokenUsage?, upstreamTime: Duration, hitTime: Duration) {
        counts.withLock { counts in
            counts.savedCalls += 1
            counts.savedPromptTokens += usage?.prompt ?? 0
            counts.savedCompletionTokens += usage?.completion ?? 0
            counts.savedSeconds += max(0, (upstreamTime - hitTime).inSeconds)
        }
    }

    /// Counts a miss that was answered by another request's call.
    package func recordCoalesced() { counts.withLock { $0.coalesced += 1 } }

    package func recordUpstreamError() { counts.withLock { $0.upstreamErrors += 1 } }

    package func recordNotStored(_ reason: NotStoredReason) { counts.withLock { $0.notStored[reason, default: 0] += 1 } }

    package func recordEviction(_ kind: Eviction, count: Int) {
        guard count > 0 else { return }
        counts.withLock { counts in
            switch kind {
            case .expired: counts.expired += count
            case .capacity: counts.capacityEvictions += count
            case .flushed: counts.flushed += count
            }
        }
    }

    /// A consistent copy of all counters.
    package var snapshot: Counts { counts.withLock { $0 } }
}
