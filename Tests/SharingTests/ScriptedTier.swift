import SemanticCache
import Synchronization
import TestSupport

/// A proxy's way to an engine that fails as a test wants it to.
final class ScriptedTier: SharedTier {
    /// What becomes of a call.
    enum Fault: Sendable {
        /// It fails, and nothing has happened.
        case before(SharedTierError)
        /// It happens, and is said to have failed.
        case after(SharedTierError)
        /// It never ends.
        case hang
        /// Bytes of what comes back are others.
        case garble
    }

    private struct State {
        var script: (@Sendable (_ call: String, _ number: Int) -> Fault?)?
        var number = 0
    }

    private let tier: MemorySharedTier
    private let state = Mutex(State())

    init(_ engine: MemorySharedTier.Engine) { tier = MemorySharedTier(engine) }

    /// Asked before each call, with its name and its number, counted from 1 anew.
    func setScript(_ script: (@Sendable (_ call: String, _ number: Int) -> Fault?)?) {
        state.withLock { state in
            state.script = script
            state.number = 0
        }
    }

    /// Calls since the script was set.
    var count: Int { state.withLock { $0.number } }

    private func call<Value: Sendable>(
        _ name: String, _ body: @Sendable (MemorySharedTier) async throws(SharedTierError) -> Value, garbled: (Value) -> Value = { $0 }
    ) async throws(SharedTierError) -> Value {
        let fault = state.withLock { state in
            state.number += 1
            return state.script?(name, state.number)
        }
        switch fault {
        case nil: return try await body(tier)
        case .before(let error): throw error
        case .after(let error):
            _ = try await body(tier)
            throw error
        case .hang:
            // Not even a cancellation ends it.
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
            throw .timedOut
        case .garble: return garbled(try await body(tier))
        }
    }

    private static func garbled(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        if bytes.isEmpty { return [7] }
        bytes[bytes.count / 2] ^= 0x55
        return bytes
    }

    private static func garbled(_ entry: SharedEntry) -> SharedEntry {
        SharedEntry(
            key: entry.key, id: entry.id, scope: entry.scope, marks: entry.marks, createdAt: entry.createdAt, expiresAt: entry.expiresAt,
            since: entry.since, vector: entry.vector, metadata: garbled(entry.metadata), answer: entry.answer.map { garbled($0) })
    }

    func open(_ identity: SharedIdentity) async throws(SharedTierError) -> SharedPosition {
        try await call("open") { (tier) throws(SharedTierError) in try await tier.open(identity) }
    }

    func peek(_ key: CacheKey, in scope: Scope?, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> SharedPeek {
        try await call("peek") { (tier) throws(SharedTierError) in
            try await tier.peek(key, in: scope, until: deadline)
        } garbled: {
            SharedPeek(entry: $0.entry.map { Self.garbled($0) }, hasVectors: $0.hasVectors, head: $0.head)
        }
    }

    func nearest(
        to vector: UnitVector, in scope: Scope, count: Int, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) -> SharedNeighbours {
        try await call("nearest") { (tier) throws(SharedTierError) in
            try await tier.nearest(to: vector, in: scope, count: count, until: deadline)
        } garbled: {
            SharedNeighbours(found: $0.found.map { (Self.garbled($0.entry), .nan) }, head: $0.head)
        }
    }

    func entry(_ name: SharedName, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> SharedEntry? {
        try await call("entry") { (tier) throws(SharedTierError) in
            try await tier.entry(name, until: deadline)
        } garbled: {
            $0.map { Self.garbled($0) }
        }
    }

    func put(_ entries: [SharedEntry]) async throws(SharedTierError) -> [SharedPutOutcome] {
        try await call("put") { (tier) throws(SharedTierError) in
            try await tier.put(entries)
        } garbled: {
            Array($0.dropLast())
        }
    }

    func remove(_ keys: [CacheKey]) async throws(SharedTierError) {
        try await call("remove") { (tier) throws(SharedTierError) in try await tier.remove(keys) }
    }

    func unreach(_ keys: [CacheKey]) async throws(SharedTierError) {
        try await call("unreach") { (tier) throws(SharedTierError) in try await tier.unreach(keys) }
    }

    func append(_ event: [UInt8]) async throws(SharedTierError) -> SharedPosition {
        try await call("append") { (tier) throws(SharedTierError) in try await tier.append(event) }
    }

    func events(after number: Int64, limit: Int) async throws(SharedTierError) -> SharedEvents {
        try await call("events") { (tier) throws(SharedTierError) in
            try await tier.events(after: number, limit: limit)
        } garbled: {
            SharedEvents(events: $0.events.map { ($0.number, Self.garbled($0.bytes)) }, hasGap: $0.hasGap, head: $0.head)
        }
    }

    func hints() -> AsyncStream<Void> { tier.hints() }

    func sweep(_ selection: SharedSelection, before number: Int64, limit: Int) async throws(SharedTierError) -> Int {
        try await call("sweep") { (tier) throws(SharedTierError) in try await tier.sweep(selection, before: number, limit: limit) }
    }

    func page(
        _ selection: SharedSelection, after cursor: SharedCursor?, limit: Int, withAnswers: Bool
    ) async throws(SharedTierError) -> SharedPage {
        try await call("page") { (tier) throws(SharedTierError) in
            try await tier.page(selection, after: cursor, limit: limit, withAnswers: withAnswers)
        } garbled: {
            SharedPage(entries: $0.entries.map { Self.garbled($0) }, cursor: $0.cursor)
        }
    }

    func setEvidence(_ bytes: [UInt8]?, named name: String, of node: Int) async throws(SharedTierError) {
        try await call("setEvidence") { (tier) throws(SharedTierError) in try await tier.setEvidence(bytes, named: name, of: node) }
    }

    func evidence(named name: String) async throws(SharedTierError) -> [Int: [UInt8]] {
        try await call("evidence") { (tier) throws(SharedTierError) in try await tier.evidence(named: name) }
    }

    func lease(for owner: String, held: Int?) async throws(SharedTierError) -> Int {
        try await call("lease") { (tier) throws(SharedTierError) in try await tier.lease(for: owner, held: held) }
    }

    func describe() async throws(SharedTierError) -> SharedDescription {
        try await call("describe") { (tier) throws(SharedTierError) in try await tier.describe() }
    }

    func close() async { await tier.close() }
}
