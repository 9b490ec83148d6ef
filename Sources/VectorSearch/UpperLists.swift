import CSimilarity

/// The neighbour lists above the lowest layer, which one slot in sixteen has: records of a height and that many lists.
///
/// `@unchecked Sendable`: `next` and `free` belong to the holder of the index's `mutation` lock; chunks never move and are set before any record in
/// them is published.
final class UpperLists: @unchecked Sendable {
    private static let chunkShift = 16
    private static let chunkCells = 1 << chunkShift
    private static let chunkLimit = 1 << 12

    private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<UInt32>?>
    private let ledger: MemoryLedger
    private var next = 0
    /// Records that may be used again, by height.
    private var free = [[UInt32]](repeating: [], count: HNSWGraph.layerLimit + 1)

    init(ledger: MemoryLedger) {
        self.ledger = ledger
        chunks = .allocate(capacity: Self.chunkLimit)
        chunks.initialize(repeating: nil, count: Self.chunkLimit)
        ledger.add(Self.chunkLimit * 8)
    }

    deinit {
        var bytes = Self.chunkLimit * 8
        for index in 0..<Self.chunkLimit {
            guard let chunk = chunks[index] else { break }
            chunk.deallocate()
            bytes += Self.chunkCells * 4
        }
        chunks.deallocate()
        ledger.add(-bytes)
    }

    /// The number of lists in a record; 0 for record 0, which means none.
    @inline(__always)
    func height(_ record: UInt32) -> Int { record == 0 ? 0 : Int(cell_load(cells(record))) }

    /// The list for `layer` (from 1) of a record.
    @inline(__always)
    func list(_ record: UInt32, _ layer: Int) -> UnsafeMutablePointer<UInt32> { cells(record) + 1 + (layer - 1) * HNSWGraph.upperStride }

    /// A record of `height` empty lists.
    func allocate(height: Int) -> UInt32 {
        let size = 1 + height * HNSWGraph.upperStride
        let record: UInt32
        if let known = free[height].popLast() {
            record = known
        } else {
            if (next & (Self.chunkCells - 1)) + size > Self.chunkCells { next = ((next >> Self.chunkShift) + 1) << Self.chunkShift }
            precondition(next >> Self.chunkShift < Self.chunkLimit, "a graph holds at most \(Self.chunkLimit) chunks of lists")
            if chunks[next >> Self.chunkShift] == nil {
                let chunk = UnsafeMutablePointer<UInt32>.allocate(capacity: Self.chunkCells)
                chunk.initialize(repeating: 0, count: Self.chunkCells)
                chunks[next >> Self.chunkShift] = chunk
                ledger.add(Self.chunkCells * 4)
            }
            record = UInt32(next) + 1
            next += size
        }
        cell_store(cells(record), UInt32(height))
        if height > 0 { for layer in 1...height { cell_store(list(record, layer), 0) } }
        return record
    }

    /// Gives up a record that no search can reach any more.
    func release(_ record: UInt32) {
        if record != 0 { free[height(record)].append(record) }
    }

    @inline(__always)
    private func cells(_ record: UInt32) -> UnsafeMutablePointer<UInt32> {
        let place = Int(record) - 1
        guard let chunk = chunks[place >> Self.chunkShift] else { preconditionFailure("a record lies in a chunk that was made") }
        return chunk + (place & (Self.chunkCells - 1))
    }
}
