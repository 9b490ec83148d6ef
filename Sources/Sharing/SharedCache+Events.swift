import Cache
package import SemanticCache
import Synchronization

// What is said to all proxies.

extension SharedCache {
    /// What a flush did.
    package struct FlushOutcome: Sendable {
        /// Entries that went, here and in the engine, each once.
        package let removed: Int
        /// Whether the other proxies were told; else they are as soon as the engine is back.
        package let isTold: Bool
    }

    /// Removes the entries that a selector means from all proxies, and sees to it that none comes back with a call that is under way.
    ///
    /// Returns when the journal has it, so that no proxy serves any of them from the engine; or, while that is away, when it is durable here.
    ///
    /// - Parameter vector: what `similar_to` came to, where the selector has it.
    package func flush(_ selector: EntrySelector, like vector: UnitVector? = nil) async -> FlushOutcome {
        var likeness: JournalEvent.Likeness?
        if let vector, let fingerprint = embedder?.fingerprint {
            likeness = JournalEvent.Likeness(
                embedding: StoredEmbedding(vector: vector, fingerprint: fingerprint), threshold: selector.threshold ?? EntrySelector.defaultThreshold)
        }
        var selector = selector
        if selector.similarTo != nil { selector.similarTo = "" }
        let event = JournalEvent(.flush(JournalEvent.Flush(selector: selector, likeness: likeness)), at: clock.now())
        let said = await say(event)
        guard said.isTold else { return FlushOutcome(removed: said.outcome.removed, isTold: false) }
        // Those that the engine was rid of, and those that it never had; not fewer than went here, some of which may have been on their way to it.
        guard let swept = said.swept else { return FlushOutcome(removed: said.outcome.removed, isTold: true) }
        return FlushOutcome(removed: max(swept + said.outcome.waiting, said.outcome.removed), isTold: true)
    }

    /// How many entries a selector means, here and in the engine, each counted once.
    ///
    /// - Parameter known: the keys of those that are here.
    package func count(_ selector: EntrySelector, like vector: UnitVector? = nil, besides known: Set<CacheKey>) async -> Int {
        guard isAsked, let compiled = try? CompiledSelector(selector) else { return known.count }
        let likeness = vector.flatMap { vector in
            embedder.map { embedder in
                JournalEvent.Likeness(
                    embedding: StoredEmbedding(vector: vector, fingerprint: embedder.fingerprint),
                    threshold: selector.threshold ?? EntrySelector.defaultThreshold)
            }
        }
        var keys = known
        let now = clock.now()
        do throws(SharedTierError) {
            try await forEachRow(sealing.selection(selector, at: now).selection, withVectors: likeness != nil) { opened, _ in
                guard compiled.selects(opened.metadata, at: now), likeness.map({ $0.means(opened.embedding) }) ?? true else { return }
                keys.insert(opened.metadata.key)
            }
        } catch { leaveIfBroken(error) }
        return keys.count
    }

    func say(_ kind: JournalEvent.Kind) async { _ = await say(JournalEvent(kind, at: clock.now())) }

    struct Said: Sendable {
        let isTold: Bool
        let outcome: JournalReader.Outcome
        /// How many entries the engine was rid of; `nil` while it was not.
        let swept: Int?
    }

    /// Goes on when the caller is cancelled: an event that was said by half would be carried out by none.
    func say(_ event: JournalEvent) async -> Said {
        await Task { [self] in
            reader.await(event)
            let position = await eventGate.pass { [self] in await tell(event) }
            var swept: Int?
            if let position { swept = await sweep(event, before: position.number) }
            return Said(isTold: position != nil, outcome: reader.takeOutcome(of: event), swept: swept)
        }.value
    }

    /// Brings an event into the journal and carries it out; where that cannot be had, keeps it for later and carries it out here.
    private func tell(_ event: JournalEvent) async -> SharedPosition? {
        var position: SharedPosition?
        var attempts = 0
        while isAsked, position == nil {
            attempts += 1
            do throws(SharedTierError) {
                let sealed = sealing.seal(event)
                position = try await link.call { (tier, _) throws(SharedTierError) in try await tier.append(sealed) }
            } catch {
                // Whether a call that came too late was carried out is not known: the event may come twice, and counts as one.
                if attempts < 3, link.isClosed, error.isPassing, !error.isOfRoom { continue }
                leave(because: error)
            }
        }
        if let position {
            own.add(event, at: position)
            do throws(JournalReader.Break) { try await reader.catchUp(to: position) } catch { leave(because: error.fault) }
            if reader.isDone(event) { return await keep(event, position) }
            if await reader.carryOutAhead(event) { return await keep(event, position) }
            return position
        }
        // Before it is carried out: what would come from the engine afterwards may be what it means.
        leave(because: nil)
        own.add(event, at: nil)
        await own.keep()
        if await reader.carryOutAhead(event) { _ = await keep(event, nil) }
        return nil
    }

