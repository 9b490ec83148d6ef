package import Logging
package import SemanticCache
import ServiceLifecycle
import Synchronization

/// Writes the index beside the store, and takes it in again at the next start in place of building it anew.
///
/// A snapshot covers the store up to a generation. What was written later is read from the store, and what was removed since is taken out of the
/// index when the store has been read; so a snapshot of any age is right, and a young one saves more. One that is damaged, of another store, or of
/// another model is passed over, said and replaced.
package final class IndexSnapshots: Service, Sendable {
    private struct State {
        /// The index's change count at the last writing; `nil` where there is no snapshot yet.
        var saved: Int?
        var fault: String?
    }

    private let index: any SnapshotIndex
    private let cache: AnswerCache
    private let store: any CacheStore
    private let snapshots: any SnapshotStore
    private let fingerprint: String
    private let interval: Duration
    private let logger: Logger
    private let onFault: @Sendable (String?) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - index: the cache's.
    ///   - fingerprint: of the embedder in use.
    ///   - interval: how often it is looked whether another snapshot is worth its writing.
    ///   - onFault: told why a snapshot cannot be written when that changes; `nil` when it can again.
    package init(
        index: any SnapshotIndex, cache: AnswerCache, store: any CacheStore, snapshots: any SnapshotStore, fingerprint: String, interval: Duration,
        logger: Logger, onFault: @escaping @Sendable (String?) -> Void = { _ in }
    ) {
        self.onFault = onFault
        self.index = index
        self.cache = cache
        self.store = store
        self.snapshots = snapshots
        self.fingerprint = fingerprint
        self.interval = interval
        self.logger = logger
    }

    /// Why the last snapshot could not be written; `nil` when it could.
    package var fault: String? { state.withLock { $0.fault } }

    /// Takes the snapshot into the index, if there is one that fits. Returns the generation of the store that it covers.
    package func load() async -> Int64? {
        do {
            guard let origin = try await snapshots.origin() else { return nil }
            let current = try await store.generation()
            guard origin.generation.lineage == current.lineage else { return refuse("it belongs to another store") }
            guard origin.generation.number <= current.number else {
                // An older copy of the store was put back: its next transactions would bear numbers that the snapshot takes for known.
                try await store.beginLineage()
                return refuse("the store is older than it")
            }
            guard origin.fingerprint == fingerprint, origin.dimension == index.dimension else {
                return refuse("its vectors are of another model (\(origin.fingerprint))")
            }
            let started = ContinuousClock.now
            try await snapshots.read { [index] in try index.read(from: $0) }
            state.withLock { $0.saved = index.changeCount }
            logger.info(
                "the snapshot of the index is loaded",
                metadata: ["vectors": "\(index.count)", "seconds": "\((ContinuousClock.now - started).inSeconds)"])
            return origin.generation.number
        } catch {
            return refuse("\(error)")
        }
    }

    private func refuse(_ reason: String) -> Int64? {
        logger.warning("the snapshot of the index is not used; the index is built from the store", metadata: ["reason": "\(reason)"])
        return nil
    }

    /// Writes one whenever enough has changed, and a last one at shutdown.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                if !Task.isCancelled, isDue(share: 5) { await save() }
            }
        }
        if isDue(share: 100) { await save() }
    }

    /// Whether at least one in `share` of what the index holds has changed since the last writing.
    private func isDue(share: Int) -> Bool {
        // What has not been read from the store yet would be missing.
        guard !cache.isRestoring else { return false }
        guard let saved = state.withLock({ $0.saved }) else { return index.count > 0 }
        let changes = index.changeCount - saved
        return changes > 0 && changes * share >= index.count
    }

    /// Writes a snapshot of this moment. A fault is said once and changes nothing: the former one stays, and the next is tried when its time has come.
    package func save() async {
        do {
            // Asked first: what comes between this and the copy is in both, and read from the store once more.
            let generation = try await store.generation()
            let changes = index.changeCount
            try await snapshots.write(SnapshotOrigin(generation: generation, fingerprint: fingerprint, dimension: index.dimension)) { [index] in
                try index.write(to: $0)
            }
            let recovered = state.withLock { state in
                defer { state = State(saved: changes) }
                return state.fault != nil
            }
            if recovered {
                logger.notice("the snapshot of the index is written again")
                onFault(nil)
            }
        } catch {
            let isNew = state.withLock { state in
                defer { state.fault = "\(error)" }
                return state.fault != "\(error)"
            }
            guard isNew else { return }
            logger.warning("the snapshot of the index cannot be written", metadata: ["reason": "\(error)"])
            onFault("\(error)")
        }
    }
}
