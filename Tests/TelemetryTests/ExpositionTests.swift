@testable import Telemetry
import SemanticCache
import Testing

struct ExpositionTests {
    @Test func labelsAreEscaped() {
        var out = Exposition()
        out.family("a_total", .counter, "Help.")
        out.sample(3, ["x": "a\"b\\c\nd", "y": "é"])
        out.sample(2.5)
        #expect(
            String(decoding: out.bytes, as: UTF8.self)
                == "# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"a\\\"b\\\\c\\nd\",y=\"é\"} 3\na_total 2.5\n")
    }

    @Test(arguments: [(Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (0, "0.0"), (1e-9, "1e-09")])
    func numbersAreWrittenAsTheFormatWantsThem(value: Double, text: String) {
        var out = Exposition()
        out.single("a", .gauge, "Help.", value)
        #expect(String(decoding: out.bytes, as: UTF8.self).hasSuffix("\na \(text)\n"))
    }

    @Test func aHistogramEndsWithItsTotal() {
        var out = Exposition()
        let latencies = LatencyHistogram()
        latencies.record(.milliseconds(3))
        out.family("a_seconds", .histogram, "Help.")
        out.histogram(latencies, ["tier": "x"])
        let text = String(decoding: out.bytes, as: UTF8.self)
        #expect(text.contains("a_seconds_bucket{tier=\"x\",le=\"0.002048\"} 0\n"))
        #expect(text.contains("a_seconds_bucket{tier=\"x\",le=\"0.004096\"} 1\n"))
        #expect(text.hasSuffix("a_seconds_bucket{tier=\"x\",le=\"+Inf\"} 1\na_seconds_sum{tier=\"x\"} 0.003\na_seconds_count{tier=\"x\"} 1\n"))
    }

    @Test(arguments: CircuitCondition.allCases) func aCircuitIsInOneState(condition: CircuitCondition) {
        let metrics = ProxyMetrics()
        metrics.watch(["former": { UpstreamCondition(circuit: .open, active: 1, waiting: 1) }])
        metrics.watch(["a": { UpstreamCondition(circuit: condition, active: 7, waiting: 3) }])
        var out = Exposition()
        metrics.write(to: &out)
        let text = String(decoding: out.bytes, as: UTF8.self)
        for state in CircuitCondition.allCases {
            #expect(text.contains("reprise_upstream_circuit_state{upstream=\"a\",state=\"\(state.rawValue)\"} \(state == condition ? 1 : 0)\n"))
        }
        #expect(text.contains("reprise_upstream_circuit_open{upstream=\"a\"} \(condition == .closed ? 0 : 1)\n"))
        #expect(text.contains("reprise_upstream_calls{upstream=\"a\",state=\"active\"} 7\n"))
        #expect(text.contains("reprise_upstream_calls{upstream=\"a\",state=\"waiting\"} 3\n"))
        #expect(metrics.upstreams.mapValues(\.circuit) == ["a": condition])
    }

    /// A rate over a series that appears with its first request would miss that request.
    @Test func whatMayHappenIsThereBeforeItDoes() {
        let metrics = ProxyMetrics()
        func series() -> [String: Int] {
            var out = Exposition()
            metrics.write(to: &out)
            let lines = String(decoding: out.bytes, as: UTF8.self).split(separator: "\n")
            let pairs = lines.compactMap { line -> (String, Int)? in
                guard line.hasPrefix("reprise_requests_total{") || line.hasPrefix("reprise_answers_not_stored_total{") else { return nil }
                let parts = line.split(separator: " ")
                return Int(parts[1]).map { (String(parts[0]), $0) }
            }
            return Dictionary(pairs) { first, _ in first }
        }
        let before = series()
        #expect(before.values.allSatisfy { $0 == 0 })
        let bypasses = BypassReason.allCases.count
        let perEndpoint = 3 + MissReason.allCases.count + bypasses
        #expect(before.count == Endpoint.allCases.count * perEndpoint + bypasses + NotStoredReason.allCases.count)
        for endpoint in Endpoint.allCases {
            metrics.record(.semanticHit, .init(endpoint: endpoint))
            for reason in MissReason.allCases { metrics.record(.miss(reason), .init(endpoint: endpoint)) }
        }
        for reason in BypassReason.allCases { metrics.record(.bypass(reason), .init()) }
        for reason in NotStoredReason.allCases { metrics.recordNotStored(reason) }
        let after = series()
        #expect(Set(after.keys) == Set(before.keys))
        let changed = Endpoint.allCases.count * (1 + MissReason.allCases.count) + bypasses + NotStoredReason.allCases.count
        #expect(after.values.reduce(0, +) == changed && after.values.allSatisfy { $0 <= 1 })
    }

    @Test func noSeriesStandsTwice() {
        let metrics = ProxyMetrics()
        metrics.watch([
            "a": { UpstreamCondition(circuit: .closed, active: 0, waiting: 0) },
            "b": { UpstreamCondition(circuit: .halfOpen, active: 1, waiting: 1) },
        ])
        metrics.record(.exactHit, .init(endpoint: .chatCompletions, model: "a", namespace: "b"))
        metrics.record(.miss(.emptyScope), .init(endpoint: .embeddings, model: "b", namespace: "a"))
        metrics.record(.bypass(.path), .init())
        var out = Exposition()
        metrics.write(to: &out)
        let lines = String(decoding: out.bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
        let series = lines.map { $0.prefix(upTo: $0.lastIndex(of: " ") ?? $0.endIndex) }
        #expect(Set(series).count == series.count)
        #expect(series.contains("reprise_requests_total{endpoint=\"other\",outcome=\"bypass\",reason=\"path\"}"))
    }
}
