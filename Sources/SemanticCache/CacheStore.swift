/// Keeps entries over restarts.
///
/// Calls may wait for the disk and never block the calling executor. A fault is thrown as ``StoreError`` and leaves the store as it was before the call.
package protocol CacheStore: Sendable {
    /// Adds all records in one transaction. A record whose key is already there takes its place.
    func insert(_ records: [CacheRecord]) async throws(StoreError)

    /// Removes these entries, and answers that no entry uses any more. Unknown ids are passed over.
    func remove(_ ids: [EntryID]) async throws(StoreError)

    /// Removes every entry.
    func removeAll() async throws(StoreError)

    /// The record with this key, expired or not.
    func record(for key: CacheKey) async throws(StoreError) -> CacheRecord?

    /// The largest id among all records, readable or not; `nil` when there are none.
    func lastID() async throws(StoreError) -> EntryID?

    /// The number of entries.
    func count() async throws(StoreError) -> Int

    /// At most `limit` entries without answers and vectors, with ids above `cursor`, ascending. An empty result is the end.
    func outlines(after cursor: EntryID?, limit: Int) async throws(StoreError) -> [EntryOutline]

    /// The vectors of these entries; those without one are left out.
    func embeddings(of ids: [EntryID]) async throws(StoreError) -> [EntryID: StoredEmbedding]

    /// Notes that the shared tier has taken these entries, each with a vector or without. One whose row has come by a vector since goes on waiting.
    func noteTaken(_ entries: [EntryID: Bool]) async throws(StoreError)

    /// Notes that the shared tier has nothing any more of what it took: all that was made here waits again.
    func forgetTaken() async throws(StoreError)

    /// The state that the store is in. Everything inserted before the call has a generation of at most this.
    func generation() async throws(StoreError) -> StoreGeneration

    /// Begins another line of generations, so that nothing that was derived from earlier ones is taken for what is there now.
    func beginLineage() async throws(StoreError)

    /// A named blob of the program's own state, such as the tenant key.
    func state(named name: String) async throws(StoreError) -> [UInt8]?

    /// Keeps `value` under `name`, replacing what was there; `nil` leaves nothing there.
    func setState(_ value: [UInt8]?, named name: String) async throws(StoreError)

    /// The bytes that the store holds on disk; zero for a store in memory.
    func diskBytes() async throws(StoreError) -> Int

    /// Makes everything durable and gives up files and threads. Later calls throw ``StoreError/closed``.
    func close() async throws(StoreError)
}

/// A fault of the store.
package enum StoreError: Error, Sendable, CustomStringConvertible {
    /// The database cannot be opened.
    case cannotOpen(path: String, reason: String)
    /// The database was written by a newer version of the program.
    case newerSchema(path: String, found: String, expected: String)
    /// The file is damaged; `setAside` names where it was moved, if it was.
    case damaged(path: String, reason: String, setAside: String?)
    /// The disk is full or not writable.
    case cannotWrite(reason: String)
    /// Any other fault of the engine.
    case engine(String)
    /// The store was closed.
    case closed

    package var description: String {
        switch self {
        case .cannotOpen(let path, let reason): "cannot open \(path): \(reason)"
        case .newerSchema(let path, let found, let expected):
            "\(path) was written by a newer version (schema \(found), this program knows \(expected))"
        case .damaged(let path, let reason, let setAside):
            "\(path) is damaged (\(reason))" + (setAside.map { ", kept as \($0)" } ?? "")
        case .cannotWrite(let reason): "cannot write to the store: \(reason)"
        case .engine(let message): "the store failed: \(message)"
        case .closed: "the store is closed"
        }
    }
}
