/// An engine that several proxies keep their answers in, so that they are one cache.
///
/// An adapter moves bytes and knows no policy: what an entry says, what an event means and who may read either is sealed and opened by the proxies. All
/// calls are made beside the requests or within a deadline, and none blocks the calling executor. Numbers that order entries and flushes are the
/// journal's: it counts from 1, and two events never have one number.
package protocol SharedTier: Sendable {
    /// Connects, holds layout, embedder and keys against what the engine has, and makes what is missing. Called again after a fault.
    ///
    /// - Returns: the end of the journal, and the lineage that its numbers belong to: a fresh one where the engine was empty.
    func open(_ identity: SharedIdentity) async throws(SharedTierError) -> SharedPosition

    /// The entry under `key` with its answer, and whether `scope` has any vector; one round trip. Entries whose time is over are not found.
    func peek(_ key: CacheKey, in scope: Scope?, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> SharedPeek

    /// At most `count` entries of `scope`, and of no other, nearest first, without their answers. Entries whose time is over are not found.
    func nearest(
        to vector: UnitVector, in scope: Scope, count: Int, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) -> SharedNeighbours

    /// The entry under `key` with its answer, or that of this id; `nil` when it is gone.
    func entry(_ name: SharedName, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> SharedEntry?

    /// Adds or replaces by key, each as a whole or not at all. The outcomes are in the order of `entries`.
    ///
    /// The time at which an entry ends is the engine's to keep, where it can.
    func put(_ entries: [SharedEntry]) async throws(SharedTierError) -> [SharedPutOutcome]

    /// Removes these entries; unknown keys are passed over.
    func remove(_ keys: [CacheKey]) async throws(SharedTierError)

    /// Takes these entries out of every search for good; they go on answering exact repeats. Unknown keys are passed over.
    func unreach(_ keys: [CacheKey]) async throws(SharedTierError)

    /// Appends an event to the journal and tells whoever listens. Durable, as far as the engine is, before it returns.
    ///
    /// - Returns: its number, larger than that of any entry that was put before.
    func append(_ event: [UInt8]) async throws(SharedTierError) -> SharedPosition

    /// The events after `number`, oldest first, at most `limit`.
    func events(after number: Int64, limit: Int) async throws(SharedTierError) -> SharedEvents

    /// Says whenever an event may have been appended. May say so too often, and may miss some while the engine is away: whoever listens asks
    /// ``events(after:limit:)`` from time to time as well. Ends when the tier is closed.
    func hints() -> AsyncStream<Void>

    /// Removes at most `limit` entries that `selection` means and whose ``SharedEntry/since`` is below `number`.
    ///
    /// - Returns: how many went; fewer than `limit` when none is left.
    func sweep(_ selection: SharedSelection, before number: Int64, limit: Int) async throws(SharedTierError) -> Int

    /// At most `limit` entries that `selection` means, in an order of the engine's, each once however the tier changes meanwhile. An empty page is the end.
    func page(
        _ selection: SharedSelection, after cursor: SharedCursor?, limit: Int, withAnswers: Bool
    ) async throws(SharedTierError) -> SharedPage

    /// Keeps `bytes` as what `node` has under `name`, in place of what it had; `nil` leaves nothing.
    func setEvidence(_ bytes: [UInt8]?, named name: String, of node: Int) async throws(SharedTierError)

    /// What all nodes have under `name`.
    func evidence(named name: String) async throws(SharedTierError) -> [Int: [UInt8]]

    /// Takes or renews a node's number (``EntryIDSource/Node``) for `owner` for a minute: `held` where it has one that nobody else took meanwhile, else
    /// one that nobody has.
    func lease(for owner: String, held: Int?) async throws(SharedTierError) -> Int

    /// What the engine is and holds.
    func describe() async throws(SharedTierError) -> SharedDescription

    /// Ends all connections. Later calls throw ``SharedTierError/unreachable(_:)``.
    func close() async
}
