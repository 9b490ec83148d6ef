package import SemanticCache
import Synchronization
import Telemetry

// Coming in, and making room for it.

extension AnswerCache {
    /// Where the vector of an entry that comes from the store is.
    package enum StoredVector: Sendable {
        case vector(UnitVector)
        /// In the index already, from its snapshot.
        case indexed
        case none
    }

    /// Takes over an entry that the store already holds; its answer stays there until somebody asks for it. One that is resident already, or was
    /// removed while the store was read, stays as it is.
    package func restore(_ outline: EntryOutline, _ vector: StoredVector) {
        let metadata = outline.metadata
        guard mayRestore(metadata, outline.sharing) else { return }
        let replaced = resident.withLock {
            $0.insert(metadata, answer: nil, cost: outline.savedCost, answerBytes: outline.answerBytes, sharing: outline.sharing)
        }
        drop(replaced, for: metadata.id)
        if let scope = metadata.scope {
            switch vector {
            case .indexed: facts.add(metadata.query, in: scope)
            case .vector(let vector): makeSearchable(metadata, vector, in: scope, isNew: true)
            case .none: index.remove(metadata.id)
            }
            if !contains(metadata.id) { unindex(metadata) }
        }
        giveUpIfRefused(metadata, outline.sharing)
        makeRoom(for: nil)
    }

    /// Takes over a whole record that the store already holds, as above.
    func restore(_ record: CacheRecord) {
        guard mayRestore(record.entry.metadata, record.sharing) else { return }
        admit(record, isNew: false, sharing: record.sharing)
        giveUpIfRefused(record.entry.metadata, record.sharing)
    }

    private func mayRestore(_ metadata: EntryMetadata, _ sharing: EntrySharing) -> Bool {
        let refusal = refusal(of: metadata, sharing)
        if refusal == .flushed { forget([metadata.id]) }
        return refusal == nil && self.metadata(for: metadata.key).map { $0.id < metadata.id } ?? true
    }

    /// What was removed between the look and the insertion goes after all.
    private func giveUpIfRefused(_ metadata: EntryMetadata, _ sharing: EntrySharing) {
        if refusal(of: metadata, sharing) != nil { remove([metadata.id], as: nil) }
    }

    private enum Refusal {
        case removed
        /// Here or by another proxy, before it was read.
        case flushed
    }

    /// Why an entry must not come back from the store; `nil` when it may.
    private func refusal(of metadata: EntryMetadata, _ sharing: EntrySharing) -> Refusal? {
        restoring.withLock { state in
            guard let state else { return nil }
            if state.removed.contains(metadata.id) { return .removed }
            return sharing == .fetched && state.refusesFetched || flushes.cover(metadata, since: state.mark) ? .flushed : nil
        }
    }

    /// Takes out of the index what has no entry, or one that rewordings may not find. Called when the store has been read.
    func pruneIndex() {
        for id in index.ids where metadata(id)?.scope == nil { index.remove(id) }
    }

    /// Whether the store is still being read.
    package var isRestoring: Bool { restores.load(ordering: .acquiring) }

    /// Begins or ends the time in which the store is read.
    package func setRestoring(_ isRestoring: Bool) {
        restoring.withLock { state in
            state = isRestoring ? Restoring(mark: flushes.mark) : nil
            restores.store(isRestoring, ordering: .releasing)
        }
    }

