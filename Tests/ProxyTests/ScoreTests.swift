import HTTPTypes
@testable import Matching
import Proxy
import SemanticCache
import Telemetry
import Testing

/// The distribution of scores that the dashboard draws the gate's cut into.
struct ScoreTests {
    private func sums(_ bench: LearnerBench) -> [Int] { [true, false].map { bench.metrics.scores.counts(served: $0).reduce(0, +) } }

    @Test func itHasTheGatesBins() {
        #expect(ScoreHistogram.binCount == ErrorGate.binCount)
        for score in (0..<ErrorGate.binCount).map({ ErrorGate.floor(of: $0) }) + [-50, -3.1, -2.9, 0.3, 8.9, 9, 50] {
            let histogram = ScoreHistogram()
            histogram.record(score, isServed: true)
            #expect(histogram.counts(served: true).firstIndex(of: 1) == ErrorGate.bin(of: score))
        }
        #expect(ErrorGate.floor(of: 0) == ScoreHistogram.lowest && ErrorGate.floor(of: 1) == ScoreHistogram.lowest + ScoreHistogram.width)
    }

    @Test func whatAGuardForwardsIsNotWeighed() async {
        let bench = LearnerBench()
        _ = await bench.ask(LearnerBench.first)
        #expect(sums(bench) == [0, 0])
        #expect(await bench.ask(LearnerBench.reworded)[.xCacheMatch] == "semantic")
        #expect(sums(bench) == [1, 0])
        #expect(await bench.ask("how do I not reset my account password")[.xCacheReason] == "polarity-differs")
        #expect(sums(bench) == [1, 0])
        #expect(bench.metrics.similarities.counts(served: false).reduce(0, +) == 1)
    }

    @Test func whatTheGateForwardsIsCounted() async {
        let bench = LearnerBench(prior: nil, judging: nil)
        _ = await bench.ask(LearnerBench.first)
        #expect(await bench.ask(LearnerBench.reworded)[.xCacheReason] == "below-cut")
        #expect(sums(bench) == [0, 1])
    }
}
