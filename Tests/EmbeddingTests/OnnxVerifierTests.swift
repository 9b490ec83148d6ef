@testable import Embedding
import Foundation
import SemanticCache
import Testing

struct OnnxVerifierTests {
    private struct Line: Decodable {
        let asked: String
        let cached: String
        let ids: [Int64]
        let types: [Int64]
        let logit: Float
    }

    private static let verifier = Result {
        try OnnxVerifier(ModelFolder(path: Fixtures.modelFolder), VerifierModel(folder: Fixtures.modelFolder))
    }

    private static func lines() throws -> [Line] { try Fixtures.lines("pairs.jsonl", as: Line.self) }

    @Test func pairsAreLaidOutAsInTraining() throws {
        let verifier = try Self.verifier.get()
        for line in try Self.lines() {
            let expected = line.ids + line.types + [Int64](repeating: 1, count: line.ids.count)
            #expect(verifier.inputs(of: WordingPair(asked: line.asked, cached: line.cached)) == .success(expected), "\(line.asked) / \(line.cached)")
        }
    }

    @Test func logitsAreNearTheFloat32Models() async throws {
        let verifier = try Self.verifier.get()
        let lines = try Self.lines()
        #expect(lines.count >= 100)
        let outcomes = try await verifier.logits(of: lines.map { WordingPair(asked: $0.asked, cached: $0.cached) })
        var sum: Float = 0
        for (line, outcome) in zip(lines, outcomes) {
            let distance = try abs(outcome.get() - line.logit)
            #expect(distance < 1.5, "\(line.asked) / \(line.cached): \(line.logit)")
            sum += distance
        }
        #expect(sum / Float(lines.count) < 0.25, "the average distance is \(sum / Float(lines.count))")
    }

    @Test func opposedWordingsAreFarBelowTheCutAndRewordingsAreAbove() async throws {
        let verifier = try Self.verifier.get()
        let outcomes = try await verifier.logits(of: [
            WordingPair(asked: "How can I turn the heating on?", cached: "How do I switch on the heating?"),
            WordingPair(asked: "How can I turn the heating off?", cached: "How do I switch on the heating?"),
        ])
        #expect(try outcomes[0].get() > verifier.dayOneCut)
        #expect(try outcomes[1].get() < verifier.dayOneCut)
    }

    /// Whoever asks at the same time, and what else is in the call, does not change a logit.
    @Test func equalPairsHaveEqualLogits() async throws {
        let verifier = try Self.verifier.get()
        let pairs = try Self.lines().prefix(24).map { WordingPair(asked: $0.asked, cached: $0.cached) }
        let together = try await verifier.logits(of: pairs)
        try await withThrowingTaskGroup(of: (Int, OnnxVerifier.Outcome).self) { group in
            for (index, pair) in pairs.enumerated() { group.addTask { (index, try await verifier.logits(of: [pair])[0]) } }
            for try await (index, outcome) in group { #expect(outcome == together[index]) }
        }
    }

    @Test func eachPairIsRefusedOnItsOwn() async throws {
        let verifier = try Self.verifier.get()
        let long = String(repeating: "word ", count: 90)
        let outcomes = try await verifier.logits(of: [
            WordingPair(asked: "fine", cached: "fine"), WordingPair(asked: long, cached: long), WordingPair(asked: long + long, cached: "x"),
            WordingPair(asked: "", cached: "x"), WordingPair(asked: "x", cached: " \n"),
        ])
        #expect(try outcomes[0].get().isFinite)
        #expect(outcomes[1] == .failure(.tooLong(tokens: 183, limit: 128)))
        guard case .failure(.tooLong(_, limit: 128)) = outcomes[2] else {
            Issue.record("expected a refusal of 180 words")
            return
        }
        #expect(outcomes[3] == .failure(.empty))
        #expect(outcomes[4] == .failure(.empty))
    }

    @Test func cancellingIsNoticedAtOnce() async throws {
        let verifier = try Self.verifier.get()
        let pair = WordingPair(asked: "a wording that takes a while to read", cached: "another wording that takes a while")
        let busy = Task { try await verifier.logits(of: Array(repeating: pair, count: 100)) }
        let impatient = Task { try await verifier.logits(of: [pair]) }
        impatient.cancel()
        await #expect(throws: ModelError.self) { try await impatient.value }
        #expect(try await busy.value.count == 100)
    }

    @Test func aClosedVerifierRefuses() async throws {
        let verifier = try OnnxVerifier(ModelFolder(path: Fixtures.modelFolder), VerifierModel(folder: Fixtures.modelFolder))
        await verifier.close()
        await verifier.close()
        await #expect(throws: ModelError.self) { try await verifier.logits(of: [WordingPair(asked: "x", cached: "x")]) }
    }

    /// For `Benchmarks/verifier.py`: the time of one pair beside the time of one embedding, both of 12 words, on one thread each.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["REPRISE_BENCH"] != nil))
    func timeOfOnePair() async throws {
        let verifier = try Self.verifier.get()
        let embedder = try Fixtures.embedder.get()
        let pair = WordingPair(
            asked: "How can I change the delivery address of an order on the website?",
            cached: "What do I do to update where my order is sent to online?")
        var verifying: [Duration] = []
        var embedding: [Duration] = []
        for _ in 0..<300 {
            verifying.append(try await ContinuousClock().measure { _ = try await verifier.logits(of: [pair]) })
            embedding.append(try await ContinuousClock().measure { _ = try await embedder.embed([pair.asked]) })
        }
        func milliseconds(_ times: [Duration], _ share: Double) -> Double {
            times.sorted()[Int(share * Double(times.count - 1))] / .milliseconds(1)
        }
        for (name, times) in [("verify", verifying), ("embed", embedding)] {
            print("BENCH \(name) \(milliseconds(times, 0.5)) \(milliseconds(times, 0.95))")
        }
    }
}

struct VerifierModelTests {
    private func copy() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reprise-verifier-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["verifier.json", "verifier.onnx"] {
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: name), withDestinationURL: URL(filePath: Fixtures.modelFolder + "/" + name))
        }
        return folder
    }

    @Test func nothingThereIsSaidWithAHint() {
        #expect {
            _ = try VerifierModel(folder: "/nowhere")
        } throws: { "\($0)".contains("/nowhere/verifier.json is missing: run Scripts/model") }
    }

    @Test func aGraphThatIsMissingOrDamagedIsNamed() throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        let graph = folder.appending(path: "verifier.onnx")
        try FileManager.default.removeItem(at: graph)
        #expect { _ = try VerifierModel(folder: folder.path) } throws: { "\($0)".contains("verifier.onnx is missing") }
        try Data("something else".utf8).write(to: graph)
        #expect { _ = try VerifierModel(folder: folder.path) } throws: { "\($0)".contains("verifier.onnx is damaged: expected SHA-256") }
    }

    @Test(arguments: [#"{"format": 2}"#, "[]", #"{"format": 1, "model": "x", "weights": "y", "day_one_cut": 0, "files": {}}"#])
    func aManifestOfAnotherKindIsRefused(text: String) throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "verifier.json")
        try FileManager.default.removeItem(at: manifest)
        try Data(text.utf8).write(to: manifest)
        #expect { _ = try VerifierModel(folder: folder.path) } throws: { "\($0)".contains("verifier.json is damaged") }
    }
}
