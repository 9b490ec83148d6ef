import HeapModule
import SemanticCache

/// Entries by the time at which something is to be done about them: 64 heaps that grow and are cleaned each by itself, so that no change keeps a
/// caller waiting for long.
///
/// A member is not taken out when its entry goes or changes; whoever takes it asks whether it still stands.
struct ExpiryQueue {
    struct Member: Comparable {
        let at: Timestamp
        let id: EntryID

        static func < (a: Self, b: Self) -> Bool { (a.at, a.id) < (b.at, b.id) }
    }

    private static let partCount = 64
    /// Members of a part before it is cleaned for the first time.
    private static let least = 128

    private var parts = [Heap<Member>](repeating: Heap(), count: ExpiryQueue.partCount)
    private var limits = [Int](repeating: ExpiryQueue.least, count: ExpiryQueue.partCount)
    /// The members, those included that stand no more.
    private(set) var count = 0

    /// The memory held, in bytes.
    var memoryBytes: Int { count * MemoryLayout<Member>.stride * 3 / 2 }

    /// Adds a member; returns its part when that has become so long that it should be cleaned.
    mutating func insert(_ member: Member) -> Int? {
        let part = Int((UInt64(bitPattern: member.id.rawValue) &* 0x9E37_79B9_7F4A_7C15) >> 58)
        parts[part].insert(member)
        count += 1
        return parts[part].count > limits[part] ? part : nil
    }

    /// Takes out the member whose time is the soonest, if that is over at `now`.
    mutating func removeFirst(at now: Timestamp) -> Member? {
        var soonest: (part: Int, member: Member)?
        for part in parts.indices {
            guard let member = parts[part].min, member.at <= now else { continue }
            if let known = soonest?.member, known < member { continue }
            soonest = (part, member)
        }
        guard let found = soonest else { return nil }
        _ = parts[found.part].popMin()
        count -= 1
        return found.member
    }

    /// The members of a part, in no order.
    func members(of part: Int) -> [Member] { parts[part].unordered }

    /// Leaves a part with these members; it is long again when it has more than twice as many.
    mutating func clean(_ part: Int, keeping members: [Member]) {
        count -= parts[part].count - members.count
        parts[part] = Heap(members)
        limits[part] = 2 * members.count + Self.least
    }
}
