import Cache
import Logging
import SemanticCache
import Synchronization
import Telemetry

/// Reads the journal, does to the local cache what it says, and judges what comes from the engine by it.
///
/// Events are applied one after the other in the order of their numbers, whoever said them. One that this proxy carried out already, because it could not
/// tell the others at once, is only noted.
final class JournalReader: Sendable {
    /// What is removed from the local cache because the journal says so; `nil` stands for everything.
    typealias Removal = @Sendable (_ entries: [EntryMetadata]?) -> Void

    /// Why the journal does not go on where this proxy stands.
    enum Break: Error {
        /// The engine lost what it had, or its end: it is to be opened anew.
        case otherLineage
        case engine(SharedTierError)

        /// In the engine's own words.
        var fault: SharedTierError {
            switch self {
            case .otherLineage: .garbled("it is another one than before")
            case .engine(let fault): fault
            }
        }
    }

    /// What an event did here.
    struct Outcome: Sendable {
        /// The entries that went.
        var removed = 0
        /// Those among them that the engine did not have.
        var waiting = 0
    }

    fileprivate struct State {
        /// The lineage that the history is of; `nil` before the engine was reached.
        var lineage: String?
        var history = JournalHistory()
        /// The last event that the local cache knows of: ahead of the history while a start reads what was before; `nil` for a cache that none was ever
        /// carried out on.
        var applied: Int64?
        /// Counts how often the engine was lost: what was read before is not to be trusted after.
        var epoch = 0
        /// Events that were carried out here, by their marks.
        var done: Set<UInt64> = []
        var order: [UInt64] = []
        /// What events came to that somebody waits for.
        var awaited: [UInt64: Outcome] = [:]
        /// Flushes that other proxies said.
        var heard: [(event: JournalEvent, number: Int64)] = []
        var unreadable = 0
        /// Whether the position has changed since it was kept.
        var isMoved = false
    }

    private static let pageSize = 500

    private let link: EngineLink
    private let sealing: SharedSealing
    private let cache: AnswerCache
    private let fingerprint: String?
    private let logger: Logger
    private let onRemoval: Removal
    private let state = Mutex(State())
    /// One reads at a time.
    private let gate = AsyncGate()

    init(
        link: EngineLink, sealing: SharedSealing, cache: AnswerCache, fingerprint: String?, logger: Logger, onRemoval: @escaping Removal
    ) {
        self.link = link
        self.sealing = sealing
        self.cache = cache
        self.fingerprint = fingerprint
        self.logger = logger
        self.onRemoval = onRemoval
    }

    /// The end of what was read; `nil` before the engine was reached.
    var position: SharedPosition? {
        state.withLock { state in state.lineage.map { SharedPosition(lineage: $0, number: state.history.last) } }
    }

    /// What an entry must bear that is put now.
    var since: (number: Int64, mark: UInt64) { state.withLock { ($0.history.last, $0.history.sinceMark) } }

    var epoch: Int { state.withLock { $0.epoch } }

    /// Events and entries that could not be read.
    var unreadable: Int { state.withLock { $0.unreadable } }

    func countUnreadable() { state.withLock { $0.unreadable += 1 } }

    /// The position, where it has changed since this was asked last.
    func takeMoved() -> SharedPosition? {
        state.withLock { state -> SharedPosition? in
            guard state.isMoved, let lineage = state.lineage, let applied = state.applied, applied == state.history.last else { return nil }
            state.isMoved = false
            return SharedPosition(lineage: lineage, number: applied)
        }
    }

    func putBackMoved() { state.withLock { $0.isMoved = true } }

    // MARK: Beginning

    /// From now on nothing that was read of the engine before is to be served.
    func lose() { state.withLock { $0.epoch += 1 } }

    /// Begins with a lineage from its first event on.
    ///
    /// - Parameter applied: the last event that the local cache knows of, from an earlier run; `nil` where there was none.
    func begin(_ lineage: String, applied: Int64?) {
        state.withLock { state in
            state.lineage = lineage
            state.history = JournalHistory()
            state.applied = applied
            state.epoch += 1
            state.isMoved = true
        }
    }

    // MARK: Reading

