package import SemanticCache
import Synchronization

/// A store in memory that fails while it is told to.
package final class FaultyStore: CacheStore {
    private struct State {
        var records: [EntryID: CacheRecord] = [:]
        var named: [String: [UInt8]] = [:]
        var fault: StoreError?
        var insertions = 0
        var duringRemoval: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    package init() {}

    /// What every following call throws; `nil` lets them work again.
    package func fail(with fault: StoreError?) { state.withLock { $0.fault = fault } }

    /// What happens elsewhere while the store removes records.
    package func duringRemoval(_ event: (@Sendable () -> Void)?) { state.withLock { $0.duringRemoval = event } }

    /// The ids that the store holds.
    package var ids: Set<EntryID> { state.withLock { Set($0.records.keys) } }

    /// The names under which state is kept.
    package var stateNames: Set<String> { state.withLock { Set($0.named.keys) } }

    /// How many transactions added records.
    package var insertions: Int { state.withLock { $0.insertions } }

    private func locked<Value>(_ body: (inout State) -> Value) throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = state.withLock { state in
            if let fault = state.fault { return .failure(fault) }
            return .success(body(&state))
        }
        return try result.get()
    }

    package func insert(_ records: [CacheRecord]) async throws(StoreError) {
        try locked { state in
            state.insertions += 1
            for record in records {
                state.records = state.records.filter { $0.value.entry.key != record.entry.key }
                state.records[record.entry.id] = record
            }
        }
    }

    package func remove(_ ids: [EntryID]) async throws(StoreError) {
        state.withLock { $0.duringRemoval }?()
        try locked { state in for id in ids { state.records[id] = nil } }
    }

    package func removeAll() async throws(StoreError) { try locked { $0.records.removeAll() } }

    package func record(for key: CacheKey) async throws(StoreError) -> CacheRecord? {
        try locked { $0.records.values.first { $0.entry.key == key } }
    }

    package func lastID() async throws(StoreError) -> EntryID? { try locked { $0.records.keys.max() } }

    package func count() async throws(StoreError) -> Int { try locked { $0.records.count } }

    package func outlines(after cursor: EntryID?, limit: Int) async throws(StoreError) -> [EntryOutline] {
        try locked { state in
            let ids = state.records.keys.filter { id in cursor.map { id > $0 } ?? true }.sorted().prefix(limit)
            return ids.compactMap { id in state.records[id].map { EntryOutline($0, generation: Int64(state.insertions)) } }
        }
    }

    package func embeddings(of ids: [EntryID]) async throws(StoreError) -> [EntryID: StoredEmbedding] {
        try locked { state in Dictionary(ids.compactMap { id in state.records[id]?.embedding.map { (id, $0) } }) { first, _ in first } }
    }

    package func noteTaken(_ entries: [EntryID: Bool]) async throws(StoreError) {
        try locked { state in
            for (id, hasVector) in entries {
                guard let record = state.records[id], record.sharing == .waiting, (record.embedding != nil) == hasVector else { continue }
                state.records[id] = record.with(.taken)
            }
        }
    }

    package func forgetTaken() async throws(StoreError) {
        try locked { state in
            state.records = state.records.mapValues { $0.sharing == .taken ? $0.with(.waiting) : $0 }
        }
    }

    package func generation() async throws(StoreError) -> StoreGeneration {
        try locked { StoreGeneration(lineage: "test", number: Int64($0.insertions)) }
    }

    package func beginLineage() async throws(StoreError) { try locked { _ in } }

    package func state(named name: String) async throws(StoreError) -> [UInt8]? { try locked { $0.named[name] } }

    package func setState(_ value: [UInt8]?, named name: String) async throws(StoreError) { try locked { $0.named[name] = value } }

    package func diskBytes() async throws(StoreError) -> Int { try locked { _ in 0 } }

    package func close() async throws(StoreError) { try locked { _ in } }
}
