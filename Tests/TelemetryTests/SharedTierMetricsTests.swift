import SemanticCache
import Synchronization
import Testing

@testable import Telemetry

/// What is counted of the tier that several proxies share.
struct SharedTierMetricsTests {
    private func text(_ metrics: ProxyMetrics) -> String {
        var out = Exposition()
        metrics.write(to: &out)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    @Test func everyResultIsCountedByItselfAndOnlyWhatWasAskedTakesTime() {
        let shared = SharedTierMetrics(kind: "redis")
        for (number, result) in SharedLookUpResult.allCases.enumerated() {
            for _ in 0...number { shared.record(result, took: .milliseconds(2)) }
        }
        let results = shared.snapshot().results
        for (number, result) in SharedLookUpResult.allCases.enumerated() { #expect(results[result] == number + 1, "\(result)") }
        let down = results[.down] ?? 0
        #expect(shared.latency.cumulative.total == results.values.reduce(0, +) - down)
        shared.setWaiting(7)
        shared.setWaiting(3)
        shared.recordDropped(2)
        shared.recordDropped(3)
        #expect(shared.snapshot().waiting == 3 && shared.snapshot().dropped == 5)
    }

    @Test func aStateIsToldWhenItChanges() {
        let told = Mutex<[SharedTierMetrics.State]>([])
        let shared = SharedTierMetrics(kind: "redis") { state in told.withLock { $0.append(state) } }
        #expect(shared.snapshot().state == .down(reason: "not reached yet"))
        let states: [SharedTierMetrics.State] = [
            .works, .works, .down(reason: "a"), .down(reason: "b"), .refused(reason: "b"), .refused(reason: "b"), .works,
        ]
        for state in states {
            shared.setState(state)
            #expect(shared.snapshot().state == state)
        }
        #expect(told.withLock { $0 } == [.works, .down(reason: "a"), .down(reason: "b"), .refused(reason: "b"), .works])
    }

    @Test func theExpositionHasItWhereThereIsOne() {
        #expect(!text(ProxyMetrics()).contains("reprise_shared"))
        let shared = SharedTierMetrics(kind: "postgres")
        let metrics = ProxyMetrics(shared: shared)
        #expect(text(metrics).contains("\nreprise_shared_up{kind=\"postgres\"} 0\n"))
        shared.setState(.works)
        shared.record(.semanticHit, took: .milliseconds(3))
        shared.record(.down, took: .zero)
        shared.setWaiting(4)
        shared.recordDropped(1)
        let lines = text(metrics)
        for line in [
            "reprise_shared_up{kind=\"postgres\"} 1", "reprise_shared_lookups_total{result=\"semantic_hit\"} 1",
            "reprise_shared_lookups_total{result=\"exact_hit\"} 0", "reprise_shared_lookups_total{result=\"down\"} 1",
            "reprise_shared_lookup_duration_seconds_count 1", "reprise_shared_waiting_entries 4", "reprise_shared_dropped_entries_total 1",
        ] { #expect(lines.contains("\n\(line)\n"), "\(line)") }
        let series = lines.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.prefix(upTo: $0.lastIndex(of: " ") ?? $0.endIndex) }
        #expect(Set(series).count == series.count)
    }

    @Test func theHistoryHasItsHits() {
        let shared = SharedTierMetrics(kind: "redis")
        let metrics = ProxyMetrics(shared: shared)
        for result in SharedLookUpResult.allCases { shared.record(result, took: .zero) }
        #expect(metrics.sample(at: Timestamp(milliseconds: 0)).sharedHits == 2)
        #expect(ProxyMetrics().sample(at: Timestamp(milliseconds: 0)).sharedHits == nil)
    }
}
