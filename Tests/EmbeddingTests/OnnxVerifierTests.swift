@testable import Embedding
import Foundation
import Matching
import SemanticCache
import Testing

extension OnnxVerifier {
    /// One after the other.
    fileprivate func logits(of pairs: [WordingPair]) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for pair in pairs { outcomes.append(try await logit(of: pair)) }
        return outcomes
    }
}

struct OnnxVerifierTests {
    private struct Line: Decodable {
        let asked: String
        let cached: String
        let askedIDs: [Int64]
        let cachedIDs: [Int64]
        let logit: Float

        enum CodingKeys: String, CodingKey {
            case asked, cached, logit
            case askedIDs = "asked_ids"
            case cachedIDs = "cached_ids"
        }
    }

    private static let verifier = Result {
        try OnnxVerifier(
            ModelFolder(path: Fixtures.modelFolder), VerifierModel(folder: Fixtures.modelFolder), embedder: Fixtures.embedder.get(), threads: 1)
    }

    private static func lines() throws -> [Line] { try Fixtures.lines("pairs.jsonl", as: Line.self) }

    /// New weights need a new fit, else a fresh cache would go back to the prior that knows of no verifier.
    @Test func aPriorShipsForTheModels() throws {
        let (embedder, verifier) = (try Fixtures.embedder.get().fingerprint, try Self.verifier.get().fingerprint)
        #expect(Prior.shipped(embedder: embedder, verifier: verifier)?.verifier == verifier)
        #expect(Prior.shipped(embedder: embedder, verifier: "another")?.verifier == "")
        #expect(Prior.shipped(embedder: embedder, verifier: nil)?.verifier == "")
        #expect(Prior.shipped(embedder: "another", verifier: verifier) == nil)
    }

    @Test func wordingsAreReadAsInTraining() throws {
        let verifier = try Self.verifier.get()
        for line in try Self.lines() {
            let ids = try verifier.ids(of: WordingPair(asked: line.asked, cached: line.cached)).get()
            #expect(ids.asked == line.askedIDs && ids.cached == line.cachedIDs, "\(line.asked) / \(line.cached)")
        }
    }

    @Test func logitsAreNearTheFloat32Models() async throws {
        let verifier = try Self.verifier.get()
        let lines = try Self.lines()
        #expect(lines.count >= 100)
        let outcomes = try await verifier.logits(of: lines.map { WordingPair(asked: $0.asked, cached: $0.cached) })
        // Half a dozen matrices in bytes one after another: what counts is little beside how far logits lie apart.
        let mean = lines.map(\.logit).reduce(0, +) / Float(lines.count)
        let spread = (lines.map { ($0.logit - mean) * ($0.logit - mean) }.reduce(0, +) / Float(lines.count)).squareRoot()
        var sum: Float = 0
        for (line, outcome) in zip(lines, outcomes) {
            let distance = try abs(outcome.get() - line.logit)
            #expect(distance < 0.4 * spread, "\(line.asked) / \(line.cached): \(line.logit)")
            sum += distance
        }
        #expect(sum / Float(lines.count) < 0.1 * spread, "the average distance is \(sum / Float(lines.count)) of \(spread)")
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

    /// Whoever asks at the same time does not change a logit.
    @Test func equalPairsHaveEqualLogits() async throws {
        let verifier = try Self.verifier.get()
        let pairs = try Self.lines().prefix(24).map { WordingPair(asked: $0.asked, cached: $0.cached) }
        let together = try await verifier.logits(of: pairs)
        try await withThrowingTaskGroup(of: (Int, OnnxVerifier.Outcome).self) { group in
            for (index, pair) in pairs.enumerated() { group.addTask { (index, try await verifier.logit(of: pair)) } }
            for try await (index, outcome) in group { #expect(outcome == together[index]) }
        }
    }

    /// Whether the embedder still knows the wordings' states or reads them anew does not change a logit.
    @Test func forgottenStatesChangeNoLogit() async throws {
        let folder = try ModelFolder(path: Fixtures.modelFolder)
        let forgetful = try OnnxEmbedder(folder, threads: 1, statesMemory: 0)
        let verifier = try OnnxVerifier(folder, VerifierModel(folder: folder.path), embedder: forgetful, threads: 1)
        let pairs = try Self.lines().prefix(12).map { WordingPair(asked: $0.asked, cached: $0.cached) }
        let remembered = try await Self.verifier.get().logits(of: pairs)
        #expect(try await verifier.logits(of: pairs) == remembered)
        #expect(verifier.logitBlocking(of: pairs[0]) == (try remembered[0].get()))
        await verifier.close()
        await forgetful.close()
    }

    @Test func eachPairIsRefusedOnItsOwn() async throws {
        let verifier = try Self.verifier.get()
        let long = String(repeating: "word ", count: 90)
        let outcomes = try await verifier.logits(of: [
            WordingPair(asked: "fine", cached: "fine"), WordingPair(asked: long, cached: long), WordingPair(asked: long + long, cached: "x"),
            WordingPair(asked: "", cached: "x"), WordingPair(asked: "x", cached: " \n"),
        ])
        #expect(try outcomes[0].get().isFinite)
        #expect(outcomes[1] == .failure(.tooLong(tokens: 184, limit: 128)))
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
        // As long as the other, so that it is under way when it is cancelled, however late that is.
        let impatient = Task { try await verifier.logits(of: Array(repeating: pair, count: 100)) }
        impatient.cancel()
        await #expect(throws: ModelError.self) { try await impatient.value }
        #expect(try await busy.value.count == 100)
    }

    @Test func aClosedVerifierRefuses() async throws {
        let verifier = try OnnxVerifier(
            ModelFolder(path: Fixtures.modelFolder), VerifierModel(folder: Fixtures.modelFolder), embedder: Fixtures.embedder.get(), threads: 1)
        await verifier.close()
        await verifier.close()
        await #expect(throws: ModelError.self) { try await verifier.logit(of: WordingPair(asked: "x", cached: "x")) }
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

    @Test(arguments: [#"{"format": 1}"#, "[]", #"{"format": 2, "model": "x", "weights": "y", "day_one_cut": 0, "files": {}}"#])
    func aManifestOfAnotherKindIsRefused(text: String) throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "verifier.json")
        try FileManager.default.removeItem(at: manifest)
        try Data(text.utf8).write(to: manifest)
        #expect { _ = try VerifierModel(folder: folder.path) } throws: { "\($0)".contains("verifier.json is damaged") }
    }

    /// A graph that goes on from other states than the embedding model gives would answer nonsense.
    @Test func weightsOfAnotherMakingAreRefused() async throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "verifier.json")
        let text = try String(contentsOf: manifest, encoding: .utf8)
        let weights = try VerifierModel(folder: folder.path).weights
        try FileManager.default.removeItem(at: manifest)
        try Data(text.replacing(weights, with: String(repeating: "0", count: 64)).utf8).write(to: manifest)
        let model = try VerifierModel(folder: folder.path)
        let embedder = try Fixtures.embedder.get()
        #expect {
            _ = try OnnxVerifier(ModelFolder(path: Fixtures.modelFolder), model, embedder: embedder, threads: 1)
        } throws: { "\($0)".contains("expected weights \(weights.prefix(16)), as model.onnx") }
    }
}
