/// A table from hashes to slot numbers, in 256 parts that grow by themselves, so that no growth keeps a caller waiting for long.
///
/// Holds eight bytes a place and no keys: the caller compares those. Open addressing with linear probing; removal moves later places up.
struct SlotTable {
    /// Slot plus one in the low half, 0 for an empty place; upper half of the hash above it.
    private var parts = [[UInt64]](repeating: [], count: 256)
    private var counts = [Int](repeating: 0, count: 256)
    /// Places in all parts.
    private(set) var capacity = 0

    /// The slot with this hash for which `isMatch`.
    @inline(__always)
    func find(_ hash: UInt64, where isMatch: (Int) -> Bool) -> Int? {
        let part = Int(hash & 255)
        let mask = parts[part].count - 1
        guard mask >= 0 else { return nil }
        let tag = hash >> 32
        var place = Int(tag) & mask
        while parts[part][place] != 0 {
            let value = parts[part][place]
            if value >> 32 == tag {
                let slot = Int(value & 0xFFFF_FFFF) - 1
                if isMatch(slot) { return slot }
            }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Adds a slot that is not there.
    mutating func insert(_ hash: UInt64, _ slot: Int) {
        let part = Int(hash & 255)
        if (counts[part] + 1) * 4 > parts[part].count * 3 { grow(part) }
        counts[part] += 1
        Self.put((hash >> 32) << 32 | UInt64(slot + 1), into: &parts[part])
    }

    /// Removes a slot that was inserted with this hash.
    mutating func remove(_ hash: UInt64, _ slot: Int) {
        let part = Int(hash & 255)
        let mask = parts[part].count - 1
        let value = (hash >> 32) << 32 | UInt64(slot + 1)
        guard mask >= 0 else { return }
        var gap = Int(hash >> 32) & mask
        while parts[part][gap] != value {
            guard parts[part][gap] != 0 else { return }
            gap = (gap + 1) & mask
        }
        counts[part] -= 1
        var place = gap
        while true {
            place = (place + 1) & mask
            let next = parts[part][place]
            guard next != 0 else { break }
            // What would be found no longer moves into the gap.
            let home = Int(next >> 32) & mask
            if (place - home) & mask >= (place - gap) & mask {
                parts[part][gap] = next
                gap = place
            }
        }
        parts[part][gap] = 0
    }

    private mutating func grow(_ part: Int) {
        let former = parts[part]
        parts[part] = [UInt64](repeating: 0, count: max(8, former.count * 2))
        capacity += parts[part].count - former.count
        for value in former where value != 0 { Self.put(value, into: &parts[part]) }
    }

    private static func put(_ value: UInt64, into part: inout [UInt64]) {
        let mask = part.count - 1
        var place = Int(value >> 32) & mask
        while part[place] != 0 { place = (place + 1) & mask }
        part[place] = value
    }
}
