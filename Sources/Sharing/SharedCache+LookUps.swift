package import Cache
package import SemanticCache
import Telemetry

// What requests ask.

extension SharedCache {
    /// What the engine knows of a key.
    package struct Glimpse: Sendable {
        package let entry: Entry?
        /// Whether a search of the scope could find anything; `nil` where that is not known.
        package let hasVectors: Bool?

        package static let nothing = Glimpse(entry: nil, hasVectors: nil)
    }

    /// The moment at which the engine is asked, to tell afterwards what came in between.
    private struct Asking {
        let epoch: Int
        let mark: Flushes.Mark
        let deadline: ContinuousClock.Instant
        let started = ContinuousClock.now
    }

    private func begin() -> Asking {
        Asking(epoch: reader.epoch, mark: cache.flushMark, deadline: .now + options.lookupTimeout)
    }

    /// The entry under a key, and whether its scope is worth a search; one trip.
    ///
    /// - Parameter isKept: whether what is found stays here, too.
    package func glimpse(of key: CacheKey, in scope: Scope?, isKept: Bool) async -> Glimpse {
        guard isAsked else {
            if isKept { noteNotAsked() }
            return .nothing
        }
        let asking = begin()
        do throws(SharedTierError) {
            let peek = try await ask(asking) { (tier, deadline) throws(SharedTierError) in try await tier.peek(key, in: scope, until: deadline) }
            try await readOn(to: peek.head, asking)
            let entry = peek.entry.flatMap { $0.key == key ? open($0, asking, isKept: isKept) : nil }
            if isKept {
                if entry != nil { record(.exactHit, asking) } else if !peek.hasVectors { record(.miss, asking) }
            }
            return Glimpse(entry: entry, hasVectors: scope == nil ? nil : peek.hasVectors)
        } catch {
            if isKept { record(error == .timedOut ? .late : .error, asking) }
            return .nothing
        }
    }

    /// At most `count` entries of `scope`, nearest first.
    package func nearest(to vector: UnitVector, in scope: Scope, count: Int, isCounted: Bool) async -> [AnswerCache.Match] {
        guard isAsked else { return [] }
        let asking = begin()
        do throws(SharedTierError) {
            let neighbours = try await ask(asking) { (tier, deadline) throws(SharedTierError) in
                try await tier.nearest(to: vector, in: scope, count: count, until: deadline)
            }
            try await readOn(to: neighbours.head, asking)
            let now = clock.now()
            let found = neighbours.found.compactMap { row, similarity -> AnswerCache.Match? in
                guard let opened = reader.judge(row, epoch: asking.epoch, since: asking.mark), opened.metadata.scope == scope,
                    !opened.metadata.isExpired(at: now), similarity.isFinite
                else { return nil }
                return AnswerCache.Match(entry: opened.metadata, similarity: similarity)
            }
            if isCounted, found.isEmpty { record(.miss, asking) }
            return found
        } catch {
            if isCounted { record(error == .timedOut ? .late : .error, asking) }
            return []
        }
    }

    /// The entry that a search named; `nil` when it has left meanwhile, or does not come in time.
    package func entry(_ metadata: EntryMetadata, isKept: Bool) async -> Entry? {
        guard isAsked else { return nil }
        let asking = begin()
        do throws(SharedTierError) {
            let row = try await ask(asking) { (tier, deadline) throws(SharedTierError) in
                try await tier.entry(.key(metadata.key), until: deadline)
            }
            let entry = row.flatMap { row in
                row.key == metadata.key && row.id == metadata.id && row.scope == metadata.scope ? open(row, asking, isKept: isKept) : nil
            }
            let found = entry.flatMap { $0.scope == metadata.scope ? $0 : nil }
            if isKept { record(found == nil ? .miss : .semanticHit, asking) }
            return found
        } catch {
            if isKept { record(error == .timedOut ? .late : .error, asking) }
            return nil
        }
    }

    /// Counts a request that the engine was not asked for, because it is away.
    package func noteNotAsked() { metrics.record(.down, took: .zero) }

    private func record(_ result: SharedLookUpResult, _ asking: Asking) {
        metrics.record(result, took: ContinuousClock.now - asking.started)
    }

    private func ask<Value: Sendable>(
        _ asking: Asking, _ body: @escaping @Sendable (any SharedTier, ContinuousClock.Instant) async throws(SharedTierError) -> Value
    ) async throws(SharedTierError) -> Value {
        do throws(SharedTierError) { return try await link.ask(until: asking.deadline, body) } catch {
            leaveIfBroken(error)
            throw error
        }
    }

