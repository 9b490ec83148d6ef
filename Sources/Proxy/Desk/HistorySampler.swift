package import SemanticCache
import ServiceLifecycle
package import Telemetry

/// Notes the counters in the history, at the start and every ten seconds.
package struct HistorySampler: Service {
    private let metrics: ProxyMetrics
    private let history: History
    private let clock: any WallClock

    package init(metrics: ProxyMetrics, history: History, clock: any WallClock) {
        self.metrics = metrics
        self.history = history
        self.clock = clock
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                history.add(metrics.sample(at: clock.now()))
                try? await Task.sleep(for: History.interval)
            }
        }
    }
}