    /// Reads on to the end of the journal.
    ///
    /// Goes on when the caller is cancelled: an event that was carried out by half would count as done.
    func catchUp(isTrial: Bool = false) async throws(Break) {
        try await Task { () async -> Result<Void, Break> in
            await gate.enter()
            defer { gate.leave() }
            do throws(Break) {
                while try await readSome(isTrial: isTrial) {}
                state.withLock { $0.applied = $0.applied ?? $0.history.last }
                return .success(())
            } catch { return .failure(error) }
        }.value.get()
    }

    /// Reads on where the journal goes further than this proxy has read.
    func catchUp(to head: SharedPosition) async throws(Break) {
        guard let position, position.lineage == head.lineage else { throw .otherLineage }
        if head.number > position.number { try await catchUp() }
    }

    /// Whether there may be more.
    private func readSome(isTrial: Bool) async throws(Break) -> Bool {
        guard let position else { throw .otherLineage }
        let page: SharedEvents
        do throws(SharedTierError) {
            page = try await link.call(isTrial: isTrial) { (tier, _) throws(SharedTierError) in
                try await tier.events(after: position.number, limit: Self.pageSize)
            }
        } catch { throw .engine(error) }
        guard page.head.lineage == position.lineage, page.head.number >= position.number else { throw .otherLineage }
        if page.hasGap { skip(through: (page.events.first?.number ?? page.head.number + 1) - 1) }
        for (number, bytes) in page.events {
            try await take(bytes, number: number)
        }
        return self.position.map { $0.number < page.head.number } ?? false && !page.events.isEmpty
    }

    /// Events that nobody can read any more. What was here before may have been flushed by one of them.
    private func skip(through number: Int64) {
        let isMissed = state.withLock { state in
            state.history.skip(through: number)
            state.isMoved = true
            // Where nothing was carried out yet nothing was missed: what is here was made before this proxy knew of the others.
            let isMissed = state.applied.map { $0 < number } ?? false
            state.applied = max(state.applied ?? 0, number)
            return isMissed
        }
        guard isMissed else { return }
        logger.error(
            "the shared tier's journal no longer has what this proxy has not read; everything is dropped here, for it may have been flushed")
        onRemoval(nil)
        cache.removeAll()
    }

    private func take(_ bytes: [UInt8], number: Int64) async throws(Break) {
        let event = sealing.event(bytes)
        let mark = SharedSealing.mark(of: bytes)
        if event == nil {
            countUnreadable()
            logger.error("an event of the shared tier's journal cannot be read; it is taken for a flush of everything")
        }
        let isNew = state.withLock { state in
            if number > state.applied ?? 0 { return event.map { !state.done.contains($0.mark) } ?? true }
            return false
        }
        if isNew {
            // Judged by before it is carried out, so that what is fetched meanwhile is met by the one or the other. The end of the history moves
            // afterwards, so that nothing is put as later.
            state.withLock { $0.history.anticipate(event, number: number) }
            guard let outcome = await carryOut(event) else { throw .engine(.timedOut) }
            state.withLock { state in
                guard let event else { return }
                if case .flush = event.kind, state.awaited[event.mark] == nil, state.heard.count < 1024 { state.heard.append((event, number)) }
                state.finish(event.mark, outcome)
            }
        }
        state.withLock { state in
            state.history.note(event, mark: mark, number: number)
            state.applied = max(state.applied ?? 0, number)
            state.isMoved = true
        }
    }

    // MARK: Own events

    /// Carries out an event that the others cannot be told of at present; whether that was done.
    func carryOutAhead(_ event: JournalEvent) async -> Bool {
        guard let outcome = await carryOut(event) else { return false }
        state.withLock { $0.finish(event.mark, outcome) }
        return true
    }

    /// An event of an earlier run was carried out then.
    func noteDone(_ event: JournalEvent) { state.withLock { $0.finish(event.mark, Outcome()) } }

    func isDone(_ event: JournalEvent) -> Bool { state.withLock { $0.done.contains(event.mark) } }

    /// Has the outcome of this event kept until it is taken.
    func await(_ event: JournalEvent) { state.withLock { $0.awaited[event.mark] = Outcome() } }

    func takeOutcome(of event: JournalEvent) -> Outcome { state.withLock { $0.awaited.removeValue(forKey: event.mark) } ?? Outcome() }

