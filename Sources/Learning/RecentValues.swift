import DequeModule

/// The values that were set last under some keys: at most `capacity` settings are remembered, and the oldest go first.
struct RecentValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Setting: Sendable {
        let key: Key
        let number: Int
    }

    private let capacity: Int
    private var values: [Key: (value: Value, number: Int)] = [:]
    /// The oldest first. A key that was set again stands here twice, and only the younger of the two means its value.
    private var settings = Deque<Setting>()
    private var last = 0

    init(capacity: Int) { self.capacity = max(1, capacity) }

    /// The number of keys with a value.
    var count: Int { values.count }

    subscript(key: Key) -> Value? { values[key]?.value }

    /// Sets the value of a key, which makes it the youngest.
    ///
    /// - Complexity: O(1).
    mutating func set(_ key: Key, to value: Value) {
        last += 1
        values[key] = (value, last)
        settings.append(Setting(key: key, number: last))
        guard settings.count > capacity, let oldest = settings.popFirst() else { return }
        if values[oldest.key]?.number == oldest.number { values[oldest.key] = nil }
    }

    /// Changes the value of a key, if it has one; it grows no younger by that.
    mutating func update(_ key: Key, _ change: (inout Value) -> Void) {
        guard var value = values[key]?.value else { return }
        change(&value)
        values[key]?.value = value
    }

    /// Removes the values that are meant.
    ///
    /// - Complexity: O(n).
    mutating func removeAll(where isMeant: (Value) -> Bool) { values = values.filter { !isMeant($0.value.value) } }

    mutating func removeAll() { self = RecentValues(capacity: capacity) }
}
