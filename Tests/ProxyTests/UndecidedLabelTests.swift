import HTTPTypes
@testable import Learning
@testable import Matching
@testable import Proxy
import SemanticCache
import Synchronization
import TestSupport
import Testing

/// Comparisons that tell nothing, and what is spent on learning what "the same" looks like.
struct UndecidedLabelTests {
    @Test func whatNobodyCanTellIsNoLabel() async throws {
        let bench = LearnerBench(prior: nil) { body in
            body.contains("how do")
                ? "Open the settings page and choose security then reset." : "Open the settings page and choose profile then change it."
        }
        try await bench.learning {
            _ = await bench.ask(LearnerBench.first)
            _ = await bench.ask(LearnerBench.reworded)
            try await bench.until { bench.learner.report.counts.undecided == 1 }
        }
        let report = bench.learner.report
        #expect(report.counts.labels == 0 && report.counts.right == 0 && report.observations == 0)
        #expect(report.ownLabels == 0 && report.ownEstimatedError == nil)
    }

    /// Chance stands where the early share takes it and the later one does not.
    @Test func repeatsAreAskedForInTheBeginningAndNoMoreThanTheirBudget() async throws {
        var learning = MatchLearner.Options.shipped
        learning.earlyRepeats = 3
        let bench = LearnerBench(learning: learning) { _ in "It takes 3 days." }
        _ = await bench.ask(LearnerBench.first)
        for number in 0..<50 {
            let hit = await bench.ask(LearnerBench.reworded, id: "hit-\(number)")
            let id = try #require(hit[.xCacheEntry].flatMap { EntryID($0) })
            try await bench.learner.feedback(entry: id, requestID: "hit-\(number)", isRight: true, tenant: nil)
        }
        bench.dial.turn(to: UInt64(0.02 * 0x1p64))
        try await bench.learning {
            for round in 1...3 {
                #expect(await bench.ask(LearnerBench.first)[.xCacheReason] == "explored")
                try await bench.until { bench.learner.report.counts.noiseSampled == round }
            }
            #expect(await bench.ask(LearnerBench.first)[.xCacheMatch] == "exact", "the budget is spent")
        }
        let same = bench.learner.state.withLock { $0.populations.values.first?.likeness.same ?? [] }
        #expect((same.last ?? 0) > (AnswerLikeness().same.last ?? 0) + 2.9, "three more of full similarity")
    }
}
