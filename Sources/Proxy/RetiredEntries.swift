import SemanticCache

/// Entries whose time to live is over, kept a while longer to stand in for an upstream that fails or is slow to answer.
///
/// They are out of the index and the store and count as expired: nothing finds them but their exact key. The oldest go first when there are too many.
/// A plain value without a lock; ``AnswerCache`` owns it under one.
struct RetiredEntries {
    private var byKey: [CacheKey: Entry] = [:]
    /// In the order of retirement; may name keys that are gone or came back since.
    private var order: [(key: CacheKey, id: EntryID)] = []
    private var first = 0
    private(set) var memoryBytes = 0

    var count: Int { byKey.count }

    /// The entry, while it expired less than `window` ago.
    func entry(for key: CacheKey, window: Duration, now: Timestamp) -> Entry? {
        guard let entry = byKey[key], entry.expiresAt + window > now else { return nil }
        return entry
    }

    /// Adds entries that just expired, and lets go of those that expired `window` ago or are more than `limit`.
    mutating func add(_ entries: [Entry], window: Duration, limit: Int, now: Timestamp) {
        for entry in entries where entry.expiresAt + window > now {
            remove(entry.key)
            byKey[entry.key] = entry
            memoryBytes += entry.memoryBytes
            order.append((entry.key, entry.id))
        }
        while first < order.count {
            let (key, id) = order[first]
            if let entry = byKey[key], entry.id == id {
                guard byKey.count > limit || entry.expiresAt + window <= now else { break }
                remove(key)
            }
            first += 1
        }
        // The queue's used-up part is cut off once it is the larger one: amortised constant time.
        if first > 64, first > order.count / 2 {
            order.removeFirst(first)
            first = 0
        }
    }

    /// Lets go of the entry with this key.
    mutating func remove(_ key: CacheKey) {
        guard let entry = byKey.removeValue(forKey: key) else { return }
        memoryBytes -= entry.memoryBytes
    }

    mutating func removeAll() { self = RetiredEntries() }
}
