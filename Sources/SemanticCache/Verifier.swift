/// Reads two wordings together and says whether one answer would serve both.
///
/// An embedder sees each text alone, so that a swapped name or a lost "not" hardly moves its vector; a verifier compares word by word.
package protocol Verifier: Sendable {
    /// Names the model, its weights and its pooling. Logits and cuts of different fingerprints are never compared.
    var fingerprint: String { get }

    /// The least logit that the weights' own held-out figures call safe, where nothing has been learned yet.
    var dayOneCut: Float { get }

    /// The most pairs that one call should carry.
    var maximumBatchSize: Int { get }

    /// One outcome for each pair, in order: the logit (natural log of the odds that the answer is the same), finite. A pair that the model cannot
    /// take is refused on its own; the others still get their logits.
    ///
    /// Never blocks the calling executor. Throws ``VerifierError`` when the model itself fails. The caller sets the deadline by cancelling.
    func logits(of pairs: [WordingPair]) async throws(VerifierError) -> [Result<Float, VerifierRefusal>]
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

/// Why one pair has no logit.
package enum VerifierRefusal: Error, Hashable, Sendable {
    /// More tokens than the model's window for a pair (`limit`, special tokens included).
    case tooLong(tokens: Int, limit: Int)
    /// Nothing is left of one of the wordings after normalisation.
    case empty
    /// The model gave a number that is not finite.
    case notFinite
}

/// A fault of the verifier as a whole.
package enum VerifierError: Error, Sendable, CustomStringConvertible {
    /// A file that the model needs is not there.
    case missing(path: String, hint: String)
    /// A file is there, but is not what was expected.
    case damaged(path: String, expected: String, found: String)
    /// The runtime refused or failed, or the call was cancelled.
    case runtime(String)

    package var description: String {
        switch self {
        case .missing(let path, let hint): "\(path) is missing: \(hint)"
        case .damaged(let path, let expected, let found): "\(path) is damaged: expected \(expected), found \(found)"
        case .runtime(let message): "the verifier's runtime failed: \(message)"
        }
    }
}
