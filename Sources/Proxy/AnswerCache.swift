package import SemanticCache
import Synchronization
package import Telemetry

/// The cache as one thing: the resident entries, the vector index and the write-behind queue, always changed together.
///
/// Invariant: an id is in the index only while its entry is resident. A search may still see an id whose entry is just leaving; whoever
/// resolves it gets `nil` and passes over it.
package final class AnswerCache: Sendable {
    /// What a search found: an entry that is resident now, and its similarity.
    package struct Match: Sendable {
        package let entry: Entry
        package let similarity: Float
    }

    private let resident = Mutex(ResidentEntries())
    private let retired = Mutex(RetiredEntries())
    private let staleWindow: Duration
    private let index: any VectorIndex
    private let facts = ScopeFacts()
    private let fingerprint: String?
    private let writer: WriteBehind
    private let metrics: ProxyMetrics
    private let clock: any WallClock
    private let capacity: Int

    /// - Parameters:
    ///   - fingerprint: of the embedder in use; vectors of any other are never put into the index. `nil` when there is none.
    ///   - capacity: the most entries to hold.
    ///   - staleWindow: how long an expired entry is kept to stand in for a failing upstream; a quarter of `capacity` at the most.
    package init(
        index: any VectorIndex, fingerprint: String?, writer: WriteBehind, metrics: ProxyMetrics, clock: any WallClock, capacity: Int,
        staleWindow: Duration = .zero
    ) {
        self.staleWindow = staleWindow
        self.index = index
        self.fingerprint = fingerprint
        self.writer = writer
        self.metrics = metrics
        self.clock = clock
        self.capacity = max(1, capacity)
    }

    /// The number of entries.
    package var count: Int { resident.withLock { $0.count } }

    /// The number of entries that a rewording can find.
    package var searchableCount: Int { index.count }

    /// Whether any entry of `scope` can be found by meaning.
    package func isSearchable(_ scope: Scope) -> Bool { index.count(in: scope) > 0 }

    /// Whether some entry of `scope` states every number that `query` states. Where none does, no neighbour may answer it.
    package func mayMatchNumbers(of query: String, in scope: Scope) -> Bool { facts.mayMatch(query, in: scope) }

    /// An estimate of the memory held by entries and index, in bytes.
    package var memoryBytes: Int { resident.withLock { $0.memoryBytes } + index.memoryBytes + retired.withLock { $0.memoryBytes } }

    /// The entry with this key, expired or not.
    package func entry(for key: CacheKey) -> Entry? {
        if let entry = resident.withLock({ $0.entry(for: key) }) { return entry }
        return staleWindow > .zero ? retired.withLock { $0.entry(for: key, window: staleWindow, now: clock.now()) } : nil
    }

    /// Lets go of every expired entry that was kept as a stand-in.
    package func forgetRetired() { retired.withLock { $0.removeAll() } }

    /// The entry with this id, expired or not.
    package func entry(_ id: EntryID) -> Entry? { resident.withLock { $0.entry(id) } }

    /// How often the entry was served since the start.
    package func hits(_ id: EntryID) -> UInt64 { resident.withLock { $0.hits(id) } }

    /// Notes that the entry was served.
    package func touch(_ id: EntryID) { resident.withLock { $0.touch(id) } }

    /// At most `count` resident entries of `scope`, nearest first.
    package func nearest(to vector: UnitVector, in scope: Scope, count: Int) -> [Match] {
        let neighbours = index.nearest(to: vector, in: scope, count: count)
        return resident.withLock { resident in
            neighbours.compactMap { neighbour in
                // The scope is compared once more: an answer that leaves its scope is the one fault that must not depend on an index.
                guard let entry = resident.entry(neighbour.id), entry.scope == scope else { return nil }
                return Match(entry: entry, similarity: neighbour.similarity)
            }
        }
    }

    /// Adds an entry, in place of one with the same key; makes room when the cache is full.
    package func insert(_ record: CacheRecord) {
        retired.withLock { $0.remove(record.entry.key) }
        writer.add(record)
        admit(record)
    }

    /// Takes over an entry that the store already holds.
    package func restore(_ record: CacheRecord) {
        admit(record)
    }

    /// Makes an entry that has no vector yet findable by meaning. Does nothing when it is gone.
    package func attach(_ vector: UnitVector, to id: EntryID) {
        guard let fingerprint, let entry = entry(id), let scope = entry.scope else { return }
        makeSearchable(entry, vector, in: scope)
        guard self.entry(id) != nil else {
            // It left between the look and the insertion.
            unindex(entry)
            return
        }
        writer.add(CacheRecord(entry: entry, embedding: StoredEmbedding(vector: vector, fingerprint: fingerprint)))
    }

    /// Leaves an entry to exact repeats alone, for good.
    package func removeFromReach(_ id: EntryID) {
        guard let entry = entry(id), entry.scope != nil else { return }
        insert(
            CacheRecord(
                entry: Entry(
                    id: entry.id, key: entry.key, scope: nil, tenant: entry.tenant, namespace: entry.namespace, endpoint: entry.endpoint,
                    model: entry.model, tags: entry.tags, query: entry.query, answer: entry.answer, createdAt: entry.createdAt,
                    expiresAt: entry.expiresAt),
                embedding: nil))
    }

    /// Removes these entries; returns how many were there.
    @discardableResult
    package func remove(_ ids: [EntryID], as kind: ProxyMetrics.Eviction) -> Int {
        let removed = resident.withLock { resident in ids.compactMap { resident.remove($0) } }
        for entry in removed { unindex(entry) }
        if kind == .expired {
            retired.withLock { $0.add(removed, window: staleWindow, limit: capacity / 4 + 1, now: clock.now()) }
        } else if kind == .flushed {
            // What was flushed by its tags or its age may have expired meanwhile, and must not come back when the upstream fails.
            _ = sweep()
            forgetRetired()
        }
        writer.remove(ids)
        metrics.recordEviction(kind, count: removed.count)
        return removed.count
    }

    /// Removes this many of the entries that were not used for longest.
    package func evictLeastRecentlyUsed(_ count: Int) {
        let evicted = resident.withLock { resident in
            var evicted: [Entry] = []
            while evicted.count < count, let oldest = resident.leastRecentlyUsed, let entry = resident.remove(oldest) { evicted.append(entry) }
            return evicted
        }
        for entry in evicted { unindex(entry) }
        writer.remove(evicted.map(\.id))
        metrics.recordEviction(.capacity, count: evicted.count)
    }

    /// Removes everything; returns how many entries there were.
    @discardableResult
    package func removeAll() -> Int {
        let count = resident.withLock { resident in
            defer { resident.removeAll() }
            return resident.count
        }
        forgetRetired()
        index.removeAll()
        facts.removeAll()
        writer.removeAll()
        metrics.recordEviction(.flushed, count: count)
        return count
    }

    /// Removes entries whose time is over, a bounded number under each lock so that no request waits long. Returns how many.
    package func sweep() -> Int {
        var total = 0
        while true {
            let now = clock.now()
            let expired = resident.withLock { $0.takeExpired(at: now, limit: 256) }
            guard !expired.isEmpty else {
                retired.withLock { $0.add([], window: staleWindow, limit: capacity / 4 + 1, now: now) }
                return total
            }
            total += remove(expired, as: .expired)
        }
    }

    /// At most `limit` ids above `cursor` that satisfy `condition`, ascending.
    package func ids(after cursor: EntryID?, limit: Int, where condition: (Entry) -> Bool) -> [EntryID] {
        // The entries are copied out under the lock and judged outside it: a regular expression may take its time.
        let all = resident.withLock { $0.all }
        var ids = all.filter { entry in (cursor.map { entry.id > $0 } ?? true) && condition(entry) }.map(\.id)
        ids.sort()
        return Array(ids.prefix(limit))
    }

    /// Waits until the store has everything that was changed before this call.
    package func persist() async { await writer.flush() }

    private func admit(_ record: CacheRecord) {
        let entry = record.entry
        let (replaced, evicted) = resident.withLock { resident in
            let replaced = resident.insert(entry)
            var evicted: [Entry] = []
            while resident.count > capacity, let oldest = resident.leastRecentlyUsed, let entry = resident.remove(oldest) { evicted.append(entry) }
            return (replaced, evicted)
        }
        if let replaced {
            unindex(replaced)
            if replaced.id != entry.id { writer.remove([replaced.id]) }
        }
        if let embedding = record.embedding, let scope = entry.scope, embedding.fingerprint == fingerprint {
            makeSearchable(entry, embedding.vector, in: scope)
        }
        for entry in evicted { unindex(entry) }
        writer.remove(evicted.map(\.id))
        metrics.recordEviction(.capacity, count: evicted.count)
    }

    private func makeSearchable(_ entry: Entry, _ vector: UnitVector, in scope: Scope) {
        let isKnown = index.remove(entry.id)
        index.insert(entry.id, vector, in: scope)
        if !isKnown { facts.add(entry.query, in: scope) }
    }

    private func unindex(_ entry: Entry) {
        guard index.remove(entry.id), let scope = entry.scope else { return }
        facts.remove(entry.query, in: scope)
    }
}
