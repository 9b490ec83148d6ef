// Eviction: who leaves when there is no room.
//
// A policy is told what is asked for, comes, is used and goes, and names who is to be removed when asked for room. It holds no thing and frees nothing
// itself: whoever keeps the things removes what is returned, so that the cache and a simulation run the very same code.
//
// Invariants
// - A key that was returned is held no more: it is not returned twice.
// - Calls are cheap enough to be made under the lock that every hit takes; none copies or walks all that is held, but for amortised growth.
//
// Left out: how much room there is, which takes more than one count (entries, memory, disk); locks; time.

/// Names who leaves when there is no room.
package protocol EvictionPolicy<Key> {
    /// What a kept thing is called: a place in a table, or an id.
    associatedtype Key: Hashable & Sendable

    /// Counts a request for the thing with this hash, kept or not.
    mutating func request(_ hash: UInt64)

    /// Takes in a thing that is kept from now on.
    mutating func admit(_ key: Key, _ worth: Worth)

    /// Notes that a kept thing is used.
    mutating func access(_ key: Key)

    /// Forgets a thing that went for another reason. Does nothing where it is not held.
    mutating func remove(_ key: Key)

    /// The keys of at most `count` things to remove, the first to go first; fewer only where no more are held.
    ///
    /// - Parameter newcomer: what the room is for, which may itself be what has to go; `nil` where it is for nothing in particular.
    mutating func evict(_ count: Int, for newcomer: Key?) -> [Key]
}

/// What a policy may know of a thing.
package struct Worth: Sendable {
    /// Tells things apart over more than one stay.
    package let hash: UInt64
    /// What a hit saves, in any unit.
    package let cost: Double
    /// The room that it takes.
    package let bytes: Int

    package init(hash: UInt64, cost: Double, bytes: Int) {
        self.hash = hash
        self.cost = cost
        self.bytes = bytes
    }
}
