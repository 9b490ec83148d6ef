import CSimilarity
import Synchronization

/// The best few slots seen by a walk, best first, and which of them were expanded: one sorted array serves as both queues of the algorithm.
struct Beam {
    /// Similarity in the upper half, so that keys order as similarities do; below it the slot and, in the lowest bit, whether it was expanded.
    private var keys: UnsafeMutablePointer<UInt64>
    private var room: Int
    private(set) var count = 0
    private var width = 0
    /// No key before this one waits to be expanded.
    private var cursor = 0

    init(room: Int) {
        self.room = room
        keys = .allocate(capacity: room + 1)
    }

    func deallocate() { keys.deallocate() }

    mutating func reset(width: Int) {
        if width > room {
            keys.deallocate()
            room = width
            keys = .allocate(capacity: room + 1)
        }
        self.width = width
        count = 0
        cursor = 0
    }

    @inline(__always)
    func slot(_ index: Int) -> Int { Int(keys[index] >> 1 & 0x7FFF_FFFF) }

    @inline(__always)
    func similarity(_ index: Int) -> Float {
        let ordered = UInt32(truncatingIfNeeded: keys[index] >> 32)
        return Float(bitPattern: ordered >> 31 == 1 ? ordered & 0x7FFF_FFFF : ~ordered)
    }

    @inline(__always)
    mutating func offer(_ slot: Int, _ similarity: Float) {
        let bits = similarity.bitPattern
        let ordered = bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
        let key = UInt64(ordered) << 32 | UInt64(slot) << 1
        if count == width {
            guard key > keys[count - 1] else { return }
            count -= 1
        }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] > key { low = middle + 1 } else { high = middle }
        }
        (keys + low + 1).update(from: keys + low, count: count - low)
        keys[low] = key
        count += 1
        cursor = min(cursor, low)
    }

    /// The best slot that was not expanded yet, marked as expanded.
    @inline(__always)
    mutating func next() -> Int? {
        while cursor < count {
            defer { cursor += 1 }
            if keys[cursor] & 1 == 0 {
                keys[cursor] |= 1
                return slot(cursor)
            }
        }
        return nil
    }
}

/// The slots that a walk has met: open addressing, small enough to stay in the processor's cache.
struct VisitedSlots {
    private var cells: UnsafeMutablePointer<UInt32>
    private var mask: Int
    private var count = 0

    init(capacity: Int = 1 << 13) {
        mask = capacity - 1
        cells = .allocate(capacity: capacity)
        cells.initialize(repeating: 0, count: capacity)
    }

    func deallocate() { cells.deallocate() }

    mutating func reset() {
        if count > 0 { cells.update(repeating: 0, count: mask + 1) }
        count = 0
    }

    /// Whether the slot was not there before.
    @inline(__always)
    mutating func insert(_ slot: UInt32) -> Bool {
        let value = slot &+ 1
        var index = Int((value &* 0x9E37_79B1) >> 7) & mask
        while cells[index] != 0 {
            if cells[index] == value { return false }
            index = (index + 1) & mask
        }
        cells[index] = value
        count += 1
        if count * 2 > mask { grow() }
        return true
    }

    private mutating func grow() {
        let former = cells
        let formerCapacity = mask + 1
        self = VisitedSlots(capacity: formerCapacity * 2)
        for index in 0..<formerCapacity where former[index] != 0 { _ = insert(former[index] &- 1) }
        former.deallocate()
    }
}

/// Working memory of one search, reused by later ones.
///
/// `@unchecked Sendable`: whoever took it from the pool is its only user.
final class SearchScratch: @unchecked Sendable {
    /// The most vectors compared in one call.
    static let batch = 256

    var beam = Beam(room: 256)
    var visited = VisitedSlots()
    let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: batch)
    let parts = UnsafeMutablePointer<UnsafePointer<Int8>?>.allocate(capacity: batch)
    let products = UnsafeMutablePointer<Int32>.allocate(capacity: batch)
    let similarities = UnsafeMutablePointer<Float>.allocate(capacity: batch)

    deinit {
        beam.deallocate()
        visited.deallocate()
        slots.deallocate()
        parts.deallocate()
        products.deallocate()
        similarities.deallocate()
    }
}

/// Scratches that nobody uses at the moment.
final class ScratchPool: Sendable {
    private let idle = Mutex<[SearchScratch]>([])

    func with<Value>(_ body: (SearchScratch) -> Value) -> Value {
        let scratch = idle.withLock { $0.popLast() } ?? SearchScratch()
        defer { idle.withLock { if $0.count < 16 { $0.append(scratch) } } }
        return body(scratch)
    }
}
