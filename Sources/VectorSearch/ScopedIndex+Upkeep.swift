import CSimilarity
import Dispatch
import SemanticCache
import Synchronization

/// The scopes that have work waiting, and the queue on which it is done.
final class Linker: Sendable {
    struct State {
        var waiting: [ScopeVectors] = []
        var known: Set<ObjectIdentifier> = []
        var isScheduled = false
    }

    let state = Mutex(State())
    /// Held by whoever changes graphs.
    let mutation = Mutex(())
    let queue = DispatchQueue(label: "vector index", qos: .utility)
}

extension ScopedIndex {
    /// The vectors that are compared one by one until they are linked.
    package var unlinkedCount: Int {
        let waiting = linker.state.withLock { $0.waiting }
        return waiting.reduce(0) { sum, owner in sum + scopes[owner.shard].scopes.withLock { _ in owner.unlinkedCount } }
    }

    /// Does all work that waits, on the calling thread: links every vector, and leads the graphs around everything that was removed.
    package func settle() {
        while let owner = linker.state.withLock({ $0.waiting.first }) {
            while linker.mutation.withLock({ _ in step(owner, isThorough: true) }) {}
            dismiss(owner)
        }
    }

    /// Notes a scope that may have work, and sees to it that somebody does it.
    func attend(_ owner: ScopeVectors) {
        let needs = scopes[owner.shard].scopes.withLock { _ in
            owner.graph != nil ? owner.unlinkedCount > 0 || owner.removedCount > 0 : owner.liveCount >= tuning.linkThreshold || owner.isSparse
        }
        guard needs else { return }
        let mustSchedule = linker.state.withLock { state in
            if state.known.insert(ObjectIdentifier(owner)).inserted { state.waiting.append(owner) }
            guard tuning.linksInBackground, !state.isScheduled else { return false }
            state.isScheduled = true
            return true
        }
        if mustSchedule { schedule() }
    }

    private func schedule() {
        linker.queue.async { [weak self] in self?.work() }
    }

    /// One turn of the queue: some steps for the scope that waits longest.
    private func work() {
        guard let owner = linker.state.withLock({ $0.waiting.first }) else { return rest() }
        for _ in 0..<8 where !linker.mutation.withLock({ _ in step(owner, isThorough: false) }) {
            dismiss(owner)
            break
        }
        schedule()
    }

    private func rest() {
        let mustSchedule = linker.state.withLock { state in
            state.isScheduled = !state.waiting.isEmpty
            return state.isScheduled
        }
        if mustSchedule { schedule() }
    }

    private func dismiss(_ owner: ScopeVectors) {
        linker.state.withLock { state in
            state.known.remove(ObjectIdentifier(owner))
            state.waiting.removeAll { $0 === owner }
        }
        // Something may have come between the last step and now; what is merely below the pass's threshold waits for more.
        if scopes[owner.shard].scopes.withLock({ _ in owner.unlinkedCount }) > 0 { attend(owner) }
    }

    /// A bounded piece of work, some milliseconds of it; whether there is more. The caller holds `mutation`.
    ///
    /// - Parameter isThorough: also lead the lists around removed slots of which there are only few yet.
    private func step(_ owner: ScopeVectors, isThorough: Bool) -> Bool {
        let lock = scopes[owner.shard]
        let (liveCount, isSparse) = lock.scopes.withLock { _ in (owner.liveCount, owner.isSparse) }
        guard let graph = lock.scopes.withLock({ _ in owner.graph }) else {
            owner.pass = nil
            owner.retired = []
            if liveCount >= tuning.linkThreshold {
                lock.scopes.withLock { _ in owner.beginGraph(HNSWGraph(buildWidth: tuning.buildWidth, ledger: ledger)) }
                return true
            }
            if isSparse { compact(owner) }
            return false
        }
        if liveCount < tuning.linkThreshold / 4 {
            lock.scopes.withLock { _ in owner.endGraph(epochs: epochs) }
            owner.pass = nil
            owner.retired = []
            return true
        }
        reclaim(owner, graph)
        let repaired = repair(owner, graph, isThorough: isThorough)
        reclaim(owner, graph)
        let linked = link(owner, graph)
        return repaired || linked
    }

    private func link(_ owner: ScopeVectors, _ graph: HNSWGraph) -> Bool {
        let lock = scopes[owner.shard]
        return scratches.with { scratch in
            for _ in 0..<8 {
                let next = lock.scopes.withLock { _ in owner.nextToLink().map { ($0, owner.layout, owner.slotCount) } }
                guard let (slot, layout, slotCount) = next else { return false }
                if !graph.link(slot, layout: layout, slotCount: slotCount, scratch: scratch) {
                    // All that it met was removed. Lead the graph around that, and try again later: until then it is found without a graph.
                    while repair(owner, graph, isThorough: true) {}
                    return true
                }
                let isCurrent = lock.scopes.withLock { _ in
                    guard owner.graph === graph else { return false }
                    owner.finishLinking(slot)
                    return true
                }
                guard isCurrent else { return false }
                changes.add(1, ordering: .relaxed)
            }
            return true
        }
    }

