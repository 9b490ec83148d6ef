import DequeModule
package import Logging
package import SemanticCache
import ServiceLifecycle
import Synchronization

/// Writes entries to the store behind the requests: one writer, batches, a bounded queue.
///
/// Additions wait for at most `interval`, and no longer than until the queue is half full; a crash loses no more than that. When the disk does not
/// follow, the oldest additions are dropped and counted by what there was no room for: the cache forgets rather than grows. Removals are never dropped,
/// and there are no more of them than entries in the store: what never reached it need not be removed from it.
package final class WriteBehind: Service, Sendable {
    private struct State {
        private(set) var additions: [EntryID: CacheRecord] = [:]
        /// What the additions hold, in bytes.
        private(set) var bytes = 0
        /// Additions in the order in which they came; may name ids that were removed since.
        var order: Deque<EntryID> = []
        var removals: Set<EntryID> = []
        /// Additions that are being written.
        var inFlight: [EntryID: CacheRecord] = [:]
        /// Entries that live and that the store has never had.
        var unwritten: Set<EntryID> = []
        /// Entries that the shared tier has taken, with a vector or without.
        var taken: [EntryID: Bool] = [:]
        /// Whether it has nothing any more of what it took before.
        var forgetsTaken = false
        var removesAll = false
        var dropped: [NotWrittenReason: Int] = [:]
        var fault: String?

        var isEmpty: Bool { additions.isEmpty && removals.isEmpty && taken.isEmpty && !removesAll && !forgetsTaken }

        /// Adds or replaces an addition; whether none with its id was waiting.
        mutating func put(_ record: CacheRecord) -> Bool {
            bytes += Self.bytes(of: record)
            guard let former = additions.updateValue(record, forKey: record.entry.id) else { return true }
            bytes -= Self.bytes(of: former)
            return false
        }

        @discardableResult
        mutating func take(_ id: EntryID) -> CacheRecord? {
            guard let record = additions.removeValue(forKey: id) else { return nil }
            bytes -= Self.bytes(of: record)
            return record
        }

        /// Notes what the shared tier has of an addition.
        mutating func change(_ record: CacheRecord, from former: EntrySharing, to sharing: EntrySharing) {
            if record.sharing == former { additions[record.entry.id] = record.with(sharing) }
        }

        mutating func takeAll() {
            additions = [:]
            order = []
            bytes = 0
        }

        static func bytes(of record: CacheRecord) -> Int {
            record.entry.memoryBytes + (record.embedding?.vector.dimension ?? 0) * MemoryLayout<Float>.stride
        }
    }

    private struct Batch {
        var additions: [CacheRecord]
        var removals: Set<EntryID>
        var taken: [EntryID: Bool]
        var forgetsTaken: Bool
        var removesAll: Bool
    }

    private let store: any CacheStore
    private let interval: Duration
    private let limit: Int
    private let byteLimit: Int
    private let logger: Logger
    private let onFault: @Sendable (String?) -> Void
    private let state = Mutex(State())
    /// Serialises flushes: the timer's and those that callers ask for.
    private let gate = AsyncGate()
    /// Rung when it is time to write; once rung it stays so until it is heard.
    private let bell = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - interval: the longest time for which an addition waits.
    ///   - limit: the most additions that may wait.
    ///   - byteLimit: the most bytes that they may hold; one may be larger.
    ///   - onFault: told what the store complains of when that changes; `nil` when it works again.
    package init(
        store: any CacheStore, interval: Duration, limit: Int, byteLimit: Int = .max, logger: Logger,
        onFault: @escaping @Sendable (String?) -> Void = { _ in }
    ) {
        self.onFault = onFault
        self.store = store
        self.interval = interval
        self.limit = max(1, limit)
        self.byteLimit = byteLimit
        self.logger = logger
    }

    /// Queues an addition. Never waits.
    ///
    /// - Parameter isNew: whether no living entry had this id before.
    package func add(_ record: CacheRecord, isNew: Bool = false) {
        let isHalfFull = state.withLock { state in
            let id = record.entry.id
            // The row that had the id before it need not be removed any more: this one takes its place.
            let hasRow = state.removals.remove(id) != nil
            state.taken[id] = nil
            if isNew, !hasRow { state.unwritten.insert(id) }
            if state.put(record) { state.order.append(id) }
            trim(&state)
            return state.fault == nil && (state.additions.count > limit / 2 || state.bytes > byteLimit / 2)
        }
        // A burst that fills the queue within one interval must not be lost to a disk that has nothing to do.
        if isHalfFull { bell.continuation.yield() }
    }

    /// Queues a removal. Never waits.
    package func remove(_ ids: some Sequence<EntryID>) {
        state.withLock { state in
            for id in ids {
                state.take(id)
                state.taken[id] = nil
                // What is being written may have reached the store.
                if state.unwritten.remove(id) == nil || state.inFlight[id] != nil { state.removals.insert(id) }
            }
        }
    }

    /// Queues the removal of everything that is there now.
    package func removeAll() {
        state.withLock { state in
            state.takeAll()
            state.removals.removeAll()
            state.unwritten.removeAll()
            state.taken.removeAll()
            state.removesAll = true
        }
    }

    /// Queues the note that the shared tier has taken these entries, each with its vector or without. Never waits.
    package func noteTaken(_ entries: [EntryID: Bool]) {
        state.withLock { state in
            for (id, hasVector) in entries where !state.removals.contains(id) {
                if let record = state.additions[id] {
                    if (record.embedding != nil) == hasVector { state.change(record, from: .waiting, to: .taken) }
                } else {
                    state.taken[id] = hasVector
                }
            }
        }
    }

    /// Queues the note that the shared tier has nothing any more of what it took. Never waits.
    package func forgetTaken() {
        state.withLock { state in
            state.taken.removeAll()
            state.forgetsTaken = true
            for record in state.additions.values { state.change(record, from: .taken, to: .waiting) }
        }
    }

    /// The record with this id, if it has not reached the store yet.
    package func waiting(_ id: EntryID) -> CacheRecord? { state.withLock { $0.additions[id] ?? $0.inFlight[id] } }

    /// The number of additions and removals that wait.
    package var depth: Int { state.withLock { $0.additions.count + $0.removals.count } }

    /// The additions that were dropped because the queue was full, by what it was full of.
    package var droppedByReason: [NotWrittenReason: Int] { state.withLock { $0.dropped } }

    /// The number of additions that were dropped.
    package var dropped: Int { droppedByReason.values.reduce(0, +) }

    /// What the store last complained of; `nil` while it works.
    package var fault: String? { state.withLock { $0.fault } }

    /// Writes until shutdown, then writes what is left.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [interval, bell] in
            await withTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: interval)
                        bell.continuation.yield()
                    }
                }
                for await _ in bell.stream { await self.flush() }
            }
        }
        await flush()
    }

    /// Writes everything that was queued before this call. Faults are logged and leave the queue as it was.
    ///
    /// Goes on when the caller is cancelled: half a batch would be no use to anyone, and the last flush runs while everything shuts down.
    package func flush() async {
        await Task { await flushAll() }.value
    }

    private func flushAll() async {
        await gate.enter()
        defer { gate.leave() }
        while let batch = takeBatch() {
            do throws(StoreError) {
                if batch.removesAll { try await store.removeAll() }
                if batch.forgetsTaken { try await store.forgetTaken() }
                if !batch.additions.isEmpty {
                    try await store.insert(batch.additions)
                    state.withLock { state in
                        for record in batch.additions { state.unwritten.remove(record.entry.id) }
                    }
                }
                if !batch.taken.isEmpty { try await store.noteTaken(batch.taken) }
                if !batch.removals.isEmpty { try await store.remove(Array(batch.removals)) }
                let recovered = state.withLock { state in
                    state.inFlight = [:]
                    defer { state.fault = nil }
                    return state.fault != nil
                }
                if recovered {
                    logger.notice("the store works again")
                    onFault(nil)
                }
            } catch {
                putBack(batch, fault: error.description)
                return
            }
        }
    }

    private func takeBatch() -> Batch? {
        state.withLock { state in
            guard !state.isEmpty else { return nil }
            var (additions, bytes, seen) = ([CacheRecord](), 0, 0)
            for id in state.order.prefix(Self.additionsPerBatch) {
                guard bytes < Self.bytesPerBatch else { break }
                seen += 1
                guard let record = state.take(id) else { continue }
                bytes += State.bytes(of: record)
                additions.append(record)
            }
            state.order.removeFirst(seen)
            for record in additions { state.inFlight[record.entry.id] = record }
            let removals = Set(state.removals.prefix(Self.removalsPerBatch))
            state.removals.subtract(removals)
            // Those whose rows wait for a later batch wait with them.
            let taken = state.taken.filter { state.additions[$0.key] == nil }
            state.taken = state.taken.filter { state.additions[$0.key] != nil }
            defer { (state.removesAll, state.forgetsTaken) = (false, false) }
            return Batch(
                additions: additions, removals: removals, taken: taken, forgetsTaken: state.forgetsTaken, removesAll: state.removesAll)
        }
    }

    private func putBack(_ batch: Batch, fault: String) {
        let isNew = state.withLock { state in
            state.inFlight = [:]
            defer { state.fault = fault }
            // What came since is younger, and a removal that came since wins over the addition.
            if state.removesAll { return state.fault != fault }
            state.removesAll = batch.removesAll
            if !state.forgetsTaken { state.taken.merge(batch.taken.filter { !state.removals.contains($0.key) }) { later, _ in later } }
            state.forgetsTaken = state.forgetsTaken || batch.forgetsTaken
            let additions = batch.additions.filter { !state.removals.contains($0.entry.id) && state.additions[$0.entry.id] == nil }
            for record in additions { _ = state.put(record) }
            state.order.prepend(contentsOf: additions.map(\.entry.id))
            // An addition that came since under the same id takes the row; removed after it, it would be lost.
            state.removals.formUnion(batch.removals.filter { state.additions[$0] == nil })
            trim(&state)
            return state.fault != fault
        }
        if isNew {
            onFault(fault)
            logger.error("the store does not take entries; they are served from memory and lost at the next start", metadata: ["reason": "\(fault)"])
        }
    }

    /// Drops the oldest additions while there are too many.
    private func trim(_ state: inout State) {
        while state.additions.count > 1, state.additions.count > limit || state.bytes > byteLimit, !state.order.isEmpty {
            let reason = state.additions.count > limit ? NotWrittenReason.queueLimit : .queueBytes
            let id = state.order.removeFirst()
            guard state.take(id) != nil else { continue }
            state.dropped[reason, default: 0] += 1
            // A row of before would come back at the next start: an answer that was taken out of the reach of rewordings would be in it again.
            if !state.unwritten.contains(id) || state.inFlight[id] != nil { state.removals.insert(id) }
        }
        // While the store takes nothing, what is added and removed again would pile up in the order.
        guard state.order.count > 2 * state.additions.count + 1024 else { return }
        let waiting = state.additions
        var seen: Set<EntryID> = []
        state.order.removeAll { waiting[$0] == nil || !seen.insert($0).inserted }
    }

    /// What one transaction takes: with more of any a writer that comes in between would wait for long, and the log could not be folded meanwhile.
    private static let additionsPerBatch = 1000
    private static let bytesPerBatch = 4 << 20
    private static let removalsPerBatch = 4096
}

/// Lets one task at a time through, in order of arrival.
package final class AsyncGate: Sendable {
    private struct State {
        var isHeld = false
        var waiters: Deque<CheckedContinuation<Void, Never>> = []
    }

    private let state = Mutex(State())

    package init() {}

    package func enter() async {
        await withCheckedContinuation { continuation in
            let admitted = state.withLock { state in
                guard state.isHeld else {
                    state.isHeld = true
                    return true
                }
                state.waiters.append(continuation)
                return false
            }
            if admitted { continuation.resume() }
        }
    }

    package func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            let next = state.waiters.popFirst()
            state.isHeld = next != nil
            return next
        }
        next?.resume()
    }
}
