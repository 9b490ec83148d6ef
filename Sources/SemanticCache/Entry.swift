/// One cached request and the answer that may be served for it.
package struct Entry: Identifiable, Sendable {
    package let metadata: EntryMetadata
    package let answer: Answer

    package init(_ metadata: EntryMetadata, answer: Answer) {
        self.metadata = metadata
        self.answer = answer
    }

    package init(
        id: EntryID, key: CacheKey, scope: Scope?, tenant: TenantID, namespace: String, endpoint: Endpoint, model: String,
        tags: [String] = [], query: String, answer: Answer, createdAt: Timestamp, expiresAt: Timestamp
    ) {
        metadata = EntryMetadata(
            id: id, key: key, scope: scope, tenant: tenant, namespace: namespace, endpoint: endpoint, model: model, tags: tags, query: query,
            createdAt: createdAt, expiresAt: expiresAt)
        self.answer = answer
    }

    package var id: EntryID { metadata.id }
    package var key: CacheKey { metadata.key }
    package var scope: Scope? { metadata.scope }
    package var tenant: TenantID { metadata.tenant }
    package var namespace: String { metadata.namespace }
    package var endpoint: Endpoint { metadata.endpoint }
    package var model: String { metadata.model }
    package var tags: [String] { metadata.tags }
    package var query: String { metadata.query }
    package var createdAt: Timestamp { metadata.createdAt }
    package var expiresAt: Timestamp { metadata.expiresAt }

    /// Whether the time to live is over at `now`.
    package func isExpired(at now: Timestamp) -> Bool { metadata.isExpired(at: now) }

    /// An estimate of the memory that the entry holds, in bytes, its vector aside.
    package var memoryBytes: Int { metadata.memoryBytes + answer.memoryBytes }
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
