import CSimilarity
import SemanticCache

/// The vectors of one scope: slots in blocks, and a graph over them once there are many.
///
/// Slots below `linkedCount` are in the graph, save those in `refilled`; searches compare all others one by one, so that a vector is found from the
/// moment at which it is placed, however far the linking is behind.
///
/// `@unchecked Sendable`: all members are guarded by the lock of the scope's shard; those under "mutation" by the index's `mutation` lock.
final class ScopeVectors: @unchecked Sendable {
    /// What a search needs, taken at one moment.
    struct View {
        let layout: VectorLayout
        let slotCount: Int
        let linkedCount: Int
        let refilled: [UInt32]
        let graph: HNSWGraph?
        let liveCount: Int
    }

    /// A slot that may be used again when nobody can see it any more.
    struct Freed {
        let slot: UInt32
        let stamp: Int
    }

    /// Reused slots are compared one by one until they are linked; with more of them waiting, new slots are made.
    static let refillLimit = 4096

    let scope: Scope
    let shard: Int
    private let ledger: MemoryLedger
    private(set) var layout: VectorLayout
    private(set) var slotCount = 0
    private(set) var liveCount = 0
    private(set) var linkedCount = 0
    private(set) var graph: HNSWGraph?
    private var refilled: [UInt32] = []
    private var free: [Freed] = []
    /// Slots that are in the graph and whose vectors were removed.
    private var removed: [UInt32] = []
    private var linking: Int?
    /// Grows with each placement, so that a compaction notices one.
    private(set) var placements = 0
    /// Who has these vectors now: set when a snapshot brought the scope in and took over what was here.
    private(set) var successor: ScopeVectors?

    // Mutation.
    var pass: RepairPass?
    /// Slots that no list names any more, waiting for the searches that may stand on them.
    var retired: [(slots: [UInt32], stamp: Int)] = []

    init(scope: Scope, shard: Int, padded: Int, ledger: MemoryLedger) {
        self.scope = scope
        self.shard = shard
        self.ledger = ledger
        layout = VectorLayout(blocks: [], links: [], padded: padded)
        ledger.add(Self.overhead)
    }

    deinit { ledger.add(-Self.overhead) }

    /// This object, its layout, and its place in the table of scopes; roughly.
    private static let overhead = 360

    var view: View {
        View(layout: layout, slotCount: slotCount, linkedCount: linkedCount, refilled: refilled, graph: graph, liveCount: liveCount)
    }

    /// Vectors that a search compares one by one although there is a graph.
    var unlinkedCount: Int { graph == nil ? 0 : slotCount - linkedCount + refilled.count }

    var removedCount: Int { removed.count }

    /// Whether a smaller layout would hold what is left.
    var isSparse: Bool { graph == nil && slotCount > 8 && liveCount * 2 < slotCount }

    /// Puts a vector into a free slot or a new one, and returns which.
    func place(_ vector: CodedVector, _ id: EntryID, epochs: ReaderEpochs) -> Int {
        placements += 1
        liveCount += 1
        if let slot = takeFree(epochs) {
            layout.write(vector, slot)
            layout.setID(id.rawValue, slot)
            if graph != nil, slot < linkedCount { refilled.append(UInt32(slot)) }
            return slot
        }
        if slotCount == layout.capacity { grow() }
        let slot = slotCount
        layout.write(vector, slot)
        layout.setID(id.rawValue, slot)
        slotCount += 1
        return slot
    }

    /// Takes the vector out of the slot.
    func remove(_ slot: Int, epochs: ReaderEpochs) {
        layout.setID(-1, slot)
        liveCount -= 1
        let isRefilled = graph != nil && slot < linkedCount && refilled.contains(UInt32(slot))
        if graph != nil, slot == linking || slot < linkedCount && !isRefilled { return removed.append(UInt32(slot)) }
        if isRefilled { refilled.removeAll { $0 == UInt32(slot) } }
        free.append(Freed(slot: UInt32(slot), stamp: epochs.stamp))
    }

    /// Gives up everything, when nothing is left. Searches that are under way keep what they look at.
    func clear() {
        layout = VectorLayout(blocks: [], links: [], padded: layout.padded)
        (slotCount, linkedCount, linking, graph) = (0, 0, nil, nil)
        (refilled, free, removed) = ([], [], [])
    }

    /// The slot of `id`: `hint` where it still holds it, else found by looking at all.
    func slot(of id: EntryID, hint: Int) -> Int? {
        if hint < slotCount, layout.id(hint) == id.rawValue { return hint }
        return (0..<slotCount).first { layout.id($0) == id.rawValue }
    }

    /// The ids of all vectors and where they are.
    var placed: [(id: EntryID, slot: Int)] {
        (0..<slotCount).compactMap { layout.id($0) < 0 ? nil : (EntryID(rawValue: layout.id($0)), $0) }
    }

    private func takeFree(_ epochs: ReaderEpochs) -> Int? {
        guard let last = free.last, refilled.count < Self.refillLimit else { return nil }
        // The oldest is the likeliest to be over.
        if !epochs.isOver(last.stamp) { free.swapAt(0, free.count - 1) }
        guard let candidate = free.last, epochs.isOver(candidate.stamp) else { return nil }
        free.removeLast()
        return Int(candidate.slot)
    }

