import Cache
import SemanticCache
import Synchronization
import Telemetry

// What was made here, on its way to the engine.

extension SharedCache {
    /// Gives the engine all that waits.
    func putWaiting(isTrial: Bool = false) async throws(SharedTierError) {
        while case let batch = outbox.take(), !batch.isEmpty {
            do throws(SharedTierError) { try await put(batch, isTrial: isTrial) } catch {
                outbox.putBack(batch)
                // It is full, or a replica: what is there can be read, and the additions wait.
                if error.isOfRoom || error.isReadOnly { return }
                throw error
            }
        }
    }

    private func put(_ batch: [CacheRecord], isTrial: Bool) async throws(SharedTierError) {
        // In this order: what is still here after the number was read was not meant by any event up to it.
        let since = reader.since
        let (mark, now) = (cache.flushMark, clock.now())
        let records = batch.compactMap { current($0, at: now) }
        guard !records.isEmpty else { return }
        let rows = records.map { sealing.seal($0, since: since.number, sinceMark: since.mark) }
        let outcomes = try await link.call(isTrial: isTrial) { (tier, _) throws(SharedTierError) in try await tier.put(rows) }
        guard outcomes.count == rows.count else { throw .garbled("\(outcomes.count) outcomes for \(rows.count) entries") }
        var taken: [EntryID: Bool] = [:]
        var tooLarge = 0
        for (record, outcome) in zip(records, outcomes) {
            switch outcome {
            case .stored: taken[record.entry.id] = record.embedding != nil
            case .tooLarge:
                // Not to be tried again.
                taken[record.entry.id] = record.embedding != nil
                tooLarge += 1
            case .idTaken: mintAnew(record, since: mark)
            }
        }
        // One that came by its vector meanwhile waits again.
        cache.noteTaken(taken.filter { !outbox.holds($0.key) })
        if tooLarge > 0 { metrics.recordDropped(tooLarge) }
    }

    /// The record as it is now; `nil` when it is not here any more, or need not go.
    private func current(_ record: CacheRecord, at now: Timestamp) -> CacheRecord? {
        let id = record.entry.id
        guard let metadata = cache.metadata(id), metadata.key == record.entry.key, !metadata.isExpired(at: now), cache.sharing(id) == .waiting else {
            return nil
        }
        guard metadata.scope != record.entry.scope else { return record }
        // It was taken out of the reach of rewordings.
        return CacheRecord(entry: Entry(metadata, answer: record.entry.answer), embedding: metadata.scope == nil ? nil : record.embedding)
    }

    /// Another entry has the id, by chance: before a process has a number that is its own, two may mint the same.
    private func mintAnew(_ record: CacheRecord, since mark: Flushes.Mark) {
        cache.insert(
            CacheRecord(entry: Entry(record.entry.metadata.with(id: ids.next()), answer: record.entry.answer), embedding: record.embedding),
            since: mark)
    }

    // MARK: What was left behind

    private static let batchSize = 100

    /// Queues some of the entries that the engine has not taken and that are not on their way: of an earlier run, of an overflow, or all of them when it
    /// lost what it had; about the youngest first. Whether there may be more.
    func bringOver() async -> Bool {
        if outbox.takeOverflow() { state.withLock { $0.nextPart = 0 } }
        guard state.withLock({ $0.nextPart != nil }) else { return false }
        // What is not read yet comes when it is.
        guard !cache.isRestoring else { return false }
        var queued = 0
        while queued < Self.batchSize, let id = nextLeftBehind() {
            guard cache.sharing(id) == .waiting, !outbox.holds(id), let record = await whole(id) else { continue }
            outbox.add(record)
            queued += 1
        }
        return state.withLock { $0.nextPart != nil }
    }

    private func nextLeftBehind() -> EntryID? {
        while true {
            let (next, part) = state.withLock { ($0.batch.popLast(), $0.nextPart) }
            if let next { return next }
            guard let part else { return nil }
            guard let ids = cache.ids(.waiting, part: part) else {
                state.withLock { ($0.nextPart, $0.isRefilling) = (nil, false) }
                return nil
            }
            // The youngest is taken first.
            state.withLock { ($0.batch, $0.nextPart) = (ids.reversed(), part + 1) }
        }
    }

    /// The entry with its vector, which is made again where only its text is at hand.
    private func whole(_ id: EntryID) async -> CacheRecord? {
        guard let record = await cache.record(id), record.entry.id == id else { return nil }
        guard let embedder, record.entry.scope != nil, record.embedding?.fingerprint != embedder.fingerprint, cache.isSearchable(id) else {
            return record
        }
        let outcome = try? await embedder.embedInBackground([record.entry.query], keepsReading: false).first
        guard case .success(let vector)? = outcome else { return record }
        return CacheRecord(entry: record.entry, embedding: StoredEmbedding(vector: vector, fingerprint: embedder.fingerprint))
    }
}