    /// What other proxies flushed since this was asked last.
    func takeHeard() -> [(event: JournalEvent, number: Int64)] {
        state.withLock { state in
            defer { state.heard = [] }
            return state.heard
        }
    }

    // MARK: Carrying out

    /// Does to the local cache what an event says; `nil` when that could not be done to its end.
    private func carryOut(_ event: JournalEvent?) async -> Outcome? {
        switch event?.kind {
        case nil: return removeAll()
        case .flush(let flush): return await carryOut(flush, at: event?.at ?? Timestamp(milliseconds: 0))
        case .unreach(let names):
            guard await isWhole() else { return nil }
            for name in names where cache.metadata(for: name.key)?.id == name.id {
                await cache.leaveToExactRepeats(name.id)
                // Its answer could not be had: then it is better gone.
                if cache.metadata(name.id)?.scope != nil { cache.remove([name.id], as: .flushed) }
            }
            return Outcome()
        case .remove(let names):
            guard await isWhole() else { return nil }
            let known = names.compactMap { name in cache.metadata(for: name.key).flatMap { $0.id == name.id ? $0 : nil } }
            guard !known.isEmpty else { return Outcome() }
            onRemoval(known)
            let waiting = known.count { cache.sharing($0.id) == .waiting }
            return Outcome(removed: cache.remove(known.map(\.id), as: .flushed), waiting: waiting)
        }
    }

    private func carryOut(_ flush: JournalEvent.Flush, at moment: Timestamp) async -> Outcome? {
        guard flush.selector.hasConditions else { return removeAll() }
        var likeness: (vector: UnitVector, threshold: Float)?
        if let found = flush.likeness {
            // What is read of the store meanwhile is judged without its vector, so that more would go than is meant.
            guard await isWhole() else { return nil }
            // Of another model's vectors nothing can be said here: the proxy that flushes names the entries.
            guard found.embedding.fingerprint == fingerprint else {
                cache.noteFlush(of: flush.selector)
                return Outcome()
            }
            likeness = (found.embedding.vector, found.threshold)
        }
        // One that cannot be made ready was refused where it was said.
        guard let flushed = try? cache.flush(flush.selector, at: moment, likeness: likeness, willRemove: { onRemoval($0) }) else { return Outcome() }
        return Outcome(removed: flushed.entries.count, waiting: flushed.waiting)
    }

    private func removeAll() -> Outcome {
        let waiting = cache.waitingCount
        onRemoval(nil)
        return Outcome(removed: cache.removeAll(), waiting: waiting)
    }

    /// Waits until the store has been read: what is not here yet cannot be named.
    private func isWhole() async -> Bool {
        await cache.restored()
        return !cache.isRestoring
    }
}

extension JournalReader.State {
    fileprivate mutating func finish(_ mark: UInt64, _ outcome: JournalReader.Outcome) {
        if done.insert(mark).inserted { order.append(mark) }
        if order.count > 8192 {
            done.subtract(order.prefix(4096))
            order.removeFirst(4096)
        }
        if awaited[mark] != nil { awaited[mark] = outcome }
    }
}

// MARK: Judging

extension JournalReader {
    /// An entry as it may be served; `nil` when it may not.
    ///
    /// - Parameters:
    ///   - epoch: of before the engine was asked.
    ///   - mark: of the local flushes, from then.
    func judge(_ row: SharedEntry, epoch: Int, since mark: Flushes.Mark) -> SharedSealing.Opened? {
        guard let opened = sealing.open(row) else {
            countUnreadable()
            return nil
        }
        return judge(opened, since: row.since, epoch: epoch, mark)
    }

    func judge(_ opened: SharedSealing.Opened, since: Int64, epoch: Int, _ mark: Flushes.Mark) -> SharedSealing.Opened? {
        let question = state.withLock { state in state.epoch == epoch ? state.history.question(opened, since: since) : nil }
        guard let question, !cache.isFlushed(opened.metadata, since: mark) else { return nil }
        switch question.verdict(on: opened) {
        case .alive: return opened
        case .outOfReach: return SharedSealing.Opened(metadata: opened.metadata.withoutScope, sinceMark: opened.sinceMark, embedding: nil)
        case .dead: return nil
        }
    }
}
