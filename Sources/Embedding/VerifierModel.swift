import Foundation
package import SemanticCache

/// The verifier's graph in a model folder, as `Scripts/model` makes it beside the embedding model.
package struct VerifierModel: Sendable {
    package let path: String
    /// The model's name for people.
    package let name: String
    /// Names the weights: ``Verifier/fingerprint``.
    package let fingerprint: String
    /// ``Verifier/dayOneCut``.
    package let dayOneCut: Float
    /// SHA-256 of the weights, hexadecimal.
    let weights: String

    private struct Manifest: Decodable {
        let format: Int
        let model: String
        let weights: String
        let dayOneCut: Float
        let files: [String: String]

        enum CodingKeys: String, CodingKey {
            case format, model, weights, files
            case dayOneCut = "day_one_cut"
        }
    }

    private static let hint = "run Scripts/model, or set matching.verifier to off"

    /// Looks at the folder and holds the graph against the manifest's SHA-256.
    ///
    /// Throws ``ModelError/missing(path:hint:)`` or ``ModelError/damaged(path:expected:found:)``.
    package init(folder: String) throws(ModelError) {
        let manifestPath = folder + "/verifier.json"
        path = folder + "/verifier.onnx"
        guard let data = FileManager.default.contents(atPath: manifestPath) else { throw .missing(path: manifestPath, hint: Self.hint) }
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: data), manifest.format == 2, manifest.dayOneCut.isFinite else {
            throw .damaged(path: manifestPath, expected: "a verifier manifest of format 2", found: "something else")
        }
        guard let expected = manifest.files["verifier.onnx"] else {
            throw .damaged(path: manifestPath, expected: "the SHA-256 of verifier.onnx", found: "none")
        }
        guard let found = ModelFolder.digest(path) else { throw .missing(path: path, hint: Self.hint) }
        guard found == expected else { throw .damaged(path: path, expected: "SHA-256 \(expected)", found: found) }
        name = manifest.model
        dayOneCut = manifest.dayOneCut
        weights = manifest.weights
        fingerprint = "\(manifest.model) \(manifest.weights.prefix(16))"
    }
}
