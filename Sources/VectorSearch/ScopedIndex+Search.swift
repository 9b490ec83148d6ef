import CSimilarity
package import SemanticCache
import Synchronization

extension ScopedIndex {
    package func nearest(to query: UnitVector, in scope: Scope, count: Int) -> [Neighbour] {
        precondition(query.dimension == dimension, "this index holds vectors of \(dimension) components, not \(query.dimension)")
        guard count > 0 else { return [] }
        let epoch = epochs.enter()
        defer { epochs.leave(epoch) }
        guard let view = shard(scope).scopes.withLock({ $0[scope]?.view }) else { return [] }
        let coded = CodedVector(query)
        return scratches.with { scratch in
            var shortlist = Shortlist(count: min(count, view.liveCount + 1), margin: coded.margin)
            if let graph = view.graph {
                let width = max(tuning.searchWidth, count + 16)
                graph.search(coded.coarse, width: width, layout: view.layout, slotCount: view.slotCount, scratch: scratch)
                for index in 0..<scratch.beam.count {
                    let slot = scratch.beam.slot(index)
                    if view.layout.id(slot) >= 0 { shortlist.offer(slot, scratch.beam.similarity(index) * coded.scale) }
                }
                compare(view.refilled, coded, view.layout, scratch) { shortlist.offer($0, $1) }
            }
            view.layout.forEachRun(of: view.linkedCount..<view.slotCount, atMost: SearchScratch.batch) { first, rows in
                scan(rows, coded, scratch, floor: shortlist.least) { shortlist.offer(first + $0, $1) }
            }
            var best = NearestList(count: count)
            for slot in shortlist.slots {
                let id = view.layout.id(slot)
                if id >= 0 { best.offer(EntryID(rawValue: id), max(-1, view.layout.similarity(slot, to: coded))) }
            }
            return best.neighbours
        }
    }

    package func all(atLeast threshold: Float, similarTo query: UnitVector, in scope: Scope) -> [Neighbour] {
        precondition(query.dimension == dimension, "this index holds vectors of \(dimension) components, not \(query.dimension)")
        let epoch = epochs.enter()
        defer { epochs.leave(epoch) }
        guard let view = shard(scope).scopes.withLock({ $0[scope]?.view }) else { return [] }
        let coded = CodedVector(query)
        var found: [Neighbour] = []
        scratches.with { scratch in
            view.layout.forEachRun(of: 0..<view.slotCount, atMost: SearchScratch.batch) { first, rows in
                scan(rows, coded, scratch, floor: threshold - coded.margin) { row, _ in
                    let exact = min(1, view.layout.similarity(first + row, to: coded))
                    let id = view.layout.id(first + row)
                    if id >= 0, exact >= threshold { found.append(Neighbour(id: EntryID(rawValue: id), similarity: exact)) }
                }
            }
        }
        return found.sorted { $0.similarity > $1.similarity || $0.similarity == $1.similarity && $0.id < $1.id }
    }

    /// Compares the coarse parts of rows that lie side by side, and visits those that are at least `floor` similar.
    @inline(__always)
    private func scan(_ rows: similarity_rows, _ query: CodedVector, _ scratch: SearchScratch, floor: Float, _ visit: (Int, Float) -> Void) {
        let found = withUnsafePointer(to: rows) {
            similarity_coarse_scan(query.coarse, query.scale, $0, padded, floor, scratch.slots, scratch.similarities)
        }
        for index in 0..<found { visit(Int(scratch.slots[index]), scratch.similarities[index]) }
    }

    /// Compares the coarse parts of slots anywhere, those aside that hold nothing.
    private func compare(
        _ slots: [UInt32], _ query: CodedVector, _ layout: VectorLayout, _ scratch: SearchScratch, _ visit: (Int, Float) -> Void
    ) {
        for slot in slots.lazy.map(Int.init) where layout.id(slot) >= 0 {
            visit(slot, Float(similarity_coarse(query.coarse, layout.coarse(slot), padded)) * layout.scale(slot).pointee * query.scale)
        }
    }
}

/// The slots whose exact similarity may be among the best `count`, judged by a coarse one that may be off by `margin`.
private struct Shortlist {
    private var found: [(slot: Int, similarity: Float)] = []
    /// The best coarse similarities, ascending; not kept where many are asked for.
    private var best: [Float] = []
    private let count: Int
    private let margin: Float
    private var floor = -Float.infinity

    init(count: Int, margin: Float) {
        self.count = count
        self.margin = margin
    }

    /// What a slot must reach to be offered with any hope.
    var least: Float { floor - margin }

    @inline(__always)
    mutating func offer(_ slot: Int, _ similarity: Float) {
        guard similarity >= least else { return }
        found.append((slot, similarity))
        guard similarity > floor, count <= 256 else { return }
        var place = 0
        while place < best.count, best[place] < similarity { place += 1 }
        best.insert(similarity, at: place)
        if best.count > count { best.removeFirst() }
        if best.count == count { floor = best[0] }
    }

    var slots: [Int] { found.lazy.filter { $0.similarity >= least }.map(\.slot) }
}
