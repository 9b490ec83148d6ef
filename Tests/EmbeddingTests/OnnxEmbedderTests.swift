@testable import Embedding
import Foundation
import SemanticCache
import Testing

struct OnnxEmbedderTests {
    private struct Line: Decodable {
        let text: String
        let vector: Data
    }

    /// 384 float16, little-endian.
    private static func vector(_ data: Data) -> UnitVector? {
        UnitVector(
            normalizing: stride(from: 0, to: data.count - 1, by: 2).map { Float(Float16(bitPattern: UInt16(data[$0]) | UInt16(data[$0 + 1]) << 8)) })
    }

    @Test func vectorsAreNearTheFloat32Models() async throws {
        let embedder = try Fixtures.embedder.get()
        let lines = try Fixtures.lines("vectors.jsonl", as: Line.self)
        #expect(lines.count == 200)
        let outcomes = try await embedder.embed(lines.map(\.text))
        var sum: Float = 0
        for (line, outcome) in zip(lines, outcomes) {
            let reference = try #require(Self.vector(line.vector))
            let similarity = try outcome.get().similarity(to: reference)
            #expect(similarity >= 0.95, "\(line.text)")
            sum += similarity
        }
        #expect(sum / Float(lines.count) >= 0.99, "the average is \(sum / Float(lines.count))")
    }

    /// Whoever asks at the same time does not change a vector.
    @Test func equalTextsGiveEqualVectors() async throws {
        let embedder = try Fixtures.embedder.get()
        let texts = try Fixtures.lines("vectors.jsonl", as: Line.self).map(\.text)
        let alone = try await embedder.embed(Array(texts.prefix(40)))
        let together = try await withThrowingTaskGroup(of: (Int, Result<UnitVector, ModelRefusal>).self) { group in
            for index in 0..<200 {
                group.addTask { (index, try await embedder.embed([texts[index % texts.count]])[0]) }
            }
            return try await group.reduce(into: [Int: Result<UnitVector, ModelRefusal>]()) { $0[$1.0] = $1.1 }
        }
        for index in 0..<40 { #expect(together[index] == alone[index]) }
    }

    @Test func eachTextIsRefusedOnItsOwn() async throws {
        let embedder = try Fixtures.embedder.get()
        let long = String(repeating: "word ", count: 300)
        let outcomes = try await embedder.embed(["fine", long, "", " \n", "fine"])
        #expect(outcomes[0] == outcomes[4])
        #expect(try outcomes[0].get().dimension == 384)
        guard case .failure(.tooLong(_, limit: 256)) = outcomes[1] else {
            Issue.record("expected a refusal of 300 words")
            return
        }
        #expect(outcomes[2] == .failure(.empty))
        #expect(outcomes[3] == .failure(.empty))
    }

    /// Answers that are compared once leave the verifier's memory to questions.
    @Test func onlyWhatMayBeReadAgainIsKept() async throws {
        let embedder = try OnnxEmbedder(ModelFolder(path: Fixtures.modelFolder), threads: 1, statesMemory: 128 << 20)
        let (asked, warmed, compared) = ("Where is my order?", "How do I pay?", "Open the settings.")
        let vectors = try await embedder.embedInBackground([compared], keepsReading: false)
        _ = try await embedder.embedInBackground([warmed], keepsReading: true)
        _ = try await embedder.embed([asked])
        let tokenizer = try Fixtures.tokenizer()
        func isKept(_ text: String) throws -> Bool { try embedder.readStates.states(of: tokenizer.ids(of: text).get()) != nil }
        #expect(try [asked, warmed, compared].map(isKept) == [true, true, false])
        #expect(try await embedder.embed([compared]) == vectors)
        #expect(try isKept(compared))
        await embedder.close()
    }

    /// Who begins to wait for a text does not wait for those before it that nobody waits for.
    @Test func whatSomebodyWaitsForAfterAllIsMadeAtOnce() async throws {
        let embedder = try Fixtures.embedder.get()
        let asked = "Where does the last train go from?"
        let expected = try await embedder.embed([asked])
        let long = Task { try await embedder.embedInBackground((0..<400).map { "number \($0) of what nobody waits for" }, keepsReading: false) }
        let urgency = Urgency()
        async let found = embedder.embedInBackground([asked], keepsReading: false, urgency: urgency)
        urgency.raise()
        #expect(try await found == expected)
        long.cancel()
        _ = try? await long.value
    }

    @Test func cancellingIsNoticedAtOnce() async throws {
        let embedder = try Fixtures.embedder.get()
        let busy = Task { try await embedder.embed((0..<200).map { "a text that takes a while to embed, number \($0)" }) }
        // As long as the other, so that it is under way when it is cancelled, however late that is.
        let impatient = Task { try await embedder.embed([String](repeating: "later", count: 200)) }
        impatient.cancel()
        await #expect(throws: ModelError.self) { try await impatient.value }
        #expect(try await busy.value.count == 200)
    }

    @Test func aClosedEmbedderRefuses() async throws {
        let embedder = try OnnxEmbedder(ModelFolder(path: Fixtures.modelFolder), threads: 1, statesMemory: 128 << 20)
        await embedder.close()
        await embedder.close()
        await #expect(throws: ModelError.self) { try await embedder.embed(["x"]) }
    }
}

struct ModelFolderTests {
    private func copy() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reprise-model-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["manifest.json", "model.onnx", "vocab.txt", "libonnxruntime.so"] {
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: name), withDestinationURL: URL(filePath: Fixtures.modelFolder + "/" + name))
        }
        return folder
    }

    @Test func nothingThereIsSaidWithAHint() {
        #expect {
            _ = try ModelFolder(path: "/nowhere")
        } throws: { "\($0)".contains("/nowhere/manifest.json is missing: run Scripts/model") }
    }

    @Test(arguments: ["model.onnx", "vocab.txt", "libonnxruntime.so"])
    func aFileThatIsMissingOrDamagedIsNamed(name: String) throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.removeItem(at: folder.appending(path: name))
        #expect { _ = try ModelFolder(path: folder.path) } throws: { "\($0)".contains("\(name) is missing") }
        try Data("something else".utf8).write(to: folder.appending(path: name))
        #expect { _ = try ModelFolder(path: folder.path) } throws: { "\($0)".contains("\(name) is damaged: expected SHA-256") }
    }

    @Test func aManifestOfAnotherKindIsRefused() throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "manifest.json")
        try FileManager.default.removeItem(at: manifest)
        try Data(#"{"format": 2}"#.utf8).write(to: manifest)
        #expect { _ = try ModelFolder(path: folder.path) } throws: { "\($0)".contains("expected a model manifest of format 2") }
    }
}
