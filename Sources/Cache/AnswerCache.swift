package import Matching
package import SemanticCache
import Synchronization
package import Telemetry

/// The cache as one thing: the resident entries, the vector index and the write-behind queue, always changed together.
///
/// Answers that are used stay in memory; the others are read from the store when a request asks for them, like the levels of a memory hierarchy.
///
/// Invariants
/// - An id is in the index only while its entry is resident. A search may still see an id whose entry is just leaving; whoever resolves it gets
///   `nil` and passes over it.
/// - Until the store has been read to its end, a key that is not resident is looked for there, so that exact repeats hit from the first second.
package final class AnswerCache: Sendable {
    /// What a search found: an entry that is resident now, and its similarity.
    package struct Match: Sendable {
        package let entry: EntryMetadata
        package let similarity: Float

        package init(entry: EntryMetadata, similarity: Float) {
            self.entry = entry
            self.similarity = similarity
        }
    }

    let resident: Mutex<ResidentEntries>
    let index: any VectorIndex
    let facts = ScopeFacts()
    let flushes = Flushes()
    /// Which entries answered which turns of conversations.
    package let turns = ServedTurns()
    let fingerprint: String?
    let writer: WriteBehind
    let store: (any CacheStore)?
    let metrics: ProxyMetrics
    let clock: any WallClock
    let limits: CacheLimits
    /// What the entries may take in the store by the estimate.
    let diskAllowance: Mutex<DiskAllowance>
    /// While the store is being read; `nil` afterwards.
    let restoring = Mutex<Restoring?>(nil)
    /// Whether that is so, for whoever asks on every request. Changed under the lock of the above alone.
    let restores = Atomic(false)
    /// Where the other proxies are told what comes in and goes.
    let outlet = Mutex(Outlet())

    /// What must not come back from the store.
    struct Restoring {
        /// When the reading began: what was flushed since is flushed of what is read, too.
        let mark: Flushes.Mark
        /// What was removed since then.
        var removed: Set<EntryID> = []
        /// Whether other proxies' entries are to go, too.
        var refusesFetched = false
    }

    /// - Parameters:
    ///   - fingerprint: of the embedder in use; vectors of any other are never put into the index. `nil` when there is none.
    ///   - store: where answers are that are not in memory; the one that `writer` writes to.
    package init(
        index: any VectorIndex, fingerprint: String?, writer: WriteBehind, store: (any CacheStore)? = nil, metrics: ProxyMetrics,
        clock: any WallClock, limits: CacheLimits
    ) {
        // The record of what is asked for how often is no larger than what fits into memory is worth: no entry is smaller than this.
        resident = Mutex(ResidentEntries(capacity: min(limits.entries, limits.memoryBytes / 512), staleWindow: limits.staleWindow))
        self.index = index
        self.fingerprint = fingerprint
        self.writer = writer
        self.store = store
        self.metrics = metrics
        self.clock = clock
        self.limits = limits
        diskAllowance = Mutex(DiskAllowance(limit: limits.diskBytes))
    }

    /// A cache of at most `capacity` entries, all of them in memory.
    package convenience init(
        index: any VectorIndex, fingerprint: String?, writer: WriteBehind, metrics: ProxyMetrics, clock: any WallClock, capacity: Int,
        staleWindow: Duration
    ) {
        self.init(
            index: index, fingerprint: fingerprint, writer: writer, metrics: metrics, clock: clock,
            limits: CacheLimits(
                entries: capacity, memoryBytes: .max, diskBytes: .max, staleWindow: staleWindow, keepsAnswersOnDisk: false))
    }

    /// The number of entries.
    package var count: Int { resident.withLock { $0.liveCount } }

    /// The number of entries with those that are only kept for the upstream's failures.
    package var keptCount: Int { resident.withLock { $0.count } }

    /// The number of entries whose answer is in memory.
    package var hotCount: Int { resident.withLock { $0.hotCount } }

    /// The number of entries that a rewording can find.
    package var searchableCount: Int { index.count }

    /// The vectors that searches compare one by one until the index has caught up.
    package var unlinkedCount: Int { index.unlinkedCount }

    /// Whether any entry of `scope` can be found by meaning.
    package func isSearchable(_ scope: Scope) -> Bool { index.count(in: scope) > 0 }

    /// Whether entries of `scope` state every number that a prompt with these facts requires. Where none does, no neighbour may answer it.
    package func mayMatch(_ facts: StatedFacts, in scope: Scope) -> Bool { self.facts.mayMatch(facts, in: scope) }

    /// The memory held by entries, index and tables, in bytes: an estimate, near and rather too high.
    package var memoryBytes: Int { resident.withLock { $0.memoryBytes } + index.memoryBytes + facts.memoryBytes }

    /// Entries that are removed under one lock.
    static let stepSize = 128

    /// What memory knows of a key.
    package enum Memory {
        case entry(Entry)
        /// The answer, or word of it, can only be in the store.
        case stored
        case nothing
    }

    /// What memory knows of this key, without waiting for the store. Counts as a request for it, unless the store must be asked.
    package func remembered(_ key: CacheKey) -> Memory {
        let isRestoring = isRestoring
        return resident.withLock { resident in
            let found = resident.resident(for: key)
            if found?.answer == nil, found != nil || isRestoring { return .stored }
            resident.request(key)
            return found?.entry.map { .entry($0) } ?? .nothing
        }
    }

    /// The entry with this key, expired or not. Counts as a request for it.
    package func entry(for key: CacheKey) async -> Entry? {
        let found = resident.withLock { resident in
            resident.request(key)
            return resident.resident(for: key)
        }
        if let entry = found?.entry { return entry }
        if let found { return await load(found.metadata) }
        let mark = flushMark
        guard isRestoring, case .success(let record?) = await stored(key) else { return nil }
        restore(record)
        guard !flushes.cover(record.entry.metadata, since: mark) else {
            // It was read before the store was emptied.
            remove([record.entry.id], as: nil)
            return nil
        }
        return metadata(for: key)?.id == record.entry.id ? record.entry : nil
    }

    /// The entry with this id, expired or not.
    package func entry(_ id: EntryID) async -> Entry? {
        guard let found = resident.withLock({ $0.resident(id) }) else { return nil }
        if let entry = found.entry { return entry }
        return await load(found.metadata)
    }

    /// The entry with this key as it stands, expired or not: nothing is counted, brought into memory or put right.
    package func peek(_ key: CacheKey) async -> Entry? {
        let mark = flushMark
        let found = resident.withLock { $0.resident(for: key) }
        if let found { return await peek(found) }
        // It was perhaps read before the store was emptied.
        guard isRestoring, case .success(let record?) = await stored(key), !flushes.cover(record.entry.metadata, since: mark) else { return nil }
        return record.entry
    }

    /// The entry with this id, likewise.
    package func peek(_ id: EntryID) async -> Entry? {
        guard let found = resident.withLock({ $0.resident(id) }) else { return nil }
        return await peek(found)
    }

    private func peek(_ found: ResidentEntries.Resident) async -> Entry? {
        if let entry = found.entry { return entry }
        if let waiting = writer.waiting(found.metadata.id) { return waiting.entry }
        guard case .success(let record?) = await stored(found.metadata.key), record.entry.id == found.metadata.id else { return nil }
        return record.entry
    }

    /// Whether the entry is there.
    package func contains(_ id: EntryID) -> Bool { metadata(id) != nil }

    /// What is known of the entry with this id without looking into the store.
    package func metadata(_ id: EntryID) -> EntryMetadata? { resident.withLock { $0.resident(id)?.metadata } }

    /// What is known of the entry with this key without looking into the store.
    package func metadata(for key: CacheKey) -> EntryMetadata? { resident.withLock { $0.resident(for: key)?.metadata } }

    /// What is known of all entries, in no order.
    package var all: [EntryMetadata] {
        var all: [EntryMetadata] = []
        var part = 0
        // Some under each lock, so that no request waits long.
        while let entries = resident.withLock({ $0.metadata(ofPart: part) }) {
            all += entries
            part += 1
        }
        return all
    }

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
                guard let entry = resident.resident(neighbour.id)?.metadata, entry.scope == scope else { return nil }
                return Match(entry: entry, similarity: neighbour.similarity)
            }
        }
    }

    /// The ids of all entries of `scope` of at least `threshold` similarity. Takes time in proportion to the scope: for administration.
    package func ids(atLeast threshold: Float, similarTo vector: UnitVector, in scope: Scope) -> [EntryID] {
        index.all(atLeast: threshold, similarTo: vector, in: scope).map(\.id)
    }

    /// This moment, to tell later whether an answer that is asked for now was flushed before it came.
    package var flushMark: Flushes.Mark { flushes.mark }

    /// Notes that what a selector means is about to be removed, so that nothing of it that is on its way is kept.
    package func noteFlush(of selector: EntrySelector) { flushes.note(selector, at: clock.now()) }

    /// Adds an entry, in place of one with the same key; makes room when the cache is full. Whether it was kept: not where it was flushed meanwhile.
    ///
    /// - Parameter mark: when the call for the answer began; `nil` where there was none.
    @discardableResult
    package func insert(_ record: CacheRecord, since mark: Flushes.Mark? = nil) -> Bool {
        let mark = mark ?? flushMark
        guard !flushes.cover(record.entry.metadata, since: mark) else { return false }
        let outlet = outlet.withLock { $0.outlet }
        writer.add(record, isNew: !contains(record.entry.id))
        admit(record, isNew: true, sharing: outlet == nil ? record.sharing : nil)
        guard flushes.cover(record.entry.metadata, since: mark) else {
            if let outlet {
                // Nobody is told of an entry before it is certain that it stays.
                resident.withLock { $0.setSharing(record.sharing, of: record.entry.id) }
                if record.sharing == .waiting { outlet.added(record) }
            }
            return true
        }
        // The flush may have met the half that was there.
        remove([record.entry.id], as: nil)
        return false
    }

    /// Makes an entry that has no vector yet findable by meaning. Does nothing when it is gone.
    package func attach(_ vector: UnitVector, to id: EntryID) async {
        guard let fingerprint, let entry = await entry(id), let scope = entry.scope, !entry.isExpired(at: clock.now()) else { return }
        makeSearchable(entry.metadata, vector, in: scope)
        guard contains(id) else {
            // It left between the look and the insertion.
            unindex(entry.metadata)
            return
        }
        let sharing = resident.withLock { resident -> EntrySharing in
            guard resident.sharing(id) != .fetched else { return .fetched }
            resident.setSharing(.waiting, of: id)
            return .waiting
        }
        let record = CacheRecord(entry: entry, embedding: StoredEmbedding(vector: vector, fingerprint: fingerprint), sharing: sharing)
        writer.add(record)
        if sharing == .waiting { outlet.withLock { $0.outlet }?.added(record) }
        // It left between the look and the writing, and its removal may have come to the store's queue before this did.
        if !contains(id) { forget([id]) }
    }

    /// Leaves an entry to exact repeats alone, for good, and with it what was kept in conversations that took its answer for theirs; on all proxies where
    /// several share it.
    package func removeFromReach(_ id: EntryID) async {
        for id in [id] + turns.dispute([id]) {
            if let outlet = outlet.withLock({ $0.outlet }) {
                if let entry = await metadata(anywhere: id) { await outlet.unreach(entry) }
            } else {
                await leave(id)
            }
        }
    }

    /// The same on this proxy alone.
    package func leaveToExactRepeats(_ id: EntryID) async {
        for id in [id] + turns.dispute([id]) { await leave(id) }
    }

    private func leave(_ id: EntryID) async {
        let mark = flushMark
        guard let entry = await entry(id), entry.scope != nil else { return }
        let sharing = resident.withLock { $0.sharing(id) } ?? .waiting
        insert(CacheRecord(entry: Entry(entry.metadata.withoutScope, answer: entry.answer), embedding: nil, sharing: sharing), since: mark)
    }

    /// Removes these entries; returns how many were there.
    ///
    /// - Parameter kind: what they count as; those aside that were counted when their time to live ended.
    @discardableResult
    package func remove(_ ids: [EntryID], as kind: ProxyMetrics.Eviction?) -> Int {
        var count = 0
        var uncounted = 0
        // Some under each lock, so that no request waits long.
        for start in stride(from: 0, to: ids.count, by: Self.stepSize) {
            let removed = resident.withLock { resident in
                ids[start..<min(ids.count, start + Self.stepSize)].compactMap { id -> EntryMetadata? in
                    let isCounted = resident.isRetired(id)
                    guard let entry = resident.remove(id) else { return nil }
                    if !isCounted { uncounted += 1 }
                    return entry
                }
            }
            finish(removed)
            count += removed.count
        }
        if let kind { metrics.recordEviction(kind, count: uncounted) }
        // What is not resident may be in the store all the same.
        if count < ids.count { forget(ids) }
        return count
    }

    /// Removes everything; returns how many entries there were, those included that were kept past their time.
    @discardableResult
    package func removeAll() -> Int {
        flushes.ofAll {
            let (count, liveCount) = takeAll()
            // What the store still holds is removed from it, and need not be read.
            setRestoring(false)
            index.removeAll()
            facts.removeAll()
            writer.removeAll()
            turns.removeAll()
            metrics.recordEviction(.flushed, count: liveCount)
            return count
        }
    }

    /// Leaves no entry resident; returns how many there were, and how many of them had time left.
    private func takeAll() -> (count: Int, liveCount: Int) {
        // What they held is given up at the end of this, outside of the lock: a million entries take a while.
        let former = resident.withLock { resident in
            defer { resident.removeAll() }
            return resident
        }
        return (former.count, former.liveCount)
    }

    /// Takes entries whose time is over out of reach, and removes those that need not be kept for the upstream's failures either; some under each
    /// lock, so that no request waits long. Returns how many came to the end of their time.
    package func sweep() async -> Int {
        var total = 0
        while true {
            let now = clock.now()
            let expired = resident.withLock { $0.takeExpired(at: now, limit: Self.stepSize) }
            guard expired.count > 0 else { return total }
            for entry in expired.retired { unindex(entry) }
            metrics.recordEviction(.expired, count: expired.retired.count)
            total += expired.retired.count + remove(expired.ended.filter { !$0.wasRetired }.map(\.id), as: .expired)
            remove(expired.ended.filter(\.wasRetired).map(\.id), as: nil)
            await Task.yield()
        }
    }

    /// At most `limit` ids behind `cursor` that satisfy `condition`, in order.
    ///
    /// - Complexity: O(n) comparisons of ids. `condition` is asked of little more than the page where it holds for most entries.
    package func ids(_ order: EntryOrder = .oldest, after cursor: EntryID?, limit: Int, where condition: (EntryMetadata) -> Bool) -> [EntryID] {
        var listed = ListedIDs(order, after: cursor, limit: limit)
        // The parts in which the page is likely to be come first: what is found there spares looking at the others' entries.
        let count = resident.withLock { $0.partCount }
        var part = order == .oldest ? 0 : count - 1
        while part >= 0 {
            // Copied out some under each lock and judged outside of it: a regular expression may take its time.
            guard let found = resident.withLock({ resident in resident.metadata(ofPart: part, where: { listed.wants($0) }) }) else { break }
            for entry in order == .oldest ? found : found.reversed() where listed.wants(entry.id) && condition(entry) { listed.add(entry.id) }
            part += order == .oldest ? 1 : -1
        }
        return listed.page
    }

    /// Waits until the store has everything that was changed before this call.
    package func persist() async { await writer.flush() }

    /// An entry whose answer is in the store; `nil` when it cannot be had from there, and the entry is given up when it is not there any more.
    private func load(_ metadata: EntryMetadata) async -> Entry? {
        if let waiting = writer.waiting(metadata.id) { return waiting.entry }
        switch await stored(metadata.key) {
        case .success(let record?) where record.entry.id == metadata.id:
            resident.withLock { $0.warm(metadata.id, record.entry.answer) }
            makeRoom(for: nil)
            return record.entry
        case .success:
            // It may have been replaced or removed meanwhile; if not, what is left of it is of no use.
            remove([metadata.id], as: .capacity)
            return nil
        case .failure:
            return nil
        }
    }

    func stored(_ key: CacheKey) async -> Result<CacheRecord?, StoreError> {
        guard let store else { return .success(nil) }
        do throws(StoreError) { return .success(try await store.record(for: key)) } catch { return .failure(error) }
    }

    func unindex(_ entry: EntryMetadata) {
        guard index.remove(entry.id), let scope = entry.scope else { return }
        facts.remove(entry.query, in: scope)
    }

    /// - Parameter isNew: whether the entry has just become resident, so that a vector under its id is a snapshot's and its facts are not known.
    func makeSearchable(_ entry: EntryMetadata, _ vector: UnitVector, in scope: Scope, isNew: Bool = false) {
        let isKnown = index.remove(entry.id) && !isNew
        index.insert(entry.id, vector, in: scope)
        if !isKnown { facts.add(entry.query, in: scope) }
    }
}
