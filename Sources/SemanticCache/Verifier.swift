/// Reads two wordings together and says whether one answer would serve both.
///
/// An embedder sees each text alone, so that a swapped name or a lost "not" hardly moves its vector; a verifier compares word by word.
package protocol Verifier: Sendable {
    /// Names the model, its weights and its pooling. Logits and cuts of different fingerprints are never compared.
    var fingerprint: String { get }

    /// The least logit that the weights' own held-out figures call safe, where nothing has been learned yet.
    var dayOneCut: Float { get }

    /// The logit of a pair (natural log of the odds that the answer is the same), finite; a refusal where the model cannot take the pair.
    ///
    /// Never blocks the calling executor. Throws ``ModelError`` when the model itself fails. The caller sets the deadline by cancelling.
    func logit(of pair: WordingPair) async throws(ModelError) -> Result<Float, ModelRefusal>
}

/// Two wordings to be read together.
package struct WordingPair: Hashable, Sendable {
    /// What is asked now.
    package let asked: String
    /// The prompt whose answer is in the cache.
    package let cached: String

    package init(asked: String, cached: String) {
        self.asked = asked
        self.cached = cached
    }
}
