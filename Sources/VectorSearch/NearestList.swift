import SemanticCache

/// The best few of many neighbours, best first. Ties go to the older id, so that the order in which they are offered does not matter.
struct NearestList {
    private(set) var neighbours: [Neighbour] = []
    private let count: Int
    /// What a newcomer must reach once the list is full.
    private var floor = -Float.infinity

    /// A list of at most `count` neighbours.
    init(count: Int) {
        self.count = count
        neighbours.reserveCapacity(min(count, 64) + 1)
    }

    /// Takes the neighbour in if it is among the best so far. O(1) for most, O(`count`) for those that are.
    @inline(__always)
    mutating func offer(_ id: EntryID, _ similarity: Float) {
        // Rounding may carry the dot product of two unit vectors a little past one.
        guard similarity >= floor else { return }
        insert(Neighbour(id: id, similarity: min(1, similarity)))
    }

    private mutating func insert(_ neighbour: Neighbour) {
        var index = neighbours.count
        while index > 0, Self.precedes(neighbour, neighbours[index - 1]) { index -= 1 }
        neighbours.insert(neighbour, at: index)
        if neighbours.count > count { neighbours.removeLast() }
        if neighbours.count == count, let last = neighbours.last { floor = last.similarity }
    }

    private static func precedes(_ a: Neighbour, _ b: Neighbour) -> Bool {
        a.similarity > b.similarity || a.similarity == b.similarity && a.id < b.id
    }
}
