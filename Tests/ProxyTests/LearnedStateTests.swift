import HTTPTypes
@testable import Learning
@testable import Proxy
import SemanticCache
import Synchronization
import Testing
import TestSupport
import WireFormats

/// What was learned, in the store.
struct LearnedStateTests {
    /// The populations that the store keeps, the one over all traffic aside.
    private func kept(_ store: FaultyStore) -> Set<String> {
        Set(store.stateNames.filter { $0.hasPrefix("matching/population/") && !$0.hasSuffix("/global") })
    }

    /// Each instruction is a kind of traffic of its own: where all differ, the store keeps no more of them than memory does.
    @Test func whatIsForgottenLeavesTheStore() async throws {
        let store = FaultyStore()
        var learning = MatchLearner.Options.shipped
        learning.populationLimit = 2
        let bench = LearnerBench(learning: learning, judging: nil, store: store)
        func ask(_ model: String) async {
            _ = await bench.ask(LearnerBench.first, model: model)
            _ = await bench.ask(LearnerBench.reworded, model: model)
        }
        for number in 0..<5 {
            await ask("model-\(number)")
            await bench.learner.save()
        }
        #expect(bench.learner.populations.count == 2)
        let two = kept(store)
        #expect(two.count == 2)
        // One that comes back while the store takes nothing is not removed when it works again.
        store.fail(with: .cannotWrite(reason: "disk full"))
        await ask("model-5")
        await bench.learner.save()
        await ask("model-3")
        store.fail(with: nil)
        await bench.learner.save()
        #expect(kept(store).count == 2 && kept(store) != two)
        let again = LearnerBench(learning: learning, judging: nil, store: store)
        await again.learner.restore()
        #expect(Set(again.learner.populations.map(\.model)) == ["model-3", "model-5"])
    }

    /// With another embedder everything begins anew, and stays so at the start after that.
    @Test func whatAnotherEmbedderLearnedIsNotTakenUpLater() async throws {
        let store = FaultyStore()
        let first = LearnerBench(judging: nil, store: store)
        _ = await first.ask(LearnerBench.first)
        let hit = await first.ask(LearnerBench.reworded, id: "hit")
        let id = try #require(hit[.xCacheEntry].flatMap { EntryID($0) })
        try await first.learner.feedback(entry: id, requestID: "hit", isRight: true, tenant: nil)
        first.learner.state.withLock { $0.groups.join(EntryID(rawValue: 1), to: EntryID(rawValue: 2)) }
        await first.learner.save()
        #expect(first.learner.report.observations == 1 && kept(store).count == 1)

        let second = LearnerBench(judging: nil, store: store, fingerprint: "other")
        await second.learner.restore()
        // Words are counted; nothing is labelled.
        _ = await second.ask(LearnerBench.first, model: "another")
        _ = await second.ask(LearnerBench.reworded, model: "another")
        await second.learner.save()
        #expect(kept(store).count == 1)

        let third = LearnerBench(judging: nil, store: store, fingerprint: "other")
        await third.learner.restore()
        #expect(third.learner.report.observations == 0)
        #expect(third.learner.populations.map(\.model) == ["another"])
        #expect(third.learner.state.withLock { $0.groups.root(of: EntryID(rawValue: 1)) } == EntryID(rawValue: 1))
    }
}
