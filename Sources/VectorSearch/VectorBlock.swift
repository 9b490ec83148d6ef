import CSimilarity
import SemanticCache
import Synchronization

/// The memory that an index holds, in bytes; blocks count themselves in and out.
final class MemoryLedger: Sendable {
    private let total = Atomic<Int>(0)

    var bytes: Int { total.load(ordering: .relaxed) }

    func add(_ bytes: Int) { total.add(bytes, ordering: .relaxed) }
}

/// Memory for the coded vectors of up to `capacity` slots. Their neighbour lists lie in a ``LinkBlock``, once there is a graph.
///
/// `@unchecked Sendable`: a slot's vector is written before its id is published and does not change until every search that could have seen
/// the id has ended (``ReaderEpochs``); ids are cells that are read and written as a whole.
final class VectorBlock: @unchecked Sendable {
    /// Where the parts of one block lie; copied into ``VectorLayout/table``.
    struct Pointers {
        let coarse: UnsafeMutablePointer<Int8>
        let fine: UnsafeMutablePointer<UInt8>
        let scales: UnsafeMutablePointer<Float>
        /// Raw entry ids; -1 where the slot holds nothing.
        let ids: UnsafeMutablePointer<Int64>
        /// ``LinkBlock/cells``; not to be touched without a graph.
        let links: UnsafeMutablePointer<UInt32>
        let uppers: UnsafeMutablePointer<UInt32>
    }

    let capacity: Int
    let padded: Int
    private let memory: UnsafeMutableRawPointer
    private let size: Int
    private let ledger: MemoryLedger

    init(capacity: Int, padded: Int, ledger: MemoryLedger) {
        self.capacity = capacity
        self.padded = padded
        self.ledger = ledger
        size = capacity * Self.slotSize(padded)
        memory = .allocate(byteCount: size, alignment: 64)
        ledger.add(size + Self.overhead)
        for slot in 0..<capacity { cell_store_wide(ids + slot, -1) }
    }

    deinit {
        memory.deallocate()
        ledger.add(-size - Self.overhead)
    }

    /// The objects around the memory, roughly.
    private static let overhead = 96

    /// The bytes that one slot takes, neighbour lists aside.
    static func slotSize(_ padded: Int) -> Int { padded + padded / 2 + MemoryLayout<Int64>.stride + MemoryLayout<Float>.stride }

    private var ids: UnsafeMutablePointer<Int64> { (memory + capacity * (padded + padded / 2)).assumingMemoryBound(to: Int64.self) }

    func pointers(_ links: LinkBlock?) -> Pointers {
        let coarse = memory.assumingMemoryBound(to: Int8.self)
        let fine = (memory + capacity * padded).assumingMemoryBound(to: UInt8.self)
        let scales = (memory + capacity * (padded + padded / 2 + 8)).assumingMemoryBound(to: Float.self)
        let cells = links?.cells ?? memory.assumingMemoryBound(to: UInt32.self)
        return Pointers(coarse: coarse, fine: fine, scales: scales, ids: ids, links: cells, uppers: cells + capacity * HNSWGraph.baseStride)
    }
}

/// The neighbour lists of one block's slots on the lowest layer, and where their lists on the layers above begin.
///
/// `@unchecked Sendable`: the cells are read and written as a whole.
final class LinkBlock: @unchecked Sendable {
    let cells: UnsafeMutablePointer<UInt32>
    private let count: Int
    private let ledger: MemoryLedger

    init(capacity: Int, ledger: MemoryLedger) {
        self.ledger = ledger
        count = capacity * (HNSWGraph.baseStride + 1)
        cells = .allocate(capacity: count)
        cells.initialize(repeating: 0, count: count)
        ledger.add(count * 4)
    }

    deinit {
        cells.deallocate()
        ledger.add(-count * 4)
    }
}

/// The blocks of one scope at one moment, in slot order. Immutable: growth makes a new layout around the same blocks.
///
/// `@unchecked Sendable`: `table` is written in `init` alone.
final class VectorLayout: @unchecked Sendable {
    /// Slots a block, in all blocks but a lone one that is still growing.
    static let blockShift = 10
    static let blockCapacity = 1 << blockShift

