/// Nearest neighbours among the vectors of one scope.
///
/// The scope is a required argument of every search: an index that can be asked without one is how answers leak between conversations.
package protocol VectorIndex: Sendable {
    /// The number of components of every vector in the index.
    var dimension: Int { get }

    /// The number of vectors in all scopes.
    var count: Int { get }

    /// The number of vectors in `scope`; O(1).
    func count(in scope: Scope) -> Int

    /// Whether the vector of `id` is there, under `scope`.
    func contains(_ id: EntryID, in scope: Scope) -> Bool

    /// The ids of all vectors, in no order.
    var ids: [EntryID] { get }

    /// The vectors that a search still compares one by one, because a faster structure is being made behind it.
    var unlinkedCount: Int { get }

    /// The memory held by vectors and structure, in bytes.
    var memoryBytes: Int { get }

    /// Makes `vector` findable under `scope`. An id that is already there is replaced, whatever its scope was.
    ///
    /// The dimension must be the index's.
    func insert(_ id: EntryID, _ vector: UnitVector, in scope: Scope)

    /// Takes the vector out and frees its memory. Returns whether it was there.
    @discardableResult
    func remove(_ id: EntryID) -> Bool

    /// At most `count` neighbours within `scope`, best first; ties by older id first, so that equal inputs give equal results.
    func nearest(to query: UnitVector, in scope: Scope, count: Int) -> [Neighbour]

    /// Every neighbour within `scope` of at least `threshold` similarity, best first; exact, and O(n) for the n vectors of the scope.
    func all(atLeast threshold: Float, similarTo query: UnitVector, in scope: Scope) -> [Neighbour]

    /// Takes everything out.
    func removeAll()
}

/// An entry near the query.
package struct Neighbour: Hashable, Sendable {
    package let id: EntryID
    /// Cosine similarity in -1...1, true to 1e-3.
    package let similarity: Float

    package init(id: EntryID, similarity: Float) {
        self.id = id
        self.similarity = similarity
    }
}
