import Cache
package import SemanticCache
import Synchronization

/// Takes entries out of a cache whole, and puts them into one: what exports and imports are made of.
package struct EntryTransfer: Sendable {
    /// What became of imported records.
    package struct Taken: Sendable {
        package var imported = 0
        /// Records whose key is there already, with an answer at least as young.
        package var already = 0
        /// Records whose time was over.
        package var expired = 0
    }

    private let pipeline: RequestPipeline
    private let administration: CacheAdministration

    package init(pipeline: RequestPipeline, administration: CacheAdministration) {
        self.pipeline = pipeline
        self.administration = administration
    }

    /// The ids of the entries that a selector means, oldest first. Those whose time is over are not among them.
    package func ids(_ selector: EntrySelector, after cursor: EntryID?) async throws(AdministrationError) -> [EntryID] {
        await pipeline.cache.restored()
        return try await administration.ids(selector, after: cursor)
    }

    /// The whole cache, where there is a shared tier that is asked; `nil` otherwise.
    package func outflow(_ selector: EntrySelector) async throws(AdministrationError) -> CacheAdministration.Outflow? {
        await pipeline.cache.restored()
        return try await administration.outflow(selector)
    }

    /// The entry with its vector, where the store has that; `nil` when it is gone.
    package func record(_ id: EntryID) async -> CacheRecord? { await pipeline.cache.record(id) }

    /// Puts entries in, as they were exported: with their keys, tenants and times. Waits until the store has them. What a flush meets on its way in is
    /// flushed, and not counted.
    package func take(_ records: [CacheRecord]) async -> Taken {
        await pipeline.cache.restored()
        var taken = Taken()
        let (now, mark) = (pipeline.clock.now(), pipeline.cache.flushMark)
        for record in records {
            let entry = record.entry
            guard !entry.isExpired(at: now) else {
                taken.expired += 1
                continue
            }
            if let known = pipeline.cache.metadata(for: entry.key), known.createdAt >= entry.createdAt {
                taken.already += 1
                continue
            }
            // An id names one entry for ever. One that is in use here, or was, is left to whom it belongs.
            let id = pipeline.ids.adopt(entry.id, isTaken: pipeline.cache.contains(entry.id))
            let taking = CacheRecord(entry: Entry(entry.metadata.with(id: id), answer: entry.answer), embedding: record.embedding)
            if pipeline.take(taking, since: mark) { taken.imported += 1 }
        }
        await pipeline.cache.persist()
        return taken
    }
}

extension RequestPipeline {
    /// Inserts a whole record; its text is embedded anew where its vector is another model's. Whether it was kept.
    fileprivate func take(_ record: CacheRecord, since mark: Flushes.Mark) -> Bool {
        let fits = record.embedding.map { $0.fingerprint == embedder?.fingerprint && $0.vector.dimension == embedder?.dimension } ?? false
        guard cache.insert(fits ? record : CacheRecord(entry: record.entry, embedding: nil), since: mark) else { return false }
        if !fits, record.entry.scope != nil { indexing?.enqueue(record.entry.id, query: record.entry.query) }
        return true
    }
}
