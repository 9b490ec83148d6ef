@testable import Evaluation
import Foundation
import Matching
import SemanticCache
import TestSupport
import Testing
import VectorSearch

/// Streams whose answers are worded anew each time, and the judge on its own.
struct JudgedReplayTests {
    private static let items = (0..<30).flatMap { round in
        (0..<20).map { StreamItem(prompt: "question number \($0) please", group: "\($0)", history: ["\(round)"]) }
    }

    /// Long answers of two wordings to each of the groups; their vectors say which group it is.
    private static let book: AnswerBook = {
        var answers: [String: [AnswerBook.Answer]] = [:]
        for group in 0..<20 {
            var components = [Float](repeating: 0, count: 32)
            components[group] = 1
            answers["\(group)"] = ["first", "other"].map { word in
                let about = "topic\(group) and thing\(group)"
                let text = (0..<8).map { "Sentence \($0) of the \(word) wording says what there is to say of \(about)." }.joined(separator: " ")
                return AnswerBook.Answer(claims: AnswerClaims(text), vector: UnitVector(normalizing: components))
            }
        }
        return AnswerBook(answers: answers)
    }()

    private static func run(pace: Double?, limit: Int = 1024) async throws -> JudgedReplay.Run {
        let embedder = HashingEmbedder()
        let texts = Array(Set(items.map(\.prompt)))
        let outcomes = try await embedder.embed(texts)
        let vectors = Dictionary(uniqueKeysWithValues: zip(texts, try outcomes.map { try $0.get() }))
        var options = JudgedReplay.Options()
        (options.bound, options.comparisonsPerRequest, options.queueLimit) = (0.05, pace, limit)
        return JudgedReplay(
            options: options, prior: nil, book: book, vector: { vectors[$0] }, verdict: nil, makeIndex: { FlatIndex(dimension: embedder.dimension) }
        ).run(items, seed: 1) { _ in Scope(Sample.digest(1)) }
    }

    @Test func answersThatAreWordedAnewOpenTheGate() async throws {
        let run = try await Self.run(pace: nil)
        #expect(run.result.hits > 100 && run.result.wrong == 0)
        #expect(run.labels.same > 50 && run.labels.falseSame == 0 && run.labels.dropped == 0)
        #expect(try await Self.run(pace: nil).labels == run.labels, "a replay repeats exactly")
    }

    @Test func whenLabelsFallBehindClearMissesAreDropped() async throws {
        let run = try await Self.run(pace: 0.05, limit: 10)
        #expect(run.labels.dropped > 100 && run.labels.same + run.labels.different + run.labels.undecided < 120)
    }

    @Test func everyGroupOfSeveralPromptsHasAnInstructionOfItsOwn() {
        let texts = AnswerBook.texts(groups: ["a": 3, "b": 2, "c": 1, "d": 1], instructions: [["1"], ["2"], ["3"]], seed: 1)
        #expect(texts.count == 4 && texts["a"] != texts["b"] && texts["c"] == texts["d"])
        #expect(texts["a"] != texts["c"] && texts["b"] != texts["c"])
        #expect(AnswerBook.texts(groups: ["a": 1], instructions: [], seed: 1).isEmpty)
    }

    @Test func theJudgeIsMeasuredByKind() throws {
        let lines = """
            {"question": "How long is it?", "a": "24 months.", "b": "It lasts two years.", "same": true, "kind": "reworded"}
            {"question": "How long is it?", "a": "24 months.", "b": "It lasts three years.", "same": false, "kind": "number"}
            """
        guard case .pairs(let pairs)? = JudgeTrial.read(lines: Data(lines.utf8)) else { throw Unexpected() }
        let rows = JudgeTrial.run(pairs) { _ in nil }
        #expect(rows.map(\.kind) == ["number", "reworded", "all", "all"])
        #expect(rows[0].calledDifferent.count == 1 && rows[1].calledSame.count == 1 && rows[3].calledSame.count == 0)
        let several =
            #"{"family": "f", "instruction": "i", "answers": ["x", "y", "z"]}"# + "\n" + #"{"family": "f", "instruction": "j", "answers": ["w"]}"#
        guard case .instructions(let instructions)? = JudgeTrial.read(lines: Data(several.utf8)) else { throw Unexpected() }
        let all = JudgeTrial.pairs(instructions) { UnitVector(normalizing: [$0 == "i" ? 1 : 0.5, 1]) }
        #expect(all.count { $0.isSame } == 3 && all.count { !$0.isSame } == 6)
        #expect(JudgeTrial.read(lines: Data("{}".utf8)) == nil && JudgeTrial.read(lines: Data(lines.utf8 + [10] + several.utf8)) == nil)
    }

    private struct Unexpected: Error {}
}