    /// Waits until the store has been read.
    package func restored() async {
        while isRestoring, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(20)) }
    }

    /// Has the store remove these, and sees to it that none of them comes back from there.
    func forget(_ ids: [EntryID]) {
        restoring.withLock { $0?.removed.formUnion(ids) }
        writer.remove(ids)
    }

    /// Removes entries whose time is over and that are only kept for the upstream's failures.
    package func forgetRetired() {
        // Some under each lock, so that no request waits long. They were counted when their time ended.
        while case let retired = resident.withLock({ $0.removeRetired(limit: Self.stepSize) }), !retired.isEmpty { finish(retired) }
    }

    /// Removes as many of the entries that are least worth their room.
    package func evict(_ count: Int) {
        var left = count
        while left > 0 {
            let step = min(left, Self.stepSize)
            let victims = resident.withLock { $0.evict(step) }
            guard !victims.isEmpty else { return }
            finish(victims.map(\.entry))
            noteEvictions(of: victims)
            left -= victims.count
        }
    }

    /// Brings what is no longer resident out of index and store.
    func finish(_ removed: [EntryMetadata]) {
        for entry in removed { unindex(entry) }
        forget(removed.map(\.id))
    }

    /// Counts entries that went for want of room. Those whose time was over were counted when it ended.
    private func noteEvictions(of victims: [ResidentEntries.Victim]) {
        metrics.recordEviction(.capacity, count: victims.count(where: { !$0.wasRetired }))
    }

    func admit(_ record: CacheRecord, isNew: Bool, sharing: EntrySharing?) {
        let entry = record.entry
        let replaced = resident.withLock { resident in
            resident.insert(
                entry.metadata, answer: entry.answer, cost: entry.answer.savedCost, answerBytes: entry.answer.memoryBytes, sharing: sharing)
        }
        drop(replaced, for: entry.id)
        if let vector = usable(record.embedding), let scope = entry.scope {
            makeSearchable(entry.metadata, vector, in: scope, isNew: true)
            // It was evicted or flushed between the two: an id without an entry must not stay in the index.
            if !contains(entry.id) { unindex(entry.metadata) }
        }
        makeRoom(for: isNew ? entry.id : nil)
    }

    /// The vector, if it is of the model in use. Under that model's name a damaged row may hold one of another length.
    func usable(_ embedding: StoredEmbedding?) -> UnitVector? {
        guard let embedding, embedding.fingerprint == fingerprint, embedding.vector.dimension == index.dimension else { return nil }
        return embedding.vector
    }

    /// Finishes off an entry whose key another took over.
    private func drop(_ replaced: EntryMetadata?, for id: EntryID) {
        guard let replaced else { return }
        unindex(replaced)
        if replaced.id != id { forget([replaced.id]) }
    }

    /// Makes room until everything is within its limits, whatever brought it beyond them: vectors that came to entries behind the requests, graphs
    /// that grew, a store that takes more than was thought.
    package func keepWithinLimits() async {
        while makeRoom(for: nil) { await Task.yield() }
    }

    /// Told what the store takes in truth while nothing waits to be written to it; makes room where that is too much.
    package func noteDiskUse(_ measured: Int) async {
        // Of what has not been read yet only the disk knows.
        guard !isRestoring else { return }
        let estimated = resident.withLock { $0.storedBytes }
        diskAllowance.withLock { $0.note(estimated: estimated, measured: measured) }
        await keepWithinLimits()
    }

    /// Removes answers from memory, then entries, until everything is within its limits. `newcomer` is what the room is for. Whether there may be
    /// more to do.
    @discardableResult
    func makeRoom(for newcomer: EntryID?) -> Bool {
        var evicted: [ResidentEntries.Victim] = []
        var isDone = false
        let diskBytes = diskAllowance.withLock { $0.bytes }
        // What the index gives back as entries leave is known only afterwards, so that one call removes at most a few.
        for _ in 0..<16 where !isDone {
            let indexBytes = index.memoryBytes + facts.memoryBytes
            let removed = resident.withLock { resident -> [ResidentEntries.Victim]? in
                let exceeds = resident.count > limits.entries || resident.storedBytes > diskBytes
                let isOverMemory = resident.memoryBytes + indexBytes > limits.memoryBytes
                guard exceeds || isOverMemory else { return nil }
                if !exceeds, limits.keepsAnswersOnDisk {
                    var steps = 0
                    while steps < 64, resident.memoryBytes + indexBytes > limits.memoryBytes, resident.coolOne() { steps += 1 }
                    if steps > 0 { return [] }
                }
                let victims = resident.evict(for: newcomer)
                return victims.isEmpty ? nil : victims
            }
            isDone = removed == nil
            guard let removed else { continue }
            for victim in removed { unindex(victim.entry) }
            evicted += removed
        }
        guard !evicted.isEmpty else { return !isDone }
        forget(evicted.map(\.entry.id))
        noteEvictions(of: evicted)
        return !isDone
    }
}