    let blocks: [VectorBlock]
    let links: [LinkBlock]
    let table: UnsafeMutablePointer<VectorBlock.Pointers>
    let capacity: Int
    let padded: Int

    /// - Parameter links: none, or one for each block.
    init(blocks: [VectorBlock], links: [LinkBlock], padded: Int) {
        self.blocks = blocks
        self.links = links
        self.padded = padded
        capacity = blocks.reduce(0) { $0 + $1.capacity }
        table = .allocate(capacity: max(1, blocks.count))
        for (index, block) in blocks.enumerated() {
            (table + index).initialize(to: block.pointers(index < links.count ? links[index] : nil))
        }
    }

    deinit { table.deallocate() }

    @inline(__always)
    private func place(_ slot: Int) -> (block: VectorBlock.Pointers, row: Int) { (table[slot >> Self.blockShift], slot & (Self.blockCapacity - 1)) }

    @inline(__always)
    func coarse(_ slot: Int) -> UnsafeMutablePointer<Int8> {
        let (block, row) = place(slot)
        return block.coarse + row * padded
    }

    @inline(__always)
    func fine(_ slot: Int) -> UnsafeMutablePointer<UInt8> {
        let (block, row) = place(slot)
        return block.fine + row * padded / 2
    }

    @inline(__always)
    func scale(_ slot: Int) -> UnsafeMutablePointer<Float> {
        let (block, row) = place(slot)
        return block.scales + row
    }

    /// The raw id in the slot; -1 when it holds nothing.
    @inline(__always)
    func id(_ slot: Int) -> Int64 {
        let (block, row) = place(slot)
        return cell_load_wide(block.ids + row)
    }

    @inline(__always)
    func setID(_ id: Int64, _ slot: Int) {
        let (block, row) = place(slot)
        cell_store_wide(block.ids + row, id)
    }

    @inline(__always)
    func baseLinks(_ slot: Int) -> UnsafeMutablePointer<UInt32> {
        let (block, row) = place(slot)
        return block.links + row * HNSWGraph.baseStride
    }

    /// One more than the place of the slot's lists above the lowest layer; 0 when it has none.
    @inline(__always)
    func upper(_ slot: Int) -> UnsafeMutablePointer<UInt32> {
        let (block, row) = place(slot)
        return block.uppers + row
    }

    func write(_ vector: CodedVector, _ slot: Int) {
        let (block, row) = place(slot)
        vector.coarse.withUnsafeBufferPointer { (block.coarse + row * padded).update(from: $0.baseAddress!, count: padded) }
        vector.fine.withUnsafeBufferPointer { (block.fine + row * padded / 2).update(from: $0.baseAddress!, count: padded / 2) }
        block.scales[row] = vector.scale
    }

    func copy(_ slot: Int, from other: VectorLayout, _ otherSlot: Int) {
        let (block, row) = place(slot)
        let (source, sourceRow) = other.place(otherSlot)
        (block.coarse + row * padded).update(from: source.coarse + sourceRow * padded, count: padded)
        (block.fine + row * padded / 2).update(from: source.fine + sourceRow * padded / 2, count: padded / 2)
        block.scales[row] = source.scales[sourceRow]
    }

    /// Gives the slots' rows in runs that lie side by side, each with its first slot.
    @inline(__always)
    func forEachRun(of slots: Range<Int>, atMost length: Int, _ body: (Int, similarity_rows) -> Void) {
        var slot = slots.lowerBound
        while slot < slots.upperBound {
            let (block, row) = place(slot)
            let count = min(length, Self.blockCapacity - row, slots.upperBound - slot)
            body(slot, similarity_rows(coarse: block.coarse + row * padded, scales: block.scales + row, ids: block.ids + row, count: count))
            slot += count
        }
    }

    /// The similarity of the slot's vector to `query`, true to 1e-4.
    @inline(__always)
    func similarity(_ slot: Int, to query: CodedVector) -> Float {
        let (block, row) = place(slot)
        return query.similarity(coarse: block.coarse + row * padded, fine: block.fine + row * padded / 2, scale: block.scales[row])
    }
}
