/// Everything about an entry but its answer: what decisions rest on, and what stays in memory when the answer does not.
///
/// The prompt's text is kept only where it can matter to a decision: `query` is the last user message, the part that may be worded otherwise.
package struct EntryMetadata: Identifiable, Sendable {
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
    package let createdAt: Timestamp
    /// The first moment at which the entry is no longer fresh.
    package let expiresAt: Timestamp

    package init(
        id: EntryID, key: CacheKey, scope: Scope?, tenant: TenantID, namespace: String, endpoint: Endpoint, model: String, tags: [String] = [],
        query: String, createdAt: Timestamp, expiresAt: Timestamp
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
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    /// The same under another id.
    package func with(id: EntryID) -> EntryMetadata {
        EntryMetadata(
            id: id, key: key, scope: scope, tenant: tenant, namespace: namespace, endpoint: endpoint, model: model, tags: tags, query: query,
            createdAt: createdAt, expiresAt: expiresAt)
    }

    /// The same, for exact repeats alone.
    package var withoutScope: EntryMetadata {
        EntryMetadata(
            id: id, key: key, scope: nil, tenant: tenant, namespace: namespace, endpoint: endpoint, model: model, tags: tags, query: query,
            createdAt: createdAt, expiresAt: expiresAt)
    }

    /// Whether the time to live is over at `now`.
    package func isExpired(at now: Timestamp) -> Bool { now >= expiresAt }

    /// An estimate of the memory held, in bytes: the value itself, and its texts where they are too long to stand in it.
    package var memoryBytes: Int {
        func held(_ text: String) -> Int { text.utf8.count > 15 ? text.utf8.count + 32 : 0 }
        let tagBytes = tags.isEmpty ? 0 : tags.reduce(32) { $0 + 16 + held($1) }
        return MemoryLayout<Self>.stride + held(query) + held(model) + held(namespace) + tagBytes
    }
}
