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
    /// Never blocks the calling executor. Throws ``ModelError`` when the model itself fails.
    func embed(_ texts: [String]) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>]

    /// The same for texts that no request waits for: they give way to those that one does.
    ///
    /// - Parameters:
    ///   - keepsReading: whether a ``Verifier`` may soon go on from what was read of these texts, as of questions; of texts that are compared once it
    ///     would only take the room.
    ///   - urgency: raised when a request waits for them after all.
    func embedInBackground(_ texts: [String], keepsReading: Bool, urgency: Urgency) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>]

    /// The words of a text as the model reads them, in order: two texts that differ in nothing that it is given have the same vector. Empty for a
    /// model that sees every character.
    func readWords(in text: String) -> [ReadWord]
}

extension Embedder {
    package func embedInBackground(_ texts: [String], keepsReading: Bool, urgency: Urgency) async throws(ModelError)
        -> [Result<UnitVector, ModelRefusal>]
    { try await embed(texts) }

    package func embedInBackground(_ texts: [String], keepsReading: Bool) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>] {
        try await embedInBackground(texts, keepsReading: keepsReading, urgency: Urgency())
    }

    package func readWords(in text: String) -> [ReadWord] { [] }
}
