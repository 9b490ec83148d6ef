package import Logging
package import SemanticCache

/// Brings the entries of the store back into memory at start.
package struct EntryRestorer: Sendable {
    /// What was brought back.
    package struct Restored: Sendable {
        package var count = 0
        /// The largest id that the store holds, so that new ones are larger.
        package var lastID: EntryID?
    }

    private let store: any CacheStore
    private let cache: AnswerCache
    private let indexing: IndexingQueue?
    private let fingerprint: String?
    private let clock: any WallClock
    private let logger: Logger

    package init(store: any CacheStore, cache: AnswerCache, indexing: IndexingQueue?, fingerprint: String?, clock: any WallClock, logger: Logger) {
        self.store = store
        self.cache = cache
        self.indexing = indexing
        self.fingerprint = fingerprint
        self.clock = clock
        self.logger = logger
    }

    /// Reads the store from end to end; expired rows are removed from it on the way. A fault ends the reading with what was found so far.
    package func restore() async -> Restored {
        var restored = Restored()
        var expired: [EntryID] = []
        do throws(StoreError) {
            while case let page = try await store.records(after: restored.lastID, limit: 1000), let last = page.last {
                let now = clock.now()
                for record in page {
                    guard !record.entry.isExpired(at: now) else {
                        expired.append(record.entry.id)
                        continue
                    }
                    cache.restore(record)
                    restored.count += 1
                    // A vector of another model is of no use: the text is embedded again behind the requests.
                    if record.entry.scope != nil, record.embedding?.fingerprint != fingerprint {
                        indexing?.enqueue(record.entry.id, query: record.entry.query)
                    }
                }
                restored.lastID = last.entry.id
            }
            if !expired.isEmpty { try await store.remove(expired) }
        } catch {
            logger.error("the store could not be read to its end", metadata: ["reason": "\(error)", "restored": "\(restored.count)"])
        }
        return restored
    }
}
