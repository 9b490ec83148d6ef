@testable import Embedding
import Foundation
import SemanticCache
import Testing

/// The model folder that `Scripts/test` made, and the fixtures beside the tests.
enum Fixtures {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/Embedding")

    static var modelFolder: String {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["REPRISE_MODEL_DIR"] { return named }
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "") + "/.cache"
        return cache + "/reprise/all-MiniLM-L6-v2"
    }

    /// Fails, rather than passing without a look, where the model is missing: run `Scripts/model` first.
    static let embedder = Result { try OnnxEmbedder(ModelFolder(path: modelFolder), threads: 1, statesMemory: 128 << 20) }

    static func tokenizer() throws -> WordPieceTokenizer {
        let vocabulary = try String(contentsOf: URL(filePath: modelFolder + "/vocab.txt"), encoding: .utf8)
        return try #require(WordPieceTokenizer(vocabulary: vocabulary, limit: 100_000))
    }

    /// The lines of a fixture file, decoded.
    static func lines<Line: Decodable>(_ name: String, as type: Line.Type) throws -> [Line] {
        let text = try String(contentsOf: root.appending(path: name), encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }
}
