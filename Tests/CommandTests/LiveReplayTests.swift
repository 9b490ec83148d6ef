import Evaluation
import SemanticCache
import TestSupport
import Testing
@testable import Settings
@testable import reprise

struct LiveReplayTests {
    /// Four questions, six wordings each, that differ in what is said out of politeness.
    private static let questions = ["reset my password", "cancel an order", "track the parcel", "change some address"]
    private static let items = questions.enumerated().flatMap { group, what in
        [
            "how can I \(what)", "how can I \(what) please", "please how can I \(what)", "hi how can I \(what)", "how can I \(what) thanks",
            "hello how can I \(what) please",
        ].map { StreamItem(prompt: $0, group: "group \(group)") }
    }

    private static func replay(_ pace: LivePace, repeats: Int = 0, mode: String = "threshold") throws -> LiveReplay {
        let settings = try Settings.load(text: "matching: {mode: \(mode), threshold: 0.75}", file: nil, environment: { _ in nil })
        return LiveReplay(settings: settings, embedder: HashingEmbedder(), verifier: nil, prior: nil, pace: pace, repeats: repeats)
    }

    @Test("hits and misses are the proxy's own, whatever the pace", arguments: [LivePace.settled, .fast(connections: 4), .rate(500)])
    func counts(_ pace: LivePace) async throws {
        let result = await try Self.replay(pace).run(Self.items, seed: 1) { item, round in "\(item.group) \(round)" }
        #expect(result.requests == 24 && result.failed == 0 && result.exact == 0)
        #expect(result.wrong == 0)
        // At once, a wording may come before any answer to its question has.
        #expect(result.semantic + result.missed <= 20)
        if pace == .settled { #expect(result.semantic + result.missed == 20 && result.semantic >= 16) }
    }

    @Test("a hit with another group's answer is counted as wrong")
    func countsWrongs() async throws {
        let mislabelled = Self.items.enumerated().map { place, item in StreamItem(prompt: item.prompt, group: "\(item.group) \(place % 2)") }
        let result = await try Self.replay(.settled).run(mislabelled, seed: 1) { item, _ in item.group }
        #expect(result.semantic >= 16 && result.wrong >= 4)
        #expect(result.wrong < result.semantic)
    }

    @Test("what could have been served and was not is counted as missed")
    func countsMisses() async throws {
        let result = await try Self.replay(.settled, mode: "exact").run(Self.items, seed: 1) { item, _ in item.group }
        #expect(result.semantic == 0 && result.missed == 20)
    }

    @Test("prompts that come again hit by their key, in another wording of the answer each time they are asked")
    func repeats() async throws {
        let result = await try Self.replay(.settled, repeats: 10, mode: "exact").run(Self.items, seed: 3) { item, round in "\(item.group) \(round)" }
        #expect(result.requests == 34 && result.exact == 10)
    }

    @Test("histories are scopes of their own")
    func scopes() async throws {
        let items = Self.items.enumerated().map { StreamItem(prompt: $1.prompt, group: $1.group, history: ["hello \($0)", "hi"]) }
        let result = await try Self.replay(.settled).run(items, seed: 1) { item, _ in item.group }
        #expect(result.semantic == 0 && result.missed == 0)
    }

    @Test("paces are read, and others refused")
    func reads() {
        #expect(LivePace(argument: "settled") == .settled)
        #expect(LivePace(argument: "fast") == .fast(connections: 8))
        #expect(LivePace(argument: "2.5") == .rate(2.5))
        for text in ["", "0", "-1", "nan", "inf", "quick"] { #expect(LivePace(argument: text) == nil) }
    }
}
