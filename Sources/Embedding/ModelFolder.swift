import Crypto
import Foundation
package import SemanticCache

/// A folder with the model, its vocabulary and the runtime, as `Scripts/model` makes it.
package struct ModelFolder: Sendable {
    package let path: String
    /// Names what the vectors come from, whatever else the graph gives: a SHA-256, hexadecimal.
    package let vectorsDigest: String
    /// SHA-256 of the verifier's weights that `model.onnx` gives states for, hexadecimal.
    let statesDigest: String
    package let dimension: Int
    /// The model's name for people.
    package let name: String

    private struct Manifest: Decodable {
        let format: Int
        let model: String
        let dimension: Int
        let vectors: String
        let states: String
        let files: [String: String]
    }

    private static let hint = "run Scripts/model, or name the folder that holds it in embedder.model_dir"

    /// Looks at the folder and holds every file against the manifest's SHA-256.
    ///
    /// Throws ``ModelError/missing(path:hint:)`` or ``ModelError/damaged(path:expected:found:)`` for the first file that is not as it should be.
    package init(path: String) throws(ModelError) {
        self.path = path
        let manifestPath = path + "/manifest.json"
        guard let data = FileManager.default.contents(atPath: manifestPath) else { throw .missing(path: manifestPath, hint: Self.hint) }
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: data), manifest.format == 2 else {
            throw .damaged(path: manifestPath, expected: "a model manifest of format 2", found: "something else")
        }
        for name in ["model.onnx", "vocab.txt", "libonnxruntime.so"] {
            guard let expected = manifest.files[name] else { throw .damaged(path: manifestPath, expected: "the SHA-256 of \(name)", found: "none") }
            guard let found = Self.digest(path + "/" + name) else { throw .missing(path: path + "/" + name, hint: Self.hint) }
            guard found == expected else { throw .damaged(path: path + "/" + name, expected: "SHA-256 \(expected)", found: found) }
        }
        vectorsDigest = manifest.vectors
        statesDigest = manifest.states
        dimension = manifest.dimension
        name = manifest.model
    }

    /// Where a file of the folder is.
    func file(_ name: String) -> String { path + "/" + name }

    /// The tokeniser of the folder's vocabulary.
    ///
    /// - Parameter limit: the window in tokens.
    func tokenizer(limit: Int) throws(ModelError) -> WordPieceTokenizer {
        let text = FileManager.default.contents(atPath: file("vocab.txt")).map { String(decoding: $0, as: UTF8.self) }
        guard let tokenizer = text.flatMap({ WordPieceTokenizer(vocabulary: $0, limit: limit) }) else {
            throw .damaged(path: file("vocab.txt"), expected: "a WordPiece vocabulary", found: "something else")
        }
        return tokenizer
    }

    /// A model on the folder's runtime.
    ///
    /// - Parameter threads: compute one input together.
    func session(model: String, threads: Int) throws(ModelError) -> OnnxSession {
        do throws(OnnxSession.Fault) {
            return try OnnxSession(library: file("libonnxruntime.so"), model: model, threads: threads)
        } catch {
            throw .runtime(error.message)
        }
    }

    /// SHA-256 of a file, hexadecimal; `nil` when it cannot be read.
    static func digest(_ path: String) -> String? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        var hash = SHA256()
        while let part = try? file.read(upToCount: 1 << 20), !part.isEmpty { hash.update(data: part) }
        return Digest256(bytes: hash.finalize())?.hex
    }
}
