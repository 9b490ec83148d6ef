@testable import Learning
@testable import Matching
@testable import Proxy
import SemanticCache
import Synchronization
import Testing
import TestSupport

/// Another error bound while the proxy runs.
struct ErrorBoundReloadTests {
    @Test func whatIsReportedFollowsTheNewBound() async throws {
        let bench = LearnerBench(judging: nil)
        _ = await bench.ask(LearnerBench.first)
        _ = await bench.ask(LearnerBench.reworded)
        #expect(bench.learner.populations.map(\.errorBound) == [0.01])
        bench.learner.reckon(with: 0.2)
        let global = bench.learner.state.withLock { $0.global }
        #expect(global.settledBound == 0.2)
        #expect(bench.learner.report.upperBound == global.gate.cut(bound: 0.2).upperBound)
        // A kind of traffic follows when it is asked, and stays as it is when somebody only looks.
        let name = try #require(bench.learner.state.withLock { $0.names.values.first })
        let matching = MatchingOptions(mode: .calibrated, errorBound: 0.2, profile: .default, threshold: 0.9)
        _ = await bench.learner.decide("anything", [], in: name, matching, floor: 0, explores: false)
        #expect(bench.learner.populations.map(\.errorBound) == [0.01])
        _ = await bench.learner.decide("anything", [], in: name, matching, floor: 0)
        #expect(bench.learner.populations.map(\.errorBound) == [0.2])
    }
}
