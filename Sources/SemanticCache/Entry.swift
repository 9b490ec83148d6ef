/// One cached request and the answer that may be served for it.
///
/// The prompt's text is kept only where it can matter to a decision: `query` is the last user message, the part that may be worded otherwise.
package struct Entry: Identifiable, Sendable {
    package let id: EntryID
    package let key: CacheKey
    /// `nil` when the entry may serve exact repeats only.
    package let scope: Scope?
    package let tenant: TenantID
    package let namespace: String
    package let endpoint: Endpoint
    package let model: String
    package let tags: [String]
    /// The text of the last user message; empty when there is none.
    package let query: String
    package let answer: Answer
    package let createdAt: Timestamp
    /// The first moment at which the entry is no longer fresh.
    package let expiresAt: Timestamp

    package init(
        id: EntryID, key: CacheKey, scope: Scope?, tenant: TenantID, namespace: String, endpoint: Endpoint, model: String,
        tags: [String] = [], query: String, answer: Answer, createdAt: Timestamp, expiresAt: Timestamp
    ) {
        self.id = id
        self.key = key
        self.scope = scope
        self.tenant = tenant
        self.namespace = namespace
        self.endpoint = endpoint
        self.model = model
        self.tags = tags
        self.query = query
        self.answer = answer
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    /// Whether the time to live is over at `now`.
    package func isExpired(at now: Timestamp) -> Bool { now >= expiresAt }

    /// An estimate of the memory that the entry holds, in bytes, its vector aside.
    package var memoryBytes: Int {
        512 + query.utf8.count + model.utf8.count + namespace.utf8.count + tags.reduce(0) { $0 + $1.utf8.count + 16 } + answer.memoryBytes
    }
}

/// An entry as the store keeps it: with its vector, and the fingerprint of the embedder that made it.
package struct CacheRecord: Sendable {
    package let entry: Entry
    package let embedding: StoredEmbedding?

    package init(entry: Entry, embedding: StoredEmbedding?) {
        self.entry = entry
        self.embedding = embedding
    }
}

/// A vector and the embedder it belongs to.
package struct StoredEmbedding: Hashable, Sendable {
    package let vector: UnitVector
    /// ``Embedder/fingerprint`` of the model that made `vector`.
    package let fingerprint: String

    package init(vector: UnitVector, fingerprint: String) {
        self.vector = vector
        self.fingerprint = fingerprint
    }
}
