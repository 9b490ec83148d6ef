import HTTPTypes
@testable import Learning
@testable import Matching
import Proxy
import SemanticCache
import Synchronization
import Testing
import TestSupport

/// Texts that nothing was fitted on are populations of their own: they begin shut, open by their own labels, and teach nobody else.
struct TextClassPopulationTests {
    private static let german = (
        "wie kann ich das passwort von meinem konto auf der seite zurücksetzen",
        "wie könnte ich das passwort von meinem konto auf der seite zurücksetzen"
    )

    @Test func aPriorNeverOpensAnotherLanguage() async {
        let bench = LearnerBench(judging: nil)
        _ = await bench.ask(LearnerBench.first)
        #expect(await bench.ask(LearnerBench.reworded)[.xCacheMatch] == "semantic")
        _ = await bench.ask(Self.german.0)
        let reworded = await bench.ask(Self.german.1)
        #expect(reworded[.xCache] == "MISS" && reworded[.xCacheReason] == "below-cut")
        let populations = bench.learner.populations
        #expect(Set(populations.map(\.text)) == [nil, "latin short ask"])
        #expect(populations.first { $0.text != nil }?.state == .shut)
    }

    @Test func itsLabelsStayItsOwn() async throws {
        let bench = LearnerBench { body in body.contains("wie") ? "Über die Einstellungen." : "Open the settings." }
        _ = await bench.ask(Self.german.0)
        let before = bench.learner.state.withLock { $0.global.observations }
        try await bench.learning {
            for number in 0..<3 {
                _ = await bench.ask(Self.german.1 + " \(["bitte", "danke", "gern"][number])")
                try await bench.until { bench.learner.report.counts.labels == number + 1 }
            }
        }
        #expect(bench.learner.state.withLock { $0.global.observations } == before)
        #expect(bench.learner.populations.first { $0.text != nil }?.observations == 3)
    }

    @Test func itOpensByItsOwnLabels() async throws {
        let bench = LearnerBench(judging: nil)
        _ = await bench.ask(Self.german.0)
        _ = await bench.ask(Self.german.1 + " bitte")
        let features = try #require(FeatureVector([1, 1] + [Double](repeating: 0, count: Feature.allCases.count - 2)))
        let key = try #require(bench.learner.state.withLock { state in state.names.first { $0.value.text != nil }?.key })
        bench.learner.state.withLock { state in
            for _ in 0..<2000 {
                MatchLearner.change(key, &state) {
                    $0.notice(score: $0.model.score(features))
                    $0.learn(features, isRight: true)
                }
            }
        }
        #expect(bench.learner.populations.first { $0.text != nil }?.state == .open)
    }

    /// The names with their class come back with what was learned.
    @Test func itSurvivesARestart() async {
        let store = FaultyStore()
        let bench = LearnerBench(judging: nil, store: store)
        _ = await bench.ask(Self.german.0)
        _ = await bench.ask(Self.german.1)
        await bench.learner.save()
        let second = LearnerBench(judging: nil, store: store)
        await second.learner.restore()
        #expect(second.learner.populations.map(\.text) == ["latin short ask"])
    }

    @Test func calibrationHasADaysBudget() {
        var count = DayCount()
        let noon = Timestamp(milliseconds: 1_800_000_000_000)
        let taken = (0..<5).map { _ in count.take(at: noon, limit: 3) }
        let (tomorrow, never) = (count.take(at: noon + .seconds(86_400), limit: 3), count.take(at: noon, limit: 0))
        #expect(taken == [true, true, true, false, false] && tomorrow && !never)
    }
}