    /// Some of a repair pass; begins one when enough slots were removed. Whether there is more to do.
    private func repair(_ owner: ScopeVectors, _ graph: HNSWGraph, isThorough: Bool) -> Bool {
        let lock = scopes[owner.shard]
        let (layout, slotCount, linkedCount) = lock.scopes.withLock { _ in (owner.layout, owner.slotCount, owner.linkedCount) }
        if owner.pass == nil {
            let isDue = lock.scopes.withLock { _ in owner.removedCount > 0 && (isThorough || owner.removedCount * 20 >= owner.linkedCount) }
            guard isDue else { return false }
            owner.pass = RepairPass(removed: Set(lock.scopes.withLock { _ in owner.takeRemoved() }), end: linkedCount)
        }
        // The scope may have been emptied since the pass began.
        guard var pass = owner.pass, pass.end <= slotCount else {
            owner.pass = nil
            return false
        }
        scratches.with { scratch in
            let end = min(pass.end, pass.cursor + 64)
            while pass.cursor < end {
                // What was removed since the pass began is walked through until the next one, so its lists must not lead to what goes with this one.
                if !pass.removed.contains(UInt32(pass.cursor)) {
                    let isConnected = graph.repair(pass.cursor, layout: layout, slotCount: slotCount, scratch: scratch)
                    if !isConnected, layout.id(pass.cursor) >= 0 { pass.lonely.append(pass.cursor) }
                }
                pass.cursor += 1
            }
        }
        owner.pass = pass
        if pass.cursor < pass.end { return true }
        if let (entry, _) = graph.entryPoint, layout.id(entry) < 0 {
            let refilled = Set(lock.scopes.withLock { _ in owner.view.refilled })
            chooseEntry(graph, layout, linkedCount) { !refilled.contains(UInt32($0)) }
        }
        scratches.with { scratch in
            for slot in pass.lonely { _ = graph.rejoin(slot, layout: layout, slotCount: slotCount, scratch: scratch) }
        }
        owner.retired.append((Array(pass.removed), epochs.stamp))
        owner.pass = nil
        return false
    }

    /// Enters the graph by the highest slot that still holds a vector, one with neighbours if there is any.
    private func chooseEntry(_ graph: HNSWGraph, _ layout: VectorLayout, _ linkedCount: Int, isLinked: (Int) -> Bool) {
        var best: (slot: Int, rank: Int)?
        for slot in 0..<linkedCount where layout.id(slot) >= 0 && isLinked(slot) {
            let rank = cell_load(layout.baseLinks(slot)) == 0 ? -1 : graph.layer(of: slot, layout)
            if best.map({ rank > $0.rank }) ?? true { best = (slot, rank) }
        }
        graph.setEntryPoint(best?.slot, layer: best.map { graph.layer(of: $0.slot, layout) } ?? 0)
    }

    private func reclaim(_ owner: ScopeVectors, _ graph: HNSWGraph) {
        while let first = owner.retired.first, epochs.isOver(first.stamp) {
            owner.retired.removeFirst()
            let lock = scopes[owner.shard]
            let (layout, isCurrent) = lock.scopes.withLock { _ in (owner.layout, owner.graph === graph) }
            // What was emptied meanwhile has no slots to give back.
            guard isCurrent else { return owner.retired = [] }
            for slot in first.slots {
                cell_store(layout.baseLinks(Int(slot)), 0)
                graph.uppers.release(cell_load(layout.upper(Int(slot))))
                cell_store(layout.upper(Int(slot)), 0)
            }
            lock.scopes.withLock { _ in
                if owner.graph === graph { owner.reclaim(first.slots, stamp: first.stamp) }
            }
        }
    }

    /// Moves the vectors of a scope that has become sparse into a layout of their size. Given up when one is placed meanwhile.
    private func compact(_ owner: ScopeVectors) {
        let lock = scopes[owner.shard]
        let epoch = epochs.enter()
        defer { epochs.leave(epoch) }
        let (layout, slotCount, stamp) = lock.scopes.withLock { _ in (owner.layout, owner.slotCount, owner.placements) }
        let live = (0..<slotCount).filter { layout.id($0) >= 0 }
        guard !live.isEmpty else { return }
        let full = VectorLayout.blockCapacity
        let capacities = live.count <= full ? [live.count] : [Int](repeating: full, count: (live.count + full - 1) / full)
        let dense = VectorLayout(blocks: capacities.map { VectorBlock(capacity: $0, padded: padded, ledger: ledger) }, links: [], padded: padded)
        for (slot, old) in live.enumerated() {
            dense.copy(slot, from: layout, old)
            dense.setID(layout.id(old), slot)
        }
        _ = lock.scopes.withLock { _ in owner.adopt(dense, of: layout, from: live, madeAt: stamp, epochs: epochs) }
        // Ids are found by looking at all slots until they are placed anew; the places are brought up to date so that this stays rare.
        for (slot, _) in live.enumerated() {
            let raw = dense.id(slot)
            guard raw >= 0 else { continue }
            let id = EntryID(rawValue: raw)
            idShard(id).places.withLock { places in
                if let place = places[id], place.scope === owner { places[id] = Place(scope: owner, slot: UInt32(slot)) }
            }
        }
    }
}
