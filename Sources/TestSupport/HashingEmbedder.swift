package import SemanticCache

/// A deterministic embedder without a model, for tests: a bag of words, hashed into a fixed number of signed buckets.
///
/// Words are runs of letters and digits, lower-cased. Texts with the same words have the same vector bit for bit, whatever their order and
/// punctuation; texts that share words are near; texts that share none are at most near by collision. The same on every machine and in every run.
package struct HashingEmbedder: Embedder {
    package let dimension: Int
    package let maximumBatchSize: Int
    /// The most words that a text may have; more are refused as ``ModelRefusal/tooLong(tokens:limit:)``.
    package let wordLimit: Int

    package var fingerprint: String { "hashing-\(dimension)" }

    package init(dimension: Int = 64, maximumBatchSize: Int = 32, wordLimit: Int = 250) {
        precondition(dimension > 0 && maximumBatchSize > 0 && wordLimit > 0, "dimension, batch size and word limit must be positive")
        self.dimension = dimension
        self.maximumBatchSize = maximumBatchSize
        self.wordLimit = wordLimit
    }

    package func embed(_ texts: [String]) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>] {
        texts.map(outcome(of:))
    }

    /// What ``embed(_:)`` gives for one text, for tests that need the vector at once.
    package func outcome(of text: String) -> Result<UnitVector, ModelRefusal> {
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber }
        guard !words.isEmpty else { return .failure(.empty) }
        guard words.count <= wordLimit else { return .failure(.tooLong(tokens: words.count, limit: wordLimit)) }
        var components = [Float](repeating: 0, count: dimension)
        for word in words {
            // Two signed buckets a word, of different weight, so that two words seldom collide wholly or cancel out.
            let hash = Self.hash(word.utf8)
            components[Int(hash % UInt64(dimension))] += hash >> 62 & 1 == 0 ? 1 : -1
            components[Int((hash >> 24) % UInt64(dimension))] += hash >> 63 == 0 ? 0.5 : -0.5
        }
        return UnitVector(normalizing: components).map { .success($0) } ?? .failure(.notFinite)
    }

    /// FNV-1a, 64 bits, with a final mix: stable across runs, unlike `Hasher`.
    private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        return hash ^ hash >> 33
    }
}
