import HeapModule
import SemanticCache

/// The entries held in memory, found by key or id, ordered by last use, and queued by expiry.
///
/// A plain value without a lock; ``AnswerCache`` owns it under one. All calls are O(1), expiry O(log n) an entry.
struct ResidentEntries {
    /// A place in the table; `entry` is `nil` while it is free.
    private struct Slot {
        var entry: Entry?
        var hits: UInt64 = 0
        var previous = -1
        var next = -1
    }

    private struct Expiry: Comparable {
        let at: Timestamp
        let id: EntryID

        static func < (a: Self, b: Self) -> Bool { (a.at, a.id) < (b.at, b.id) }
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private var slotByKey: [CacheKey: Int] = [:]
    private var slotByID: [EntryID: Int] = [:]
    private var expiries = Heap<Expiry>()
    /// The least recently used end and the most recently used end of the list through the slots.
    private var oldest = -1
    private var newest = -1
    private(set) var memoryBytes = 0

    var count: Int { slotByID.count }

    /// The entry with this id, without counting as use.
    func entry(_ id: EntryID) -> Entry? { slotByID[id].flatMap { slots[$0].entry } }

    /// The entry with this key, without counting as use.
    func entry(for key: CacheKey) -> Entry? { slotByKey[key].flatMap { slots[$0].entry } }

    /// How often the entry was served since it became resident.
    func hits(_ id: EntryID) -> UInt64 { slotByID[id].map { slots[$0].hits } ?? 0 }

    /// Adds the entry as the most recently used one; returns the entry whose key it takes over, if there was one.
    mutating func insert(_ entry: Entry) -> Entry? {
        let replaced = slotByKey[entry.key].flatMap { slots[$0].entry }
        if let replaced { remove(replaced.id) }
        if slotByID[entry.id] != nil { remove(entry.id) }
        let index = free.popLast() ?? slots.count
        if index == slots.count { slots.append(Slot()) }
        slots[index] = Slot(entry: entry)
        slotByKey[entry.key] = index
        slotByID[entry.id] = index
        memoryBytes += entry.memoryBytes
        expiries.insert(Expiry(at: entry.expiresAt, id: entry.id))
        appendNewest(index)
        return replaced
    }

    /// Notes that the entry was served.
    mutating func touch(_ id: EntryID) {
        guard let index = slotByID[id] else { return }
        slots[index].hits += 1
        guard index != newest else { return }
        unlink(index)
        appendNewest(index)
    }

    /// Removes the entry and returns it.
    @discardableResult
    mutating func remove(_ id: EntryID) -> Entry? {
        guard let index = slotByID.removeValue(forKey: id), let entry = slots[index].entry else { return nil }
        slotByKey[entry.key] = nil
        memoryBytes -= entry.memoryBytes
        unlink(index)
        slots[index] = Slot(entry: nil)
        free.append(index)
        return entry
    }

    /// Removes everything and gives up the memory.
    mutating func removeAll() {
        self = ResidentEntries()
    }

    /// The entry that was not used for longest.
    var leastRecentlyUsed: EntryID? { oldest < 0 ? nil : slots[oldest].entry?.id }

    /// At most `limit` entries whose time to live is over at `now`, soonest first.
    mutating func takeExpired(at now: Timestamp, limit: Int) -> [EntryID] {
        var result: [EntryID] = []
        while result.count < limit, let first = expiries.min, first.at <= now {
            expiries.removeMin()
            // The heap is not searched on removal, so it may still name entries that are gone.
            if slotByID[first.id] != nil { result.append(first.id) }
        }
        return result
    }

    /// All entries, in no order.
    var all: [Entry] { slots.compactMap(\.entry) }

    private mutating func appendNewest(_ index: Int) {
        slots[index].previous = newest
        slots[index].next = -1
        if newest >= 0 { slots[newest].next = index } else { oldest = index }
        newest = index
    }

    private mutating func unlink(_ index: Int) {
        let (previous, next) = (slots[index].previous, slots[index].next)
        if previous >= 0 { slots[previous].next = next } else { oldest = next }
        if next >= 0 { slots[next].previous = previous } else { newest = previous }
    }
}
