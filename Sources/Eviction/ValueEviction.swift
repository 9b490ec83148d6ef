/// Who stays when the cache is full: what saves most for the room that it takes.
///
/// Each resident has a rank, `inflation + frequency · cost / bytes`, set when it comes and renewed when it is used; the least rank goes, and
/// `inflation` rises to it, so that what was valuable long ago sinks below what is used now (greedy-dual-size-frequency, Cherkasova 1998). Frequencies
/// come from a ``FrequencySketch``, which also counts what is not resident; a newcomer that is worth less than the one that would have to go for it
/// is not taken in (TinyLFU). The least rank is looked for among a sample, which needs no order to be kept.
package struct ValueEviction: Sendable {
    /// Candidates that are compared for one eviction; with up to twice as many residents all are.
    package static let sampleSize = 32

    private var sketch: FrequencySketch
    private var inflation = 0.0
    private var random: UInt64 = 0x2545_F491_4F6C_DD1D

    /// - Parameter capacity: about how many residents there will be.
    package init(capacity: Int) { sketch = FrequencySketch(capacity: max(64, capacity)) }

    package var memoryBytes: Int { sketch.memoryBytes }

    /// Counts a request for the thing with this hash, resident or not.
    package mutating func request(_ hash: UInt64) { sketch.add(hash) }

    /// What a byte of the thing is worth, leaving aside how long ago it was used.
    package func density(_ hash: UInt64, cost: Double, bytes: Int) -> Double {
        // What was asked for once may never come again: a scan is made of nothing else.
        let frequency = sketch.frequency(hash)
        return (frequency <= 1 ? 0.5 : Double(frequency)) * cost / Double(max(1, bytes))
    }

    /// The rank of something that comes or is used now.
    package func rank(_ hash: UInt64, cost: Double, bytes: Int) -> Double { inflation + density(hash, cost: cost, bytes: bytes) }

    /// The index with the least rank among a sample of `0..<count`.
    ///
    /// - Parameter rank: of an index; `nil` where nobody is.
    package mutating func victim(among count: Int, rank: (Int) -> Double?) -> Int? {
        var best: (index: Int, rank: Double)?
        func consider(_ index: Int) {
            if let rank = rank(index), best.map({ rank < $0.rank }) ?? true { best = (index, rank) }
        }
        if count <= 2 * Self.sampleSize {
            for index in 0..<count { consider(index) }
        } else {
            for _ in 0..<Self.sampleSize { consider(next(below: count)) }
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

    /// Whether a newcomer is worth too little to take the place of a resident. Prices are measured, so that a near tie says nothing, and what came
    /// last is the likelier to come again.
    package func rejects(_ newcomer: Double, against resident: Double) -> Bool { newcomer < resident * 0.8 }

    /// Notes that a resident of this rank was evicted.
    package mutating func evicted(rank: Double) { inflation = max(inflation, rank) }

    private mutating func next(below count: Int) -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Int(random % UInt64(count))
    }
}
