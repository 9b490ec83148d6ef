@testable import Evaluation
import Foundation
import Matching
import SemanticCache
import TestSupport
import Testing
import VectorSearch

@Suite struct EvaluationTests {
    @Test func readsStreamsConversationsAndPairs() throws {
        let stream = #"{"prompt": "a?", "group": "g"}"# + "\n" + #"{"messages": ["x", "y", "b?"], "answer_key": "k"}"#
        guard case .stream(let items) = try LabelledData(lines: Data(stream.utf8)) else { throw Unexpected() }
        #expect(items == [StreamItem(prompt: "a?", group: "g"), StreamItem(prompt: "b?", group: "k", history: ["x", "y"])])
        let pairs =
            #"{"a": "p", "b": "q", "same_answer": true, "category": "c"}"# + "\n"
            + #"{"a": [{"role": "user", "content": "h"}, {"role": "user", "content": "l"}], "b": [{"role": "user", "content": "l"}], "same_answer": false}"#
        guard case .pairs(let read) = try LabelledData(lines: Data(pairs.utf8)) else { throw Unexpected() }
        #expect(read[0] == LabelledPair(cached: "p", asked: "q", isSame: true, category: "c"))
        #expect(read[1].cachedHistory == ["h"] && read[1].askedHistory.isEmpty && read[1].cached == "l")
    }

