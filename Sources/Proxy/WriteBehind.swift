package import Logging
package import SemanticCache
import ServiceLifecycle
import Synchronization

/// Writes entries to the store behind the requests: one writer, batches, a bounded queue.
///
/// Additions wait for at most `interval`; a crash loses no more than that. When the disk does not follow, the oldest additions are dropped and
/// counted: the cache forgets rather than grows. Removals are never dropped.
package final class WriteBehind: Service, Sendable {
    private struct State {
        var additions: [EntryID: CacheRecord] = [:]
        /// Additions in the order in which they came; may name ids that were removed since.
        var order: [EntryID] = []
        var removals: Set<EntryID> = []
        /// Additions that are being written.
        var inFlight: [EntryID: CacheRecord] = [:]
        var removesAll = false
        var dropped = 0
        var fault: String?

        var isEmpty: Bool { additions.isEmpty && removals.isEmpty && !removesAll }
    }

    private struct Batch {
        var additions: [CacheRecord]
        var removals: Set<EntryID>
        var removesAll: Bool
    }

    private let store: any CacheStore
    private let interval: Duration
    private let limit: Int
    private let logger: Logger
    private let onFault: @Sendable (String?) -> Void
    private let state = Mutex(State())
    /// Serialises flushes: the timer's and those that callers ask for.
    private let gate = AsyncGate()

    /// - Parameters:
    ///   - interval: the longest time for which an addition waits.
    ///   - limit: the most additions that may wait.
    ///   - onFault: told what the store complains of when that changes; `nil` when it works again.
    package init(
        store: any CacheStore, interval: Duration, limit: Int, logger: Logger, onFault: @escaping @Sendable (String?) -> Void = { _ in }
    ) {
        self.onFault = onFault
        self.store = store
        self.interval = interval
        self.limit = max(1, limit)
        self.logger = logger
    }

    /// Queues an addition. Never waits.
    package func add(_ record: CacheRecord) {
        state.withLock { state in
            let id = record.entry.id
            if state.additions.updateValue(record, forKey: id) == nil { state.order.append(id) }
            if state.additions.count > limit { Self.dropOldest(&state) }
        }
    }

    /// Queues a removal. Never waits.
    package func remove(_ ids: some Sequence<EntryID>) {
        state.withLock { state in
            for id in ids {
                state.additions[id] = nil
                state.removals.insert(id)
            }
        }
    }

    /// Queues the removal of everything that is there now.
    package func removeAll() {
        state.withLock { state in
            state.additions.removeAll()
            state.order.removeAll()
            state.removals.removeAll()
            state.removesAll = true
        }
    }

    /// The record with this id, if it has not reached the store yet.
    package func waiting(_ id: EntryID) -> CacheRecord? { state.withLock { $0.additions[id] ?? $0.inFlight[id] } }

    /// The number of additions and removals that wait.
    package var depth: Int { state.withLock { $0.additions.count + $0.removals.count } }

    /// The additions that were dropped because the queue was full.
    package var dropped: Int { state.withLock { $0.dropped } }

    /// What the store last complained of; `nil` while it works.
    package var fault: String? { state.withLock { $0.fault } }

    /// Writes until shutdown, then writes what is left.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [interval] in
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                await self.flush()
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
                if !batch.additions.isEmpty { try await store.insert(batch.additions) }
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
            let taken = state.order.prefix(1000)
            let additions = taken.compactMap { state.additions.removeValue(forKey: $0) }
            state.order.removeFirst(taken.count)
            defer {
                state.removals = []
                state.removesAll = false
            }
            for record in additions { state.inFlight[record.entry.id] = record }
            return Batch(additions: additions, removals: state.removals, removesAll: state.removesAll)
        }
    }

    private func putBack(_ batch: Batch, fault: String) {
        let isNew = state.withLock { state in
            state.inFlight = [:]
            // What came since is younger, and a removal that came since wins over the addition.
            if state.removesAll { return state.fault != fault }
            state.removesAll = batch.removesAll
            let additions = batch.additions.filter { !state.removals.contains($0.entry.id) && state.additions[$0.entry.id] == nil }
            for record in additions { state.additions[record.entry.id] = record }
            state.order = additions.map(\.entry.id) + state.order
            state.removals.formUnion(batch.removals)
            while state.additions.count > limit { Self.dropOldest(&state) }
            defer { state.fault = fault }
            return state.fault != fault
        }
        if isNew {
            onFault(fault)
            logger.error("the store does not take entries; they are served from memory and lost at the next start", metadata: ["reason": "\(fault)"])
        }
    }

    private static func dropOldest(_ state: inout State) {
        while !state.order.isEmpty {
            let id = state.order.removeFirst()
            if state.additions.removeValue(forKey: id) != nil {
                state.dropped += 1
                return
            }
        }
    }
}

/// Lets one task at a time through, in order of arrival.
final class AsyncGate: Sendable {
    private struct State {
        var isHeld = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func enter() async {
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

    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiters.isEmpty else {
                state.isHeld = false
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.resume()
    }
}
