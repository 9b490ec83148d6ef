/// One entry as a shared tier holds it: what it is found by in the clear, what it says sealed.
package struct SharedEntry: Sendable, Equatable {
    package let key: CacheKey
    /// The same on every proxy: for people, feedback and listings. No two entries of a tier have one.
    package let id: EntryID
    /// `nil` when the entry may serve exact repeats only.
    package let scope: Scope?
    package let marks: SharedMarks
    package let createdAt: Timestamp
    package let expiresAt: Timestamp
    /// The number of the last event of the journal that the proxy which put the entry had applied before. What a later flush means is dead, wherever it
    /// is met.
    package let since: Int64
    /// `nil` where the entry serves exact repeats only. Not given back by the tier where only metadata was asked for.
    package let vector: UnitVector?
    /// ``EntryMetadata``, sealed.
    package let metadata: [UInt8]
    /// The answer, sealed; `nil` where it was not asked for.
    package let answer: [UInt8]?

    package init(
        key: CacheKey, id: EntryID, scope: Scope?, marks: SharedMarks, createdAt: Timestamp, expiresAt: Timestamp, since: Int64,
        vector: UnitVector?, metadata: [UInt8], answer: [UInt8]?
    ) {
        self.key = key
        self.id = id
        self.scope = scope
        self.marks = marks
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.since = since
        self.vector = vector
        self.metadata = metadata
        self.answer = answer
    }
}

/// What a selector compares, as words that say nothing: equal names give equal words to those who have the key.
package struct SharedMarks: Sendable, Hashable {
    package var tenant: UInt64
    package var namespace: UInt64
    package var model: UInt64
    package var tags: [UInt64]

    package init(tenant: UInt64, namespace: UInt64, model: UInt64, tags: [UInt64]) {
        self.tenant = tenant
        self.namespace = namespace
        self.model = model
        self.tags = tags
    }
}

/// Which entries are meant, as far as an engine can tell. Members combine with AND; without any it means all.
package struct SharedSelection: Sendable, Hashable {
    package var tenant: UInt64?
    package var namespace: UInt64?
    package var model: UInt64?
    package var tag: UInt64?
    package var createdBefore: Timestamp?

    package init() {}

    package func means(_ entry: SharedEntry) -> Bool {
        tenant.map { $0 == entry.marks.tenant } ?? true && namespace.map { $0 == entry.marks.namespace } ?? true
            && model.map { $0 == entry.marks.model } ?? true && tag.map { entry.marks.tags.contains($0) } ?? true
            && createdBefore.map { entry.createdAt < $0 } ?? true
    }
}

/// What an entry is asked for by.
package enum SharedName: Sendable, Hashable {
    case key(CacheKey)
    case id(EntryID)
}

/// Where a page ended; made and read by the adapter alone.
package struct SharedCursor: Sendable, Hashable {
    package let text: String

    package init(_ text: String) { self.text = text }
}

package struct SharedPage: Sendable {
    package let entries: [SharedEntry]
    /// `nil` when this was the last page.
    package let cursor: SharedCursor?

    package init(entries: [SharedEntry], cursor: SharedCursor?) {
        self.entries = entries
        self.cursor = cursor
    }
}

/// What became of an entry that was put.
package enum SharedPutOutcome: Sendable, Hashable {
    case stored
    /// An entry of another key has its id: it is to be put again under another.
    case idTaken
    /// The engine does not take so many bytes, now or ever.
    case tooLarge
}

/// What one look at a tier told.
package struct SharedPeek: Sendable {
    package let entry: SharedEntry?
    /// Whether the scope has a vector; `false` where no scope was asked for.
    package let hasVectors: Bool
    package let head: SharedPosition

    package init(entry: SharedEntry?, hasVectors: Bool, head: SharedPosition) {
        self.entry = entry
        self.hasVectors = hasVectors
        self.head = head
    }
}

/// What a search found, nearest first, without answers and vectors.
package struct SharedNeighbours: Sendable {
    package let found: [(entry: SharedEntry, similarity: Float)]
    package let head: SharedPosition

    package init(found: [(entry: SharedEntry, similarity: Float)], head: SharedPosition) {
        self.found = found
        self.head = head
    }
}
