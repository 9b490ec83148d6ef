/// Finds about the least of many by looking at some of them, which needs no order to be kept.
package struct LeastOfSample: Sendable {
    /// How many are looked at; all are where there are at most twice as many.
    package static let size = 32

    private var random: UInt64 = 0x2545_F491_4F6C_DD1D

    package init() {}

    /// The index with the least rank among a sample of `0..<count`.
    ///
    /// - Parameter rank: of an index; `nil` where nobody is.
    /// - Complexity: O(1), but O(n) where next to nobody is anywhere.
    package mutating func index(among count: Int, rank: (Int) -> Double?) -> Int? {
        var best: (index: Int, rank: Double)?
        func consider(_ index: Int) {
            if let rank = rank(index), best.map({ rank < $0.rank }) ?? true { best = (index, rank) }
        }
        if count <= 2 * Self.size {
            for index in 0..<count { consider(index) }
        } else {
            for _ in 0..<Self.size { consider(next(below: count)) }
            // All of the sample may be gaps: walk on from somewhere.
            var index = next(below: count)
            var steps = 0
            while best == nil, steps < count {
                consider(index)
                index = (index + 1) % count
                steps += 1
            }
        }
        return best?.index
    }

    private mutating func next(below count: Int) -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Int(random % UInt64(count))
    }
}
