import CSimilarity
import SemanticCache
import Synchronization

// Writing the index out and taking it in again.
//
// The form, all numbers little-endian: the mark, the components a vector and the bytes of a coarse part; then scopes, each after a byte that tells
// its kind, until one that ends them. A scope without graph is its name, a count, and blocks of at most 1,024 vectors: ids, scales, coarse and fine
// parts. One with a graph keeps its slots as they are: its name, the counts of slots and of linked ones, the entry point; then the same blocks, each
// followed by the lists of the lowest layer, the heights, and the lists above for the slots that have them.

/// What stands in a snapshot before anything else, and before each scope.
enum SnapshotForm {
    /// "REPINDX1" as it stands in the file.
    static let mark: UInt64 = 0x31_58_44_4E_49_50_45_52

    enum Kind: UInt8 {
        case end = 0
        case scanned = 1
        case linked = 2
    }
}

extension ScopedIndex {
    package func write(to sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        var writer = SnapshotWriter()
        writer.number(SnapshotForm.mark)
        writer.number(UInt32(dimension))
        writer.number(UInt32(padded))
        for shard in scopes {
            for owner in shard.scopes.withLock({ Array($0.values) }) {
                // Slots that are emptied from here on keep their vectors until this is over.
                let epoch = epochs.enter()
                defer { epochs.leave(epoch) }
                if shard.scopes.withLock({ _ in owner.graph != nil }) {
                    try linker.mutation.withLock { _ in try writeLinked(owner, &writer, sink) }
                } else {
                    writeScanned(owner, &writer)
                }
                try writer.drain(to: sink)
            }
        }
        writer.number(SnapshotForm.Kind.end.rawValue)
        try writer.drain(to: sink, isLast: true)
    }

    private func writeScanned(_ owner: ScopeVectors, _ writer: inout SnapshotWriter) {
        let (layout, placed) = scopes[owner.shard].scopes.withLock { _ in (owner.layout, owner.placed) }
        guard !placed.isEmpty else { return }
        writer.number(SnapshotForm.Kind.scanned.rawValue)
        writer.bytes(owner.scope.digest.bytes)
        writer.number(UInt32(placed.count))
        for first in stride(from: 0, to: placed.count, by: VectorLayout.blockCapacity) {
            let block = placed[first..<min(placed.count, first + VectorLayout.blockCapacity)]
            for (id, _) in block { writer.number(id.rawValue) }
            for (_, slot) in block { writer.number(layout.scale(slot).pointee.bitPattern) }
            for (_, slot) in block { writer.memory(layout.coarse(slot), padded) }
            for (_, slot) in block { writer.memory(layout.fine(slot), padded / 2) }
        }
    }

    /// The caller holds `mutation`, so that lists stand still.
    private func writeLinked(_ owner: ScopeVectors, _ writer: inout SnapshotWriter, _ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        let (view, free) = scopes[owner.shard].scopes.withLock { _ in (owner.view, owner.freeSlots) }
        guard let graph = view.graph else { return writeScanned(owner, &writer) }
        let (layout, slotCount) = (view.layout, view.slotCount)
        writer.number(SnapshotForm.Kind.linked.rawValue)
        writer.bytes(owner.scope.digest.bytes)
        writer.number(UInt32(slotCount))
        writer.number(UInt32(view.linkedCount))
        let entry = graph.entryPoint
        writer.number(UInt32(entry.map { $0.slot + 1 } ?? 0))
        writer.number(UInt32(entry?.layer ?? 0))
        let nothing = [UInt8](repeating: 0, count: padded)
        for first in stride(from: 0, to: slotCount, by: VectorLayout.blockCapacity) {
            let slots = first..<min(slotCount, first + VectorLayout.blockCapacity)
            // A slot that was free when this began may be written while this reads.
            let isFree = slots.map { !free.isEmpty && free.contains(UInt32($0)) }
            for slot in slots { writer.number(isFree[slot - first] ? -1 : layout.id(slot)) }
            for slot in slots { writer.number(isFree[slot - first] ? 0 : layout.scale(slot).pointee.bitPattern) }
            for slot in slots { if isFree[slot - first] { writer.bytes(nothing) } else { writer.memory(layout.coarse(slot), padded) } }
            for slot in slots {
                if isFree[slot - first] { writer.bytes(nothing[..<(padded / 2)]) } else { writer.memory(layout.fine(slot), padded / 2) }
            }
            for slot in slots { writer.memory(layout.baseLinks(slot), HNSWGraph.baseStride * 4) }
            for slot in slots { writer.number(UInt8(graph.layer(of: slot, layout))) }
            for slot in slots {
                let height = graph.layer(of: slot, layout)
                for layer in 0..<height { writer.memory(graph.list(slot, layer + 1, layout), HNSWGraph.upperStride * 4) }
            }
            try writer.drain(to: sink)
        }
    }

    package func read(from source: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        for loaded in try scopes(from: source) { publish(loaded) }
    }

    /// Makes a scope that a snapshot brought findable, with those of its vectors that are not there yet.
    private func publish(_ loaded: ScopeVectors) {
        let lock = scopes[loaded.shard]
        var byShard = [[(id: EntryID, slot: Int)]](repeating: [], count: idShards.count)
        for place in loaded.placed { byShard[Self.shardIndex(place.id)].append(place) }
        for (shard, places) in zip(idShards, byShard) where !places.isEmpty {
            shard.places.withLock { known in
                for (id, slot) in places {
                    guard known[id] == nil else {
                        lock.scopes.withLock { _ in loaded.remove(slot, epochs: epochs) }
                        continue
                    }
                    known[id] = Place(scope: loaded, slot: UInt32(slot))
                    total.add(1, ordering: .relaxed)
                }
            }
        }
        let former = lock.scopes.withLock { table in
            let former = table[loaded.scope]
            if let former { loaded.takeOver(former, epochs: epochs) }
            table[loaded.scope] = loaded.liveCount == 0 ? nil : loaded
            return former
        }
        if former != nil {
            for (id, slot) in lock.scopes.withLock({ _ in loaded.placed }) {
                idShard(id).places.withLock { places in
                    if let place = places[id], place.scope === former { places[id] = Place(scope: loaded, slot: UInt32(slot)) }
                }
            }
        }
        attend(loaded)
    }
}

/// Collects small pieces into large ones.
struct SnapshotWriter {
    private static let enough = 1 << 20
    private var buffer: [UInt8] = []

    init() { buffer.reserveCapacity(2 * Self.enough) }

    mutating func number(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { buffer.append(contentsOf: $0) } }

    mutating func bytes(_ bytes: some Sequence<UInt8>) { buffer.append(contentsOf: bytes) }

    mutating func memory(_ address: UnsafeRawPointer, _ count: Int) {
        buffer.append(contentsOf: UnsafeRawBufferPointer(start: address, count: count))
    }

    /// Gives on what was collected, when that is enough.
    mutating func drain(to sink: (UnsafeRawBufferPointer) throws -> Void, isLast: Bool = false) throws {
        guard isLast || buffer.count >= Self.enough else { return }
        try buffer.withUnsafeBytes { try sink($0) }
        buffer.removeAll(keepingCapacity: true)
    }
}
