package import Logging
package import SemanticCache
import ServiceLifecycle
import Synchronization
import Telemetry

/// Brings the entries of the store back into memory at start, behind the requests: meanwhile exact repeats are looked for in the store itself.
package final class EntryRestorer: Service, Sendable {
    private let store: any CacheStore
    private let cache: AnswerCache
    private let indexing: IndexingQueue?
    private let fingerprint: String?
    private let clock: any WallClock
    private let logger: Logger
    private let state = Mutex((count: 0, cursor: EntryID?.none))

    package init(store: any CacheStore, cache: AnswerCache, indexing: IndexingQueue?, fingerprint: String?, clock: any WallClock, logger: Logger) {
        self.store = store
        self.cache = cache
        self.indexing = indexing
        self.fingerprint = fingerprint
        self.clock = clock
        self.logger = logger
    }

    /// The entries brought back so far.
    package var count: Int { state.withLock { $0.count } }

    /// Begins: the largest id that the store holds, so that new ones are larger. Reads on for at most `limit`, which is all of a small store.
    package func begin(for limit: Duration) async -> EntryID? {
        do throws(StoreError) {
            guard let last = try await store.lastID() else { return nil }
            cache.setRestoring(true)
            let end = ContinuousClock.now + limit
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
                    metadata: ["entries": "\(count)", "seconds": "\((ContinuousClock.now - started).inSeconds)"])
            }
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        }
    }

    /// Reads the whole store.
    package func restoreAll() async {
        while await restoreSome() {}
    }

    /// One page; expired rows are removed from the store on the way. Whether there is more. A fault ends the reading with what was found so far.
    private func restoreSome() async -> Bool {
        guard cache.isRestoring else { return false }
        let cursor = state.withLock { $0.cursor }
        do throws(StoreError) {
            let page = try await store.records(after: cursor, limit: 500)
            guard let last = page.last else {
                cache.setRestoring(false)
                return false
            }
            let now = clock.now() + (.zero - cache.limits.staleWindow)
            var expired: [EntryID] = []
            var taken: [EntryID] = []
            for record in page {
                guard !record.entry.isExpired(at: now) else {
                    expired.append(record.entry.id)
                    continue
                }
                cache.restore(record)
                taken.append(record.entry.id)
                // A vector of another model is of no use: the text is embedded again behind the requests.
                if record.entry.scope != nil, record.embedding?.fingerprint != fingerprint {
                    indexing?.enqueue(record.entry.id, query: record.entry.query)
                }
            }
            if !expired.isEmpty { cache.forget(expired) }
            state.withLock { $0 = ($0.count + taken.count, last.entry.id) }
            guard cache.isRestoring else {
                // Everything was flushed while this page was taken over.
                cache.remove(taken, as: .flushed)
                return false
            }
            return true
        } catch {
            logger.error("the store could not be read to its end", metadata: ["reason": "\(error)", "restored": "\(count)"])
            cache.setRestoring(false)
            return false
        }
    }
}
