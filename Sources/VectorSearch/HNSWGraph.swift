import CSimilarity
import SemanticCache
import Synchronization

/// A hierarchical navigable small-world graph over the slots of one scope (Malkov and Yashunin, 2018).
///
/// Searches run at any time, on any number of threads, without a lock: neighbour lists are cells that are read one by one, and a list that changes
/// while it is read gives old and new neighbours mixed, each of which exists. Changes are made by one thread at a time, the holder of the index's
/// `mutation` lock.
///
/// Removal follows FreshDiskANN (Singh et al., 2021): a removed slot is walked through until a pass over all lists has led every neighbour
/// around it, and is free after that.
///
/// `@unchecked Sendable`: `random`, `uppers.free` and `uppers.next` belong to the holder of the `mutation` lock; the rest is cells.
final class HNSWGraph: @unchecked Sendable {
    /// Neighbours that a new slot takes on each layer, and the most it may have above the lowest one (the paper's M).
    static let degree = 16
    /// The most neighbours on the lowest layer (the paper's Mmax0).
    static let baseDegree = 32
    /// A count and the neighbours.
    static let baseStride = baseDegree + 1
    static let upperStride = degree + 1
    /// Layers above the lowest; 16 to the power of 7 slots are beyond what one scope can hold.
    static let layerLimit = 7

    /// Candidates kept while a new slot looks for its neighbours (the paper's efConstruction).
    let buildWidth: Int
    /// The entry slot plus one and its layer; 0 while the graph is empty.
    private let entry = Atomic<UInt64>(0)
    let uppers: UpperLists
    private var random: UInt64 = 0x9E37_79B9_7F4A_7C15

    init(buildWidth: Int, ledger: MemoryLedger) {
        self.buildWidth = buildWidth
        uppers = UpperLists(ledger: ledger)
    }

    var entryPoint: (slot: Int, layer: Int)? {
        let value = entry.load(ordering: .acquiring)
        return value == 0 ? nil : (Int(value & 0xFFFF_FFFF) - 1, Int(value >> 32))
    }

    func setEntryPoint(_ slot: Int?, layer: Int) {
        entry.store(slot.map { UInt64($0 + 1) | UInt64(layer) << 32 } ?? 0, ordering: .releasing)
    }

    /// The list of `slot` on `layer`: a count, then that many slots.
    @inline(__always)
    func list(_ slot: Int, _ layer: Int, _ layout: VectorLayout) -> UnsafeMutablePointer<UInt32> {
        layer == 0 ? layout.baseLinks(slot) : uppers.list(cell_load(layout.upper(slot)), layer)
    }

    /// The highest layer that has a list for `slot`.
    func layer(of slot: Int, _ layout: VectorLayout) -> Int { uppers.height(cell_load(layout.upper(slot))) }

    /// Leaves in `scratch.beam` the `width` slots that are nearest to `query` as far as coarse parts tell; removed ones are among them.
    ///
    /// - Parameters:
    ///   - query: a coarse part; similarities in the beam lack its scale.
    ///   - slotCount: slots from there on are younger than the caller's layout and passed over.
    func search(_ query: UnsafePointer<Int8>, width: Int, layout: VectorLayout, slotCount: Int, scratch: SearchScratch) {
        guard let (slot, top) = entryPoint, slot < slotCount else { return scratch.beam.reset(width: width) }
        let start = descend(query, from: slot, top, to: 0, layout, slotCount, scratch)
        walk(query, from: start, width: width, layer: 0, layout, slotCount, scratch)
    }

    /// Goes to the nearest neighbour, and on from there, on each layer above `layer`; returns where it ends (the paper's algorithm 2 with ef = 1).
    func descend(
        _ query: UnsafePointer<Int8>, from slot: Int, _ top: Int, to layer: Int, _ layout: VectorLayout, _ slotCount: Int, _ scratch: SearchScratch
    ) -> Int {
        var best = slot
        var nearest = Float(similarity_coarse(query, layout.coarse(best), layout.padded)) * layout.scale(best).pointee
        var current = top
        while current > layer {
            let list = list(best, current, layout)
            let count = gather(list, layout, slotCount, scratch) { _ in true }
            similarity_coarse_gather(query, scratch.parts, count, layout.padded, scratch.products)
            let former = best
            for index in 0..<count {
                let candidate = Int(scratch.slots[index])
                let similarity = Float(scratch.products[index]) * layout.scale(candidate).pointee
                if similarity > nearest { (best, nearest) = (candidate, similarity) }
            }
            if best == former { current -= 1 }
        }
        return best
    }

    /// The paper's algorithm 2, from one slot.
    func walk(
        _ query: UnsafePointer<Int8>, from start: Int, width: Int, layer: Int, _ layout: VectorLayout, _ slotCount: Int, _ scratch: SearchScratch
    ) {
        // Held in local variables: each access to a member of a class is checked for exclusivity.
        var beam = scratch.beam
        var visited = scratch.visited
        defer {
            scratch.beam = beam
            scratch.visited = visited
        }
        beam.reset(width: width)
        visited.reset()
        _ = visited.insert(UInt32(start))
        beam.offer(start, Float(similarity_coarse(query, layout.coarse(start), layout.padded)) * layout.scale(start).pointee)
        while let slot = beam.next() {
            let count = gather(list(slot, layer, layout), layout, slotCount, scratch) { visited.insert($0) }
            similarity_coarse_gather(query, scratch.parts, count, layout.padded, scratch.products)
            for index in 0..<count {
                let candidate = Int(scratch.slots[index])
                beam.offer(candidate, Float(scratch.products[index]) * layout.scale(candidate).pointee)
            }
        }
    }

    /// Collects the slots of a list that `isWanted`, and where their coarse parts lie; returns how many.
    @inline(__always)
    private func gather(
        _ list: UnsafeMutablePointer<UInt32>, _ layout: VectorLayout, _ slotCount: Int, _ scratch: SearchScratch, _ isWanted: (UInt32) -> Bool
    ) -> Int {
        var count = 0
        let length = Int(cell_load(list))
        guard length > 0 else { return 0 }
        for index in 1...length {
            let slot = cell_load(list + index)
            guard slot < slotCount, isWanted(slot) else { continue }
            scratch.slots[count] = slot
            scratch.parts[count] = UnsafePointer(layout.coarse(Int(slot)))
            similarity_prefetch(layout.scale(Int(slot)), 1)
            count += 1
        }
        return count
    }

    /// A layer drawn so that each holds a sixteenth of the one below (SplitMix64, seeded, so that builds repeat).
    func drawLayer() -> Int {
        random &+= 0x9E37_79B9_7F4A_7C15
        var z = random
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return min(Self.layerLimit, z.trailingZeroBitCount / 4)
    }
}
