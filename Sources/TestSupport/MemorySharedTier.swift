package import SemanticCache
import Synchronization

/// A shared tier in this process's memory: what the engines are held against, and what tests of all that stands above them use.
///
/// Several values made of one ``Engine`` are several proxies at one engine.
package final class MemorySharedTier: SharedTier {
    /// What the proxies share; lives on when they go.
    package final class Engine: Sendable {
        fileprivate struct State {
            var lineage: String?
            var identity: SharedIdentity?
            var entries: [CacheKey: SharedEntry] = [:]
            var journal: [(number: Int64, bytes: [UInt8])] = []
            var last: Int64 = 0
            var evidence: [String: [Int: [UInt8]]] = [:]
            var leases: [Int: (owner: String, until: Timestamp)] = [:]
            var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
            var nextListener = 0
            var fault: SharedTierError?
            var delay: Duration?
            var calls: [String: Int] = [:]
        }

        fileprivate let state = Mutex(State())
        fileprivate let clock: any WallClock
        /// Events that are kept.
        fileprivate let journalLimit: Int

        package init(clock: any WallClock, journalLimit: Int = 10_000) {
            self.clock = clock
            self.journalLimit = journalLimit
        }

        /// Makes every call fail, until it is `nil` again.
        package func setFault(_ fault: SharedTierError?) { state.withLock { $0.fault = fault } }

        /// Makes every call take so long.
        package func setDelay(_ delay: Duration?) { state.withLock { $0.delay = delay } }

        /// Forgets everything, as an engine does that keeps nothing on a disk.
        package func loseEverything() {
            state.withLock { state in
                state.lineage = nil
                state.identity = nil
                state.entries = [:]
                state.journal = []
                state.last = 0
                state.evidence = [:]
                state.leases = [:]
            }
        }

        /// How often a call of this name was made.
        package func calls(_ name: String) -> Int { state.withLock { $0.calls[name, default: 0] } }

        package var keys: Set<CacheKey> { state.withLock { Set($0.entries.keys) } }

        package var events: Int { state.withLock { $0.journal.count } }
    }

    private let engine: Engine
    private let isOpen = Mutex(false)

    package init(_ engine: Engine) { self.engine = engine }

    private func call<Result: Sendable>(
        _ name: String = #function, until deadline: ContinuousClock.Instant? = nil,
        _ body: (inout Engine.State, Timestamp) throws(SharedTierError) -> Result
    ) async throws(SharedTierError) -> Result {
        let delay = engine.state.withLock { state in
            state.calls[String(name.prefix { $0 != "(" }), default: 0] += 1
            return state.delay
        }
        if let delay {
            let end = ContinuousClock.now + delay
            try? await Task.sleep(until: min(end, deadline ?? end), clock: .continuous)
            if let deadline, deadline <= end { throw .timedOut }
        }
        let now = engine.clock.now()
        guard isOpen.withLock({ $0 }) || name.hasPrefix("open") else { throw .unreachable("closed") }
        let outcome = engine.state.withLock { state -> Swift.Result<Result, SharedTierError> in
            if let fault = state.fault { return .failure(fault) }
            do throws(SharedTierError) { return .success(try body(&state, now)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    package func open(_ identity: SharedIdentity) async throws(SharedTierError) -> SharedPosition {
        let position = try await call { state, _ throws(SharedTierError) in
            if let known = state.identity {
                if known.tenancyCheck != identity.tenancyCheck { throw .otherKey(setting: "tenancy.key_env") }
                if known.encryptionCheck != identity.encryptionCheck { throw .otherKey(setting: "store.encryption_key_env") }
                if known.fingerprint == identity.fingerprint, let found = known.dimension, let expected = identity.dimension, found != expected {
                    throw .wrongDimension(found: found, expected: expected)
                }
            }
            state.identity = state.identity ?? identity
            let lineage = state.lineage ?? StoreGeneration.freshLineage()
            state.lineage = lineage
            return SharedPosition(lineage: lineage, number: state.last)
        }
        isOpen.withLock { $0 = true }
        return position
    }

    package func peek(
        _ key: CacheKey, in scope: Scope?, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) -> SharedPeek {
        try await call(until: deadline) { state, now in
            let entry = state.entries[key].flatMap { $0.expiresAt > now ? $0 : nil }
            let hasVectors = scope.map { scope in
                state.entries.values.contains { $0.scope == scope && $0.vector != nil && $0.expiresAt > now }
            }
            return SharedPeek(entry: entry, hasVectors: hasVectors ?? false, head: state.head)
        }
    }

    package func nearest(
        to vector: UnitVector, in scope: Scope, count: Int, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) -> SharedNeighbours {
        try await call(until: deadline) { state, now in
            let found = state.entries.values.compactMap { entry -> (entry: SharedEntry, similarity: Float)? in
                guard entry.scope == scope, entry.expiresAt > now, let other = entry.vector, other.dimension == vector.dimension else { return nil }
                return (entry.without(answer: true, vector: true), vector.similarity(to: other))
            }
            let nearest = Array(found.sorted { $0.similarity > $1.similarity }.prefix(count))
            return SharedNeighbours(found: nearest, head: state.head)
        }
    }

    package func entry(_ name: SharedName, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> SharedEntry? {
        try await call(until: deadline) { state, now in
            let entry =
                switch name {
                case .key(let key): state.entries[key]
                case .id(let id): state.entries.values.first { $0.id == id }
                }
            return entry.flatMap { $0.expiresAt > now ? $0 : nil }
        }
    }

    package func put(_ entries: [SharedEntry]) async throws(SharedTierError) -> [SharedPutOutcome] {
        try await call { state, _ in
            entries.map { entry in
                if state.entries.values.contains(where: { $0.id == entry.id && $0.key != entry.key }) { return .idTaken }
                state.entries[entry.key] = entry
                return .stored
            }
        }
    }

    package func remove(_ keys: [CacheKey]) async throws(SharedTierError) {
        try await call { state, _ in
            for key in keys { state.entries[key] = nil }
        }
    }

    package func unreach(_ keys: [CacheKey]) async throws(SharedTierError) {
        try await call { state, _ in
            for key in keys { state.entries[key] = state.entries[key]?.without(answer: false, vector: true) }
        }
    }

    package func append(_ event: [UInt8]) async throws(SharedTierError) -> SharedPosition {
        let journalLimit = engine.journalLimit
        let (position, listeners) = try await call { state, _ in
            state.last += 1
            state.journal.append((state.last, event))
            if state.journal.count > journalLimit { state.journal.removeFirst(state.journal.count - journalLimit) }
            return (state.head, Array(state.listeners.values))
        }
        for listener in listeners { listener.yield() }
        return position
    }

    package func events(after number: Int64, limit: Int) async throws(SharedTierError) -> SharedEvents {
        try await call { state, _ in
            let later = state.journal.filter { $0.number > number }
            // A number that the journal never reached is one of another time.
            let hasGap = number > state.last || number < state.last && later.first?.number != number + 1
            return SharedEvents(events: Array(later.prefix(limit)), hasGap: hasGap, head: state.head)
        }
    }

    package func hints() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { [engine] continuation in
            let number = engine.state.withLock { state in
                state.nextListener += 1
                state.listeners[state.nextListener] = continuation
                return state.nextListener
            }
            continuation.onTermination = { _ in engine.state.withLock { $0.listeners[number] = nil } }
        }
    }

    package func sweep(_ selection: SharedSelection, before number: Int64, limit: Int) async throws(SharedTierError) -> Int {
        try await call { state, _ in
            let meant = state.entries.values.filter { $0.since < number && selection.means($0) }.prefix(limit)
            for entry in meant { state.entries[entry.key] = nil }
            return meant.count
        }
    }

    package func page(
        _ selection: SharedSelection, after cursor: SharedCursor?, limit: Int, withAnswers: Bool
    ) async throws(SharedTierError) -> SharedPage {
        try await call { state, now in
            let after = cursor?.text ?? ""
            let meant = state.entries.values.filter { $0.expiresAt > now && selection.means($0) && $0.key.digest.hex > after }
                .sorted { $0.key.digest.hex < $1.key.digest.hex }
            let entries = meant.prefix(limit).map { withAnswers ? $0 : $0.without(answer: true, vector: false) }
            return SharedPage(entries: entries, cursor: meant.count > limit ? entries.last.map { SharedCursor($0.key.digest.hex) } : nil)
        }
    }

    package func setEvidence(_ bytes: [UInt8]?, named name: String, of node: Int) async throws(SharedTierError) {
        try await call { state, _ in state.evidence[name, default: [:]][node] = bytes }
    }

    package func evidence(named name: String) async throws(SharedTierError) -> [Int: [UInt8]] {
        try await call { state, _ in state.evidence[name] ?? [:] }
    }

    package func lease(for owner: String, held: Int?) async throws(SharedTierError) -> Int {
        try await call { state, now throws(SharedTierError) in
            let isFree = { [leases = state.leases] (number: Int) in
                guard let lease = leases[number] else { return true }
                return lease.until <= now || lease.owner == owner
            }
            guard let number = held.flatMap({ isFree($0) ? $0 : nil }) ?? EntryIDSource.Node.numbers.first(where: isFree) else {
                throw .full("all \(EntryIDSource.Node.numbers.count) numbers are taken")
            }
            state.leases[number] = (owner, now + .seconds(60))
            return number
        }
    }

    package func describe() async throws(SharedTierError) -> SharedDescription {
        try await call { state, now in
            let living = state.entries.values.filter { $0.expiresAt > now }
            return SharedDescription(
                engine: "memory", entries: living.count, searchable: living.count { $0.vector != nil }, bytes: nil, clockSkew: .zero)
        }
    }

    package func close() async { isOpen.withLock { $0 = false } }
}

extension MemorySharedTier.Engine.State {
    fileprivate var head: SharedPosition { SharedPosition(lineage: lineage ?? "", number: last) }
}

extension SharedEntry {
    fileprivate func without(answer: Bool, vector: Bool) -> SharedEntry {
        SharedEntry(
            key: key, id: id, scope: scope, marks: marks, createdAt: createdAt, expiresAt: expiresAt, since: since,
            vector: vector ? nil : self.vector, metadata: metadata, answer: answer ? nil : self.answer)
    }
}
