/// What all proxies of one shared tier must have in common.
package struct SharedIdentity: Sendable, Hashable {
    /// The layout that this version writes.
    package static let layout = 1

    /// Of the vectors; `nil` without an embedder.
    package let dimension: Int?
    /// ``Embedder/fingerprint``; `nil` without an embedder. Proxies of another model share exact repeats alone.
    package let fingerprint: String?
    /// A value that only those with the same tenancy key have.
    package let tenancyCheck: String
    /// A value that only those with the same encryption key have; the same for all without one.
    package let encryptionCheck: String

    package init(dimension: Int?, fingerprint: String?, tenancyCheck: String, encryptionCheck: String) {
        self.dimension = dimension
        self.fingerprint = fingerprint
        self.tenancyCheck = tenancyCheck
        self.encryptionCheck = encryptionCheck
    }
}

/// What an engine is and holds, for people.
package struct SharedDescription: Sendable, Hashable {
    /// Its name and version, with those of what searches vectors: `Redis 8.2.3, search 2.10.5`.
    package let engine: String
    package let entries: Int
    package let searchable: Int
    /// What it holds in bytes; `nil` where it does not say.
    package let bytes: Int?
    /// How far its clock is ahead of this machine's.
    package let clockSkew: Duration

    package init(engine: String, entries: Int, searchable: Int, bytes: Int?, clockSkew: Duration) {
        self.engine = engine
        self.entries = entries
        self.searchable = searchable
        self.bytes = bytes
        self.clockSkew = clockSkew
    }
}
