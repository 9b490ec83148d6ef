package import Logging
package import SemanticCache
import ServiceLifecycle
import Synchronization
import Telemetry

/// Brings the entries of the store back into memory at start, behind the requests: meanwhile exact repeats are looked for in the store itself.
///
/// Answers stay where they are. Vectors come from the snapshot of the index as far as it goes, the others from the store.
package final class EntryRestorer: Service, Sendable {
    /// How far it is.
    package struct Progress: Sendable {
        /// Entries looked at, and entries that the store held at the start.
        package var read = 0
        package var total = 0
        /// Entries brought back.
        package var restored = 0

        package init() {}
    }

    private struct State {
        var progress = Progress()
        var cursor: EntryID?
        /// The generation that the snapshot covers; `nil` before it was looked for, -1 without one.
        var covered: Int64?
    }

    private let store: any CacheStore
    private let cache: AnswerCache
    private let snapshots: IndexSnapshots?
    private let indexing: IndexingQueue?
    private let fingerprint: String?
    private let clock: any WallClock
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter snapshots: `nil` where none are kept.
    package init(
        store: any CacheStore, cache: AnswerCache, snapshots: IndexSnapshots? = nil, indexing: IndexingQueue?, fingerprint: String?,
        clock: any WallClock, logger: Logger
    ) {
        self.store = store
        self.cache = cache
        self.snapshots = snapshots
        self.indexing = indexing
        self.fingerprint = fingerprint
        self.clock = clock
        self.logger = logger
    }

    package var progress: Progress { state.withLock { $0.progress } }

    /// Begins: the largest id that the store holds, so that new ones are larger. Reads on for at most `limit`, which is all of a small store.
    package func begin(for limit: Duration) async -> EntryID? {
        do throws(StoreError) {
            guard let last = try await store.lastID() else { return nil }
            let total = try await store.count()
            state.withLock { $0.progress.total = total }
            cache.setRestoring(true)
            let end = ContinuousClock.now + limit
            // The snapshot of a large store takes longer to read than a start should.
            guard total <= Self.smallCount else { return last }
            while ContinuousClock.now < end, await restoreSome() {}
            return last
        } catch {
            logger.error("the store could not be read", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Reads the rest, then waits for shutdown.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            let started = ContinuousClock.now
            let isLong = cache.isRestoring
            while !Task.isCancelled, await restoreSome() {}
            if isLong, !Task.isCancelled {
                logger.notice(
                    "all entries of the store are in reach",
                    metadata: ["entries": "\(progress.restored)", "seconds": "\((ContinuousClock.now - started).inSeconds)"])
            }
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        }
    }

    /// Reads the whole store.
    package func restoreAll() async {
        while await restoreSome() {}
    }

    /// The snapshot of as many entries is loaded in a small part of a second.
    private static let smallCount = 50_000
    private static let pageSize = 1000

    /// The snapshot, or one page; expired rows are removed from the store on the way. Whether there is more. A fault ends the reading with what was
    /// found so far.
    private func restoreSome() async -> Bool {
        guard cache.isRestoring else { return false }
        guard let covered = state.withLock({ $0.covered }) else {
            let covered = await snapshots?.load() ?? -1
            state.withLock { $0.covered = covered }
            // Everything may have been flushed while it was loaded.
            if !cache.isRestoring { end() }
            return cache.isRestoring
        }
        do throws(StoreError) {
            let page = try await store.outlines(after: state.withLock { $0.cursor }, limit: Self.pageSize)
            guard let last = page.last else {
                end()
                return false
            }
            let now = clock.now() + (.zero - cache.limits.staleWindow)
            let (expired, living) = (page.filter { $0.metadata.isExpired(at: now) }, page.filter { !$0.metadata.isExpired(at: now) })
            let wanting = living.filter { $0.fingerprint == fingerprint && !isCovered($0, covered) && $0.metadata.scope != nil }
            let embeddings = fingerprint == nil || wanting.isEmpty ? [:] : try await store.embeddings(of: wanting.map(\.metadata.id))
            for outline in living {
                let id = outline.metadata.id
                let vector = cache.usable(embeddings[id])
                let isIndexed = vector == nil && isCovered(outline, covered)
                cache.restore(outline, vector.map { .vector($0) } ?? (isIndexed ? .indexed : .none))
                // A vector of another model is of no use: the text is embedded again behind the requests.
                if vector == nil, !isIndexed, outline.metadata.scope != nil { indexing?.enqueue(id, query: outline.metadata.query) }
            }
            if !expired.isEmpty { cache.forget(expired.map(\.metadata.id)) }
            state.withLock { state in
                state.cursor = last.metadata.id
                state.progress.read += page.count
                state.progress.restored += living.count
            }
            guard cache.isRestoring else {
                // Everything was flushed while this page was taken over.
                cache.remove(living.map(\.metadata.id), as: .flushed)
                end()
                return false
            }
            return true
        } catch {
            logger.error("the store could not be read to its end", metadata: ["reason": "\(error)", "restored": "\(progress.restored)"])
            end()
            return false
        }
    }

    /// Whether the snapshot's vector is the one that the store has.
    private func isCovered(_ outline: EntryOutline, _ covered: Int64) -> Bool {
        guard outline.generation <= covered, outline.fingerprint == fingerprint, let scope = outline.metadata.scope else { return false }
        return cache.index.contains(outline.metadata.id, in: scope)
    }

    private func end() {
        // The snapshot may name what is gone since.
        cache.pruneIndex()
        cache.setRestoring(false)
    }
}