    /// Reads the journal where it goes further than this proxy has read, within the same time limit.
    private func readOn(to head: SharedPosition, _ asking: Asking) async throws(SharedTierError) {
        guard reader.position != head else { return }
        let outcome = try await race(until: asking.deadline) { [reader] () throws(SharedTierError) -> Bool in
            do throws(JournalReader.Break) {
                try await reader.catchUp(to: head)
                return true
            } catch {
                if case .engine(let fault) = error { throw fault }
                return false
            }
        }
        guard outcome else {
            leave(because: .garbled("it is another one than before"))
            throw .garbled("it is another one than before")
        }
    }

    /// What a row says, where it may be served; keeps it here as well.
    private func open(_ row: SharedEntry, _ asking: Asking, isKept: Bool) -> Entry? {
        guard let opened = reader.judge(row, epoch: asking.epoch, since: asking.mark), !opened.metadata.isExpired(at: clock.now()) else { return nil }
        guard let answer = sealing.answer(of: row) else {
            reader.countUnreadable()
            return nil
        }
        let entry = Entry(opened.metadata, answer: answer)
        guard isKept else { return entry }
        return admit(entry, opened, since: row.since, asking) ? entry : nil
    }

    /// Takes the entry into the local cache, under its own id; `false` when it was flushed meanwhile.
    private func admit(_ entry: Entry, _ opened: SharedSealing.Opened, since: Int64, _ asking: Asking) -> Bool {
        // What is here is at least as young, or has the id of another: the one of the engine is served and not kept.
        if let known = cache.metadata(for: entry.key), known.id == entry.id || known.createdAt >= entry.createdAt && !known.isExpired(at: clock.now())
        {
            return true
        }
        guard !cache.contains(entry.id) else { return true }
        let embedding = opened.embedding.flatMap { $0.fingerprint == embedder?.fingerprint ? $0 : nil }
        guard cache.insert(CacheRecord(entry: entry, embedding: embedding, sharing: .fetched), since: asking.mark) else { return false }
        // An event may have been carried out between the judgement and the insertion.
        guard let again = reader.judge(opened, since: since, epoch: asking.epoch, asking.mark), again.metadata.scope == entry.scope else {
            cache.remove([entry.id], as: nil)
            return false
        }
        return true
    }
}

// What people ask.

extension SharedCache {
    /// The entry with this id, whoever made it; not kept here.
    package func entry(_ id: EntryID) async -> Entry? {
        guard let found = await find(id), let answer = sealing.answer(of: found.row) else { return nil }
        return Entry(found.opened.metadata, answer: answer)
    }

    func find(_ id: EntryID) async -> (row: SharedEntry, opened: SharedSealing.Opened)? {
        guard isAsked else { return nil }
        let (epoch, mark, now) = (reader.epoch, cache.flushMark, clock.now())
        do throws(SharedTierError) {
            let row = try await link.call { (tier, deadline) throws(SharedTierError) in try await tier.entry(.id(id), until: deadline) }
            guard let row, row.id == id, let opened = reader.judge(row, epoch: epoch, since: mark), !opened.metadata.isExpired(at: now) else {
                return nil
            }
            return (row, opened)
        } catch {
            leaveIfBroken(error)
            return nil
        }
    }

    /// A page of what the engine holds.
    package struct Page: Sendable {
        package let records: [CacheRecord]
        /// `nil` at the end.
        package let next: SharedCursor?
    }

    /// Entries that a selector means, whoever made them, in an order of the engine's; without their answers where those are not asked for, which are empty
    /// then. `similar_to` is not looked at.
    ///
    /// Throws when the engine is away, or the selector cannot be made ready.
    package func page(
        _ selector: EntrySelector, after cursor: SharedCursor?, limit: Int, withAnswers: Bool
    ) async throws -> Page {
        let compiled = try CompiledSelector(selector)
        let (epoch, mark, now) = (reader.epoch, cache.flushMark, clock.now())
        let selection = sealing.selection(selector, at: now).selection
        let page = try await link.call { (tier, _) throws(SharedTierError) in
            try await tier.page(selection, after: cursor, limit: limit, withAnswers: withAnswers)
        }
        let records = page.entries.compactMap { row -> CacheRecord? in
            guard let opened = reader.judge(row, epoch: epoch, since: mark), !opened.metadata.isExpired(at: now),
                compiled.selects(opened.metadata, at: now),
                let answer = withAnswers ? sealing.answer(of: row) : .empty
            else { return nil }
            return CacheRecord(entry: Entry(opened.metadata, answer: answer), embedding: opened.embedding, sharing: .fetched)
        }
        return Page(records: records, next: page.cursor)
    }
}
