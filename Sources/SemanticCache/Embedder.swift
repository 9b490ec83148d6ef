/// Turns texts into unit vectors whose dot product says how near their meanings are.
package protocol Embedder: Sendable {
    /// The number of components of every vector.
    var dimension: Int { get }

    /// Names the model, its pooling, prefix and dimension. Vectors of different fingerprints are never compared.
    var fingerprint: String { get }

    /// The most texts that one call should carry.
    var maximumBatchSize: Int { get }

    /// One outcome for each text, in order. A text that the model cannot take is refused on its own; the others still get their vectors.
    ///
    /// Never blocks the calling executor. Throws ``EmbedderError`` when the model itself fails.
    func embed(_ texts: [String]) async throws(EmbedderError) -> [Result<UnitVector, EmbeddingRefusal>]

    /// The words of a text that the model has no piece for, in order: two texts that differ in nothing else have the same vector.
    func unreadWords(in text: String) -> [String]
}

extension Embedder {
    package func unreadWords(in text: String) -> [String] { [] }
}

/// Why one text has no vector.
package enum EmbeddingRefusal: Error, Hashable, Sendable {
    /// More tokens than the model's window (`limit`, special tokens included).
    case tooLong(tokens: Int, limit: Int)
    /// Nothing is left of the text after normalisation.
    case empty
    /// The model gave a vector that is not finite or has no length.
    case notFinite
}

/// A fault of the embedder as a whole.
package enum EmbedderError: Error, Sendable, CustomStringConvertible {
    /// A file that the model needs is not there.
    case missing(path: String, hint: String)
    /// A file is there, but is not what was expected.
    case damaged(path: String, expected: String, found: String)
    /// The runtime refused or failed.
    case runtime(String)

    package var description: String {
        switch self {
        case .missing(let path, let hint): "\(path) is missing: \(hint)"
        case .damaged(let path, let expected, let found): "\(path) is damaged: expected \(expected), found \(found)"
        case .runtime(let message): "the embedding runtime failed: \(message)"
        }
    }
}
