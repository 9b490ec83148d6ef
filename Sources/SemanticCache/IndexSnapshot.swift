/// An index that can be written out whole, and taken in again in a fraction of the time that inserting takes.
package protocol SnapshotIndex: VectorIndex {
    /// Grows with each vector that comes, goes or is linked: tells how much of a snapshot is out of date.
    var changeCount: Int { get }

    /// Hands all vectors and the structure over them to `sink`, piece by piece. Searches, insertions and removals go on meanwhile; those that happen
    /// during the call may be in or not. Rethrows what `sink` throws.
    func write(to sink: (UnsafeRawBufferPointer) throws -> Void) throws

    /// Takes in what ``write(to:)`` gave, beside what is there already: an id that is there stays as it is.
    ///
    /// Throws ``SnapshotError`` when the bytes are none of this index's, and rethrows what `source` throws; then nothing was taken in.
    ///
    /// - Parameter source: fills the buffer with the next bytes, or throws.
    func read(from source: (UnsafeMutableRawBufferPointer) throws -> Void) throws
}

/// What a snapshot was made of: what it may stand in for.
package struct SnapshotOrigin: Hashable, Sendable, Codable {
    /// The state of the store that the snapshot covers: all that the store had then is in it.
    package let generation: StoreGeneration
    /// ``Embedder/fingerprint`` of the model that made the vectors.
    package let fingerprint: String
    /// Components a vector.
    package let dimension: Int

    package init(generation: StoreGeneration, fingerprint: String, dimension: Int) {
        self.generation = generation
        self.fingerprint = fingerprint
        self.dimension = dimension
    }
}

/// Keeps one snapshot of the index beside the store. An optimisation, never the truth: whatever is wrong with it, the index is rebuilt from the store.
///
/// Calls wait for the disk on a queue of their own.
package protocol SnapshotStore: Sendable {
    /// Replaces the snapshot by what `content` hands over, at once and wholly or not at all.
    func write(
        _ origin: SnapshotOrigin, _ content: @escaping @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) async throws(SnapshotError)

    /// The origin of the snapshot that is there; `nil` where there is none.
    func origin() async throws(SnapshotError) -> SnapshotOrigin?

    /// Hands the snapshot's bytes to `content`, and throws when they are not what was written, or not all were asked for.
    func read(_ content: @escaping @Sendable ((UnsafeMutableRawBufferPointer) throws -> Void) throws -> Void) async throws(SnapshotError)
}

/// Why a snapshot cannot be used or written.
package enum SnapshotError: Error, Sendable, CustomStringConvertible {
    /// The bytes are not what was written.
    case damaged(String)
    /// It was written by another version of the program.
    case otherVersion(found: String, expected: String)
    /// It was sealed with a key that is not at hand, or is plain where a key is set.
    case otherKey
    /// The file cannot be written or read.
    case file(String)

    package var description: String {
        switch self {
        case .damaged(let what): "it is damaged: \(what)"
        case .otherVersion(let found, let expected): "it was written by another version (found \(found), expected \(expected))"
        case .otherKey: "it is not sealed with the key in use"
        case .file(let reason): "\(reason)"
        }
    }
}