    /// The store forgets what the event means before it knows that the event was carried out.
    private func keep(_ event: JournalEvent, _ position: SharedPosition?) async -> SharedPosition? {
        await cache.persist()
        own.note(event) { $0.isDone = true }
        await own.keep()
        return position
    }

    // MARK: Sweeping

    private static let pageSize = 1000

    /// Rids the engine of what an event means. Nothing hangs on it but room; what is left is dead to whoever meets it.
    ///
    /// - Returns: how many went; `nil` when it could not be done to its end.
    @discardableResult
    func sweep(_ event: JournalEvent, before number: Int64, isTrial: Bool = false) async -> Int? {
        do throws(SharedTierError) {
            let count = try await sweepOnce(event, before: number, isTrial: isTrial)
            own.note(event) { $0.isSwept = true }
            schedule(event, before: number, after: .seconds(60))
            return count
        } catch {
            leaveIfBroken(error)
            return nil
        }
    }

    /// Once more, when the calls have ended that were under way.
    func schedule(_ event: JournalEvent, before number: Int64, after delay: Duration) {
        state.withLock { $0.sweeps.append(Sweep(due: instant() + delay, event: event, number: number)) }
    }

    func sweepOnce(_ event: JournalEvent, before number: Int64, isTrial: Bool) async throws(SharedTierError) -> Int {
        switch event.kind {
        case .unreach(let names):
            try await link.call(isTrial: isTrial) { (tier, _) throws(SharedTierError) in try await tier.unreach(names.map(\.key)) }
            return 0
        case .remove(let names):
            try await link.call(isTrial: isTrial) { (tier, _) throws(SharedTierError) in try await tier.remove(names.map(\.key)) }
            return names.count
        case .flush(let flush):
            let (selection, isWhole) = sealing.selection(flush.selector, at: event.at)
            if isWhole, flush.likeness == nil {
                var total = 0
                while true {
                    let count = try await link.call(isTrial: isTrial) { (tier, _) throws(SharedTierError) in
                        try await tier.sweep(selection, before: number, limit: Self.pageSize)
                    }
                    total += count
                    if count < Self.pageSize { return total }
                }
            }
            return try await remove(flush, selection, at: event.at, before: number, isTrial: isTrial)
        }
    }

    /// Removes what only a proxy can tell to be meant, and names it to the others: not all of them may be able to tell.
    private func remove(
        _ flush: JournalEvent.Flush, _ selection: SharedSelection, at moment: Timestamp, before number: Int64, isTrial: Bool
    ) async throws(SharedTierError) -> Int {
        var names: [JournalEvent.Named] = []
        let take = { (opened: SharedSealing.Opened, since: Int64) in
            guard since < number, flush.means(opened.metadata, opened.embedding, at: moment) else { return }
            names.append(JournalEvent.Named(key: opened.metadata.key, id: opened.metadata.id))
        }
        if let id = flush.selector.id {
            let row = try await link.call(isTrial: isTrial) { (tier, deadline) throws(SharedTierError) in
                try await tier.entry(.id(id), until: deadline)
            }
            if let row, let opened = sealing.open(row) { take(opened, row.since) }
        } else {
            try await forEachRow(selection, withVectors: flush.likeness != nil, isTrial: isTrial, take)
        }
        for start in stride(from: 0, to: names.count, by: Self.pageSize) {
            let page = Array(names[start..<min(names.count, start + Self.pageSize)])
            let sealed = sealing.seal(JournalEvent(.remove(page), at: moment))
            _ = try await link.call(isTrial: isTrial) { (tier, _) throws(SharedTierError) in try await tier.append(sealed) }
            try await link.call(isTrial: isTrial) { (tier, _) throws(SharedTierError) in try await tier.remove(page.map(\.key)) }
        }
        return names.count
    }

    private func forEachRow(
        _ selection: SharedSelection, withVectors: Bool, isTrial: Bool = false, _ body: (SharedSealing.Opened, Int64) -> Void
    ) async throws(SharedTierError) {
        var cursor: SharedCursor?
        repeat {
            let from = cursor
            let page = try await link.call(isTrial: isTrial) { (tier, _) throws(SharedTierError) in
                // Vectors come with the answers.
                try await tier.page(selection, after: from, limit: withVectors ? 100 : Self.pageSize, withAnswers: withVectors)
            }
            for row in page.entries {
                if let opened = sealing.open(row) { body(opened, row.since) } else { reader.countUnreadable() }
            }
            cursor = page.cursor
        } while cursor != nil
    }
}
