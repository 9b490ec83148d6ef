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
    package let sharing: EntrySharing

    package init(entry: Entry, embedding: StoredEmbedding?, sharing: EntrySharing = .waiting) {
        self.entry = entry
        self.embedding = embedding
        self.sharing = sharing
    }

    /// The same, of which the shared tier has something else.
    package func with(_ sharing: EntrySharing) -> CacheRecord { CacheRecord(entry: entry, embedding: embedding, sharing: sharing) }
}

/// What a start needs to know of an entry: everything but its answer and its vector.
package struct EntryOutline: Sendable {
    package let metadata: EntryMetadata
    /// ``Answer/memoryBytes`` and ``Answer/savedCost`` of its answer.
    package let answerBytes: Int
    package let savedCost: Double
    /// The number of the transaction that wrote it: see ``StoreGeneration``.
    package let generation: Int64
    /// ``Embedder/fingerprint`` of the model that made its vector; `nil` where it has none.
    package let fingerprint: String?
    package let sharing: EntrySharing

    package init(
        metadata: EntryMetadata, answerBytes: Int, savedCost: Double, generation: Int64, fingerprint: String?, sharing: EntrySharing = .waiting
    ) {
        self.metadata = metadata
        self.answerBytes = answerBytes
        self.savedCost = savedCost
        self.generation = generation
        self.fingerprint = fingerprint
        self.sharing = sharing
    }

    /// What there is to say of a whole record.
    package init(_ record: CacheRecord, generation: Int64) {
        self.init(
            metadata: record.entry.metadata, answerBytes: record.entry.answer.memoryBytes, savedCost: record.entry.answer.savedCost,
            generation: generation, fingerprint: record.embedding?.fingerprint, sharing: record.sharing)
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