    @Test(arguments: ["{}", "nonsense", #"{"prompt": "a"}"#, #"{"a": "x", "b": "y"}"#])
    func aBadLineIsNamed(_ line: String) {
        let text = #"{"prompt": "a?", "group": "g"}"# + "\n\n" + line
        #expect { _ = try LabelledData(lines: Data(text.utf8)) } throws: { ($0 as? LabelledData.Failure)?.line == 3 }
    }

    @Test(arguments: [(#"{"prompt": 1, "group": "g"}"#, "prompt: "), ("nonsense", "this is not JSON"), ("[1]", "expected a JSON object")])
    func aBadLineIsToldInPlainWords(_ line: String, _ reason: String) {
        #expect { _ = try LabelledData(lines: Data(line.utf8)) } throws: {
            guard let failure = $0 as? LabelledData.Failure else { return false }
            return failure.reason.hasPrefix(reason) && !failure.reason.contains("DecodingError")
        }
    }

    @Test(arguments: [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 1000, 0.0002, 0.0056)])
    func intervalsAreWilsons(_ count: Int, _ total: Int, _ low: Double, _ high: Double) {
        let interval = Proportion(count, of: total).interval
        #expect(abs(interval.lowerBound - low) < 1e-3 && abs(interval.upperBound - high) < 1e-3)
    }

    /// A stream of questions asked over and over in two wordings each: what the label says is right can be served, and a replay repeats exactly.
    @Test func aStreamIsReplayedDeterministically() async throws {
        let vectors = try await Self.vectors(Self.items.map(\.prompt))
        let rule = StreamReplay.Rule.threshold(0.99, .default)
        let replay = StreamReplay(rule: rule, prior: nil, vector: { vectors[$0] }, verdict: nil, makeIndex: { FlatIndex(dimension: 64) })
        let first = replay.run(Self.items, seed: 1) { _ in Scope(Sample.digest(1)) }.result
        let second = replay.run(Self.items, seed: 1) { _ in Scope(Sample.digest(1)) }.result
        #expect(first.hits == second.hits && first.wrong == second.wrong)
        // Every prompt comes three times, word for word, and the numbers guard keeps the others apart.
        #expect(first.hits == 40 && first.wrong == 0)
    }

    @Test func calibratedWithoutPriorStartsShutAndOpens() async throws {
        let items = (0..<40).flatMap { round in
            (0..<20).map { StreamItem(prompt: "question number \($0) please", group: "\($0)", history: ["\(round)"]) }
        }
        let vectors = try await Self.vectors(items.map(\.prompt))
        let replay = StreamReplay(
            rule: .calibrated(bound: 0.05, .default), prior: nil, vector: { vectors[$0] }, verdict: nil, makeIndex: { FlatIndex(dimension: 64) })
        let result = replay.run(items, seed: 1) { _ in Scope(Sample.digest(1)) }.result
        #expect(result.firstHit ?? 0 > 45, "labels come before hits")
        #expect(result.hits > 200 && result.wrong == 0)
    }

    /// Groups that the verifier was trained on hear what it says of the others.
    @Test func aVerifierIsNotFlatteredByWhatItWasTrainedOn() async throws {
        let items = (0..<2000).map { StreamItem(prompt: "question number \($0 % 40) please", group: "\($0 % 40)") }
        let vectors = try await Self.vectors(items.map(\.prompt))
        // Sure of every pair of a group it knows, of none that it does not.
        let knows: @Sendable (String) -> Bool = { (Int($0) ?? 0) % 4 != 0 }
        func samples(_ isUnseen: (@Sendable (String) -> Bool)?) async -> [StreamReplay.Sample] {
            let evaluation = Evaluation(
                bounds: [0.01], thresholds: [], seeds: 1, profile: .default, prior: nil, vector: { vectors[$0] },
                verdict: { asked, _ in knows(asked.split(separator: " ").dropFirst(2).first.map(String.init) ?? "") ? 8 : -8 }, isUnseen: isUnseen,
                makeIndex: { FlatIndex(dimension: 64) }, scope: { _ in Scope(Sample.digest(1)) })
            return await evaluation.samples(of: .stream(items), trapShare: 1, missedShare: 1).map(\.sample)
        }
        let all = await samples(nil)
        #expect(Set(all.map { $0.features[.verifier] }) == [2, -2])
        let unseen = await samples { !knows($0) }
        #expect(!unseen.isEmpty && unseen.allSatisfy { $0.features[.verifier] == -2 })
        var generator = SystemRandomNumberGenerator()
        let drawn = DrawnVerdicts(unseen)
        #expect(drawn.logit(isRight: true, similarity: 1, using: &generator) == -8)
        #expect(drawn.logit(isRight: false, similarity: 0.5, using: &generator) == nil)
    }

    /// Labels that a midpoint parts without a fault: sure enough far above it, never below, and not before there are a few.
    @Test func vCacheForwardsWhereItsOwnCurveIsInDoubt() {
        let decider = VCacheDecider(bound: 0.01)
        var labels = VCacheDecider.Labels()
        #expect(decider.forwarding(1, labels) == 1)
        for number in 0..<40 {
            labels.add(number % 2 == 0 ? 0.9 : 0.6, isRight: number % 2 == 0)
            if number + 1 < VCacheDecider.leastLabels { #expect(decider.forwarding(1, labels) == 1) }
        }
        let chances = stride(from: 0.5, through: 1, by: 0.05).map { decider.forwarding($0, labels) }
        #expect(chances == chances.sorted(by: >) && chances.allSatisfy { (0...1).contains($0) })
        #expect(chances[0] > 0.98 && decider.forwarding(0.98, labels) < 0.1)
        // Half of what looks like this was wrong.
        var doubtful = labels
        for _ in 0..<20 { doubtful.add(0.9, isRight: false) }
        #expect(decider.forwarding(0.9, doubtful) > 0.95)
        // A looser bound forwards less.
        #expect(VCacheDecider(bound: 0.05).forwarding(0.85, labels) < decider.forwarding(0.85, labels))
    }

    /// Ten questions, each asked for as long as it takes: what the label says is right gets served, within the bound on all requests.
    @Test(arguments: [false, true]) func vCacheLearnsToServe(_ withAliases: Bool) async throws {
        let items = (0..<120).flatMap { _ in (0..<10).map { StreamItem(prompt: "where is order \($0 + 100)", group: "\($0)") } }
        let vectors = try await Self.vectors(items.map(\.prompt))
        let result = StreamReplay(
            rule: .vCache(bound: 0.01, withAliases: withAliases), prior: nil, vector: { vectors[$0] }, verdict: nil,
            makeIndex: { FlatIndex(dimension: 64) }
        ).run(items, seed: 1) { _ in Scope(Sample.digest(1)) }.result
        #expect(result.hits > 100 && result.wrongPerRequest.share <= 0.01)
        #expect(result.firstHit ?? 0 > 10, "labels come before hits")
    }

    @Test func historiesNeverMeet() async throws {
        let pair = LabelledPair(cached: "cancel it", asked: "cancel it", isSame: false, cachedHistory: ["a"], askedHistory: ["b"])
        let vectors = try await Self.vectors(["cancel it"])
        let outcomes = PairReplay(vector: { vectors[$0] }, verdict: nil).run([pair], policy: ThresholdPolicy(threshold: 0, profile: .default))
        #expect(outcomes.map(\.isServed) == [false])
    }

    @Test func aFittedPriorReadsBackAndSeparates() async throws {
        func sample(_ similarity: Double, _ isRight: Bool) throws -> StreamReplay.Sample {
            var values = [Double](repeating: 0, count: Feature.allCases.count)
            values[Feature.bias.rawValue] = 1
            values[Feature.similarity.rawValue] = similarity
            return StreamReplay.Sample(features: try #require(FeatureVector(values)), isRight: isRight, weight: 1)
        }
        let samples = try (0..<400).map { (sample: try sample($0 % 2 == 0 ? 1 : -1, $0 % 2 == 0), fold: $0 / 2 % 2) }
        let prior = PriorFit(sources: [.init(name: "s", weight: 1, gateWeight: 1, samples: samples)])
            .fit(embedder: "e f", verifier: "", verdictFloor: -2, variance: 0.05, notes: ["n"])
        #expect(prior.weights[Feature.similarity.rawValue] > 1)
        #expect(prior.gate.cut(bound: 0.01).score < .infinity)
        let read = try #require(Prior(prior.text))
        #expect(read.text == prior.text && read.embedder == "e f" && read.notes.first == "n")
        #expect(prior.notes.contains { $0.contains("held out, s: of 200 right answers 100.0 % served, of 200 wrong ones 0.0 %") })
    }

    @Test func theReportDrawsEveryRule() async throws {
        let vectors = try await Self.vectors(Self.items.map(\.prompt))
        let evaluation = Evaluation(
            bounds: [0.01], thresholds: [0.9], seeds: 2, profile: .default, prior: nil, vector: { vectors[$0] }, verdict: nil,
            makeIndex: { FlatIndex(dimension: 64) }, scope: { _ in Scope(Sample.digest(1)) })
        let (stream, learned) = await evaluation.stream(Self.items, file: "a<b", learns: true) { _ in }
        #expect(learned?.populations.count == 1)
        let report = EvaluationReport(embedder: "e", verifier: "", hasPrior: false, streams: [stream], pairs: [])
        #expect(
            stream.rows.map(\.rule).prefix(5) == [
                "calibrated 1.0 %", "vCache 1.0 %", "vCache with aliases 1.0 %", "cosine 0.9", "cosine 0.9 and guards",
            ])
        let svg = ScatterPlot.svg(report)
        #expect(svg.hasPrefix("<svg") && svg.contains("a&lt;b") && !svg.contains("nan"))
        #expect(ReportTable.text(report).contains("cosine 0.9 and guards"))
    }

    private struct Unexpected: Error {}

    private static let items = (0..<3).flatMap { _ in (0..<20).map { StreamItem(prompt: "where is order \($0 + 100)", group: "\($0)") } }

    private static func vectors(_ texts: [String]) async throws -> [String: UnitVector] {
        let embedder = HashingEmbedder(dimension: 64)
        let texts = Array(Set(texts))
        var vectors: [String: UnitVector] = [:]
        for (text, outcome) in zip(texts, try await embedder.embed(texts)) { vectors[text] = try outcome.get() }
        return vectors
    }
}
