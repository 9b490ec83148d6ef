package import SemanticCache
import Synchronization

/// Entries for the life of the process, or none at all: what `store.path: ":memory:"` means.
package final class MemoryStore: CacheStore {
    private struct State {
        var records: [EntryID: CacheRecord] = [:]
        var idByKey: [CacheKey: EntryID] = [:]
        var named: [String: [UInt8]] = [:]
        var isClosed = false
        var lineage = StoreGeneration.freshLineage()
        var number: Int64 = 0
        var generations: [EntryID: Int64] = [:]
    }

    private let state = Mutex(State())
    private let keepsRecords: Bool

    /// - Parameter keepsRecords: false where the cache itself holds every entry, so that each is in memory once.
    package init(keepsRecords: Bool = true) { self.keepsRecords = keepsRecords }

    private func open<Value>(_ body: (inout State) -> Value) throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = state.withLock { $0.isClosed ? .failure(.closed) : .success(body(&$0)) }
        return try result.get()
    }

    package func insert(_ records: [CacheRecord]) async throws(StoreError) {
        try open { state in
            state.number += 1
            for record in records where keepsRecords {
                state.generations[record.entry.id] = state.number
                if let rival = state.idByKey[record.entry.key] { state.records[rival] = nil }
                if let former = state.records[record.entry.id] { state.idByKey[former.entry.key] = nil }
                state.records[record.entry.id] = record
                state.idByKey[record.entry.key] = record.entry.id
            }
        }
    }

    package func remove(_ ids: [EntryID]) async throws(StoreError) {
        try open { state in
            for id in ids {
                if let record = state.records.removeValue(forKey: id) { state.idByKey[record.entry.key] = nil }
                state.generations[id] = nil
            }
        }
    }

    package func removeAll() async throws(StoreError) {
        try open { state in
            state.records = [:]
            state.idByKey = [:]
            state.generations = [:]
        }
    }

    package func record(for key: CacheKey) async throws(StoreError) -> CacheRecord? {
        try open { state in state.idByKey[key].flatMap { state.records[$0] } }
    }

    package func lastID() async throws(StoreError) -> EntryID? { try open { $0.records.keys.max() } }

    package func count() async throws(StoreError) -> Int { try open { $0.records.count } }

    package func outlines(after cursor: EntryID?, limit: Int) async throws(StoreError) -> [EntryOutline] {
        try open { state in
            let ids = state.records.keys.filter { id in cursor.map { id > $0 } ?? true }.sorted().prefix(limit)
            return ids.compactMap { id in state.records[id].map { EntryOutline($0, generation: state.generations[id] ?? 0) } }
        }
    }

    package func embeddings(of ids: [EntryID]) async throws(StoreError) -> [EntryID: StoredEmbedding] {
        try open { state in Dictionary(ids.compactMap { id in state.records[id]?.embedding.map { (id, $0) } }) { first, _ in first } }
    }

    package func noteTaken(_ entries: [EntryID: Bool]) async throws(StoreError) {
        try open { state in
            for (id, hasVector) in entries {
                guard let record = state.records[id], record.sharing == .waiting, (record.embedding != nil) == hasVector else { continue }
                state.records[id] = record.with(.taken)
            }
        }
    }

    package func forgetTaken() async throws(StoreError) {
        try open { state in
            state.records = state.records.mapValues { $0.sharing == .taken ? $0.with(.waiting) : $0 }
        }
    }

    package func generation() async throws(StoreError) -> StoreGeneration {
        try open { StoreGeneration(lineage: $0.lineage, number: $0.number) }
    }

    package func beginLineage() async throws(StoreError) { try open { $0.lineage = StoreGeneration.freshLineage() } }

    package func state(named name: String) async throws(StoreError) -> [UInt8]? { try open { $0.named[name] } }

    package func setState(_ value: [UInt8]?, named name: String) async throws(StoreError) { try open { $0.named[name] = value } }

    package func diskBytes() async throws(StoreError) -> Int { try open { _ in 0 } }

    package func close() async throws(StoreError) { try open { $0.isClosed = true } }
}
