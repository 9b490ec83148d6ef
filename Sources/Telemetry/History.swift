package import SemanticCache
import Synchronization

/// How the counters went over time, in memory: every ten seconds for an hour, every five minutes for a day.
package final class History: Sendable {
    /// The counters of one moment, all counted from the start of the program.
    package struct Sample: Sendable, Encodable {
        /// Milliseconds since 1970.
        package let time: Int64
        package let exactHits, semanticHits, stale, misses, bypassed: Int
        package let savedUsd, savedSeconds: Double
        package let savedTokens: Int
        /// Hits of either kind that the shared tier had; `nil` without one.
        package let sharedHits: Int?
    }

    private struct State {
        var fine: [Sample] = []
        var coarse: [Sample] = []
    }

    package static let interval = Duration.seconds(10)
    private static let fineCount = 361
    private static let coarseCount = 289
    private static let coarseMilliseconds = Int64(300_000)
    private let state = Mutex(State())

    package init() {}

    /// Adds a sample. Samples come in the order of their times.
    package func add(_ sample: Sample) {
        state.withLock { state in
            state.fine.append(sample)
            if state.fine.count > Self.fineCount { state.fine.removeFirst() }
            if let last = state.coarse.last, sample.time - last.time < Self.coarseMilliseconds { return }
            state.coarse.append(sample)
            if state.coarse.count > Self.coarseCount { state.coarse.removeFirst() }
        }
    }

    /// The samples of the last hour, ten seconds apart.
    package var hour: [Sample] { state.withLock { $0.fine } }

    /// The samples of the last day, five minutes apart.
    package var day: [Sample] { state.withLock { $0.coarse } }
}

extension ProxyMetrics {
    /// The counters as a point in a history.
    package func sample(at time: Timestamp) -> History.Sample {
        let counts = snapshot
        return History.Sample(
            time: time.milliseconds, exactHits: counts.exactHits, semanticHits: counts.semanticHits, stale: counts.stale, misses: counts.misses,
            bypassed: counts.bypassed,
            savedUsd: counts.net.dollars, savedSeconds: counts.savedSeconds, savedTokens: counts.savedPromptTokens + counts.savedCompletionTokens,
            sharedHits: shared.map { shared in
                let results = shared.snapshot().results
                return (results[.exactHit] ?? 0) + (results[.semanticHit] ?? 0)
            })
    }
}
