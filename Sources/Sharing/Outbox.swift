import DequeModule
import SemanticCache
import Synchronization

/// Additions on their way to the engine, bounded in bytes: what does not fit waits in the store, and is fetched from there when there is room again.
final class Outbox: Sendable {
    private struct State {
        var records: [EntryID: CacheRecord] = [:]
        /// In the order in which they came; may name some that are gone.
        var order: Deque<EntryID> = []
        var bytes = 0
        var hasOverflowed = false
    }

    /// What one call takes.
    private static let batchCount = 100
    private static let batchBytes = 1 << 20

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: the most bytes that they may hold; one may be larger.
    init(limit: Int) { self.limit = limit }

    var isEmpty: Bool { state.withLock { $0.records.isEmpty } }

    /// Adds an entry, in place of what waits under its id.
    func add(_ record: CacheRecord) {
        state.withLock { state in
            let id = record.entry.id
            state.bytes += Self.bytes(of: record)
            if let former = state.records.updateValue(record, forKey: id) {
                state.bytes -= Self.bytes(of: former)
            } else {
                state.order.append(id)
            }
            trim(&state)
        }
    }

    /// Whether an entry waits here.
    func holds(_ id: EntryID) -> Bool { state.withLock { $0.records[id] != nil } }

    /// The oldest, as many as one call takes.
    func take() -> [CacheRecord] {
        state.withLock { state in
            var (batch, bytes) = ([CacheRecord](), 0)
            while batch.count < Self.batchCount, bytes < Self.batchBytes, let id = state.order.popFirst() {
                guard let record = state.records.removeValue(forKey: id) else { continue }
                bytes += Self.bytes(of: record)
                batch.append(record)
            }
            state.bytes -= bytes
            return batch
        }
    }

    /// Takes a batch back that the engine did not take. What came since is younger.
    func putBack(_ batch: [CacheRecord]) {
        state.withLock { state in
            let batch = batch.filter { state.records[$0.entry.id] == nil }
            for record in batch {
                state.records[record.entry.id] = record
                state.bytes += Self.bytes(of: record)
            }
            state.order.prepend(contentsOf: batch.map(\.entry.id))
            trim(&state)
        }
    }

    /// Whether some had to be let go since this was asked last: they wait in the store.
    func takeOverflow() -> Bool {
        state.withLock { state in
            defer { state.hasOverflowed = false }
            return state.hasOverflowed
        }
    }

    private func trim(_ state: inout State) {
        while state.bytes > limit, state.records.count > 1, let id = state.order.popFirst() {
            guard let record = state.records.removeValue(forKey: id) else { continue }
            state.bytes -= Self.bytes(of: record)
            state.hasOverflowed = true
        }
    }

    private static func bytes(of record: CacheRecord) -> Int {
        record.entry.memoryBytes + (record.embedding?.vector.dimension ?? 0) * MemoryLayout<Float>.stride
    }
}