    private func grow() {
        let padded = layout.padded
        let full = VectorLayout.blockCapacity
        guard layout.blocks.count == 1, layout.capacity < full else {
            // Most scopes hold one entry: the first block begins as small as can be.
            let block = VectorBlock(capacity: layout.blocks.isEmpty ? 1 : full, padded: padded, ledger: ledger)
            let links = graph == nil ? [] : layout.links + [LinkBlock(capacity: full, ledger: ledger)]
            layout = VectorLayout(blocks: layout.blocks + [block], links: links, padded: padded)
            return
        }
        enlarge(to: layout.capacity < 8 ? layout.capacity + 1 : min(full, layout.capacity + layout.capacity / 4))
    }

    /// Copies the only block into a larger one.
    private func enlarge(to capacity: Int) {
        let padded = layout.padded
        let larger = VectorLayout(blocks: [VectorBlock(capacity: capacity, padded: padded, ledger: ledger)], links: [], padded: padded)
        for slot in 0..<slotCount {
            larger.copy(slot, from: layout, slot)
            larger.setID(layout.id(slot), slot)
        }
        layout = larger
    }
}

// MARK: Snapshots

extension ScopeVectors {
    /// The slots that are free or will be when searches have ended: nothing in them is needed, and they may be written at any time.
    var freeSlots: Set<UInt32> { Set(free.map(\.slot)) }

    /// A scope as a snapshot describes it: slots from 0 on, with a graph over the first `linkedCount` of them if there is one.
    convenience init(
        scope: Scope, shard: Int, layout: VectorLayout, slotCount: Int, linkedCount: Int, refilled: [UInt32], graph: HNSWGraph?, ledger: MemoryLedger,
        stamp: Int
    ) {
        self.init(scope: scope, shard: shard, padded: layout.padded, ledger: ledger)
        self.layout = layout
        self.slotCount = slotCount
        self.graph = graph
        self.linkedCount = linkedCount
        self.refilled = refilled
        for slot in 0..<slotCount {
            if layout.id(slot) >= 0 {
                liveCount += 1
            } else if slot < linkedCount {
                // Some list may still lead there.
                removed.append(UInt32(slot))
            } else {
                free.append(Freed(slot: UInt32(slot), stamp: stamp))
            }
        }
    }

    /// Takes over all vectors of `other`, which is asked for them no more.
    func takeOver(_ other: ScopeVectors, epochs: ReaderEpochs) {
        for (_, slot) in other.placed {
            if slotCount == layout.capacity { grow() }
            layout.copy(slotCount, from: other.layout, slot)
            layout.setID(other.layout.id(slot), slotCount)
            slotCount += 1
            liveCount += 1
            placements += 1
        }
        other.successor = self
    }
}

// MARK: The graph's side

extension ScopeVectors {
    /// Begins a graph, empty as yet.
    func beginGraph(_ graph: HNSWGraph) {
        // From here on blocks stay where they are, for lists lie beside them.
        if layout.blocks.count == 1, layout.capacity < VectorLayout.blockCapacity { enlarge(to: VectorLayout.blockCapacity) }
        layout = VectorLayout(
            blocks: layout.blocks, links: layout.blocks.map { LinkBlock(capacity: $0.capacity, ledger: ledger) }, padded: layout.padded)
        self.graph = graph
        linkedCount = 0
    }

    /// Gives up the graph: all slots are compared one by one again.
    func endGraph(epochs: ReaderEpochs) {
        guard graph != nil else { return }
        graph = nil
        layout = VectorLayout(blocks: layout.blocks, links: [], padded: layout.padded)
        let known = Set(free.map(\.slot))
        free += (0..<slotCount).filter { layout.id($0) < 0 && !known.contains(UInt32($0)) }
            .map { Freed(slot: UInt32($0), stamp: epochs.stamp) }
        (refilled, removed, linking, linkedCount) = ([], [], nil, 0)
    }

    /// The next slot to be linked; it counts as being linked until ``finishLinking(_:)``.
    func nextToLink() -> Int? {
        while refilled.isEmpty, linkedCount < slotCount, layout.id(linkedCount) < 0 { linkedCount += 1 }
        linking = refilled.first.map { Int($0) } ?? (linkedCount < slotCount ? linkedCount : nil)
        return linking
    }

    func finishLinking(_ slot: Int) {
        linking = nil
        if refilled.first.map({ Int($0) }) == slot { refilled.removeFirst() } else { linkedCount = slot + 1 }
    }

    func takeRemoved() -> [UInt32] {
        defer { removed = [] }
        return removed
    }

    /// Makes slots usable that no search can see any more.
    func reclaim(_ slots: [UInt32], stamp: Int) { free += slots.map { Freed(slot: $0, stamp: stamp) } }

    /// Takes over a denser copy of the vectors, made while `placements` was `stamp`; whether it is still a copy of what is there.
    func adopt(_ dense: VectorLayout, of source: VectorLayout, from former: [Int], madeAt stamp: Int, epochs: ReaderEpochs) -> Bool {
        guard graph == nil, placements == stamp, layout === source else { return false }
        // What was removed since then is still in the copy.
        let now = epochs.stamp
        free = []
        for (slot, old) in former.enumerated() where layout.id(old) < 0 {
            dense.setID(-1, slot)
            free.append(Freed(slot: UInt32(slot), stamp: now))
        }
        layout = dense
        slotCount = former.count
        return true
    }
}

/// One pass over all lists of a scope that leads them around the slots removed before it began.
struct RepairPass {
    let removed: Set<UInt32>
    var cursor = 0
    let end: Int
    /// Slots that were left without neighbours.
    var lonely: [Int] = []
}
