// VectorSearch: nearest neighbours within a scope.
//
// `ScopedIndex` keeps the vectors of each scope by themselves. A small scope is scanned, which is exact; one that has grown past `linkThreshold`
// gets a graph (`HNSWGraph`), built behind the searches. Vectors are held in twelve bits a component (`CodedVector`): the upper eight find the
// candidates, all twelve give the similarities that callers see. `FlatIndex` scans float32 vectors: the oracle that `ScopedIndex` is held against.
//
// Invariants
// - A vector is found from the moment at which `insert` returns, and not from the moment at which `remove` returns.
// - Searches wait for nobody but for the look into a table: linking, repairing and shrinking happen on a queue of their own, on memory that a
//   search never sees half made. A slot is used again only when every search that could have seen its former vector has ended.
// - An id has one place. Locks are taken in the order mutation, id shard, scope shard.
//
// Left out: searches across scopes, filters within a scope, vectors on disk.

package import SemanticCache
import Synchronization

/// Neighbours within a scope, exact for small scopes and nearly so for large ones. Placing and removing take O(`dimension`).
package final class ScopedIndex: SnapshotIndex {
    /// Figures that trade memory and time for recall.
    package struct Tuning: Sendable {
        /// Scopes of as many vectors get a graph. Below, a scan is as fast and exact: 16,384 vectors of 384 components take 0.3 ms.
        package var linkThreshold = 16_384
        /// Candidates kept during a search of a graph.
        package var searchWidth = 192
        /// Candidates kept while a vector is linked.
        package var buildWidth = 128
        /// Whether graphs are built as vectors come; otherwise only by ``settle()``.
        package var linksInBackground = true

        package init() {}
    }

    /// Where an id is.
    struct Place {
        let scope: ScopeVectors
        let slot: UInt32
    }

    /// Part of the table of ids. Many small tables, for a table that grows keeps its callers waiting.
    final class IDShard: Sendable {
        let places = Mutex<[EntryID: Place]>([:])
    }

    final class ScopeShard: Sendable {
        let scopes = Mutex<[Scope: ScopeVectors]>([:])
    }

    package let dimension: Int
    let tuning: Tuning
    let padded: Int
    let idShards = (0..<256).map { _ in IDShard() }
    let scopes = (0..<256).map { _ in ScopeShard() }
    let epochs = ReaderEpochs()
    let ledger = MemoryLedger()
    let scratches = ScratchPool()
    let linker = Linker()
    let total = Atomic<Int>(0)
    let changes = Atomic<Int>(0)

    /// An empty index for vectors of `dimension` components.
    package init(dimension: Int, tuning: Tuning = Tuning()) {
        precondition(dimension > 0, "a vector has at least one component")
        self.dimension = dimension
        self.tuning = tuning
        padded = CodedVector.paddedCount(dimension)
    }

    package var count: Int { total.load(ordering: .relaxed) }

    package var changeCount: Int { changes.load(ordering: .relaxed) }

    package var ids: [EntryID] { idShards.flatMap { $0.places.withLock { Array($0.keys) } } }

    package func contains(_ id: EntryID, in scope: Scope) -> Bool { idShard(id).places.withLock { $0[id]?.scope.scope == scope } }

    package func count(in scope: Scope) -> Int { shard(scope).scopes.withLock { $0[scope]?.liveCount ?? 0 } }

    package var memoryBytes: Int {
        // A table of Swift's is between three eighths and three quarters full.
        ledger.bytes + count * (MemoryLayout<EntryID>.stride + MemoryLayout<Place>.stride) * 16 / 9
    }

    package func insert(_ id: EntryID, _ vector: UnitVector, in scope: Scope) {
        precondition(vector.dimension == dimension, "this index holds vectors of \(dimension) components, not \(vector.dimension)")
        precondition(id.rawValue >= 0, "an id is not negative")
        let coded = CodedVector(vector)
        let owner = idShard(id).places.withLock { places in
            if let former = places.removeValue(forKey: id) { vacate(former, id) }
            let index = Self.shardIndex(scope)
            let (owner, slot) = scopes[index].scopes.withLock { table in
                let owner = table[scope] ?? ScopeVectors(scope: scope, shard: index, padded: padded, ledger: ledger)
                if owner.liveCount == 0 { table[scope] = owner }
                return (owner, owner.place(coded, id, epochs: epochs))
            }
            places[id] = Place(scope: owner, slot: UInt32(slot))
            total.add(1, ordering: .relaxed)
            changes.add(1, ordering: .relaxed)
            return owner
        }
        attend(owner)
    }

    @discardableResult
    package func remove(_ id: EntryID) -> Bool {
        let place = idShard(id).places.withLock { places in
            let place = places.removeValue(forKey: id)
            if let place { vacate(place, id) }
            return place
        }
        guard let place else { return false }
        attend(place.scope)
        return true
    }

    package func removeAll() {
        for shard in idShards {
            let known = shard.places.withLock { Array($0.keys) }
            for id in known { remove(id) }
        }
    }

    /// Takes `id` out of its scope; the caller holds the id's shard.
    private func vacate(_ place: Place, _ id: EntryID) {
        total.subtract(1, ordering: .relaxed)
        changes.add(1, ordering: .relaxed)
        scopes[place.scope.shard].scopes.withLock { table in
            // What a snapshot took over is no longer where it was placed.
            let owner = place.scope.successor ?? place.scope
            guard let slot = owner.slot(of: id, hint: Int(place.slot)) else { return }
            owner.remove(slot, epochs: epochs)
            if owner.liveCount == 0, table[owner.scope] === owner {
                table[owner.scope] = nil
                owner.clear()
            }
        }
    }

    func shard(_ scope: Scope) -> ScopeShard { scopes[Self.shardIndex(scope)] }

    static func shardIndex(_ scope: Scope) -> Int { scope.hashValue & 255 }

    func idShard(_ id: EntryID) -> IDShard { idShards[Self.shardIndex(id)] }

    static func shardIndex(_ id: EntryID) -> Int { Int(truncatingIfNeeded: (UInt64(bitPattern: id.rawValue) &* 0x9E37_79B9_7F4A_7C15) >> 56) }
}
