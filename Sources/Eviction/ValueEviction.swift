/// What saves most for the room that it takes stays.
///
/// Each member has a rank, `inflation + frequency · cost / bytes`, set when it comes and renewed when it is used; the least rank goes, and
/// `inflation` rises to it, so that what was valuable long ago sinks below what is used now (greedy-dual-size-frequency, Cherkasova 1998). Frequencies
/// come from a ``FrequencySketch``, which also counts what is not kept; a newcomer that is worth less than the one that would have to go for it
/// is not taken in (TinyLFU). The least rank is looked for among a sample, which needs no order to be kept.
///
/// Keys are places in the keeper's table, from zero and without large gaps: 24 bytes a place, in chunks, so that no growth copies many at once.
package struct ValueEviction: EvictionPolicy, Sendable {
    private struct Member {
        /// NaN where nobody is.
        var rank = Double.nan
        var hash: UInt64 = 0
        var cost: Float = 0
        var bytes: UInt32 = 0
    }

    private static let chunkShift = 12

    private var sketch: FrequencySketch
    private var inflation = 0.0
    private var sample = LeastOfSample()
    private var chunks: [[Member]] = []
    private var placeCount = 0
    private var count = 0

    /// - Parameter capacity: about how many members there will be.
    package init(capacity: Int) { sketch = FrequencySketch(capacity: max(64, capacity)) }

    /// The memory held, in bytes; that of the places not while they are empty.
    package var memoryBytes: Int { sketch.memoryBytes + (count == 0 ? 0 : placeCount * MemoryLayout<Member>.stride) }

    package mutating func request(_ hash: UInt64) { sketch.add(hash) }

    package mutating func admit(_ place: Int, _ worth: Worth) {
        while place >= placeCount { addPlace() }
        if self[place].rank.isNaN { count += 1 }
        self[place] = Member(
            rank: inflation + density(worth.hash, cost: worth.cost, bytes: worth.bytes), hash: worth.hash, cost: Float(worth.cost),
            bytes: UInt32(clamping: worth.bytes))
    }

    package mutating func access(_ place: Int) {
        guard holds(place) else { return }
        self[place].rank = inflation + density(self[place])
    }

    package mutating func remove(_ place: Int) {
        guard holds(place) else { return }
        self[place].rank = .nan
        count -= 1
    }

    package mutating func evict(_ count: Int, for newcomer: Int?) -> [Int] {
        var evicted: [Int] = []
        while evicted.count < count, let place = victim(for: newcomer) {
            remove(place)
            evicted.append(place)
        }
        return evicted
    }

    /// Forgets all members; what was asked for how often is remembered.
    package mutating func removeAll() {
        chunks = []
        (placeCount, count) = (0, 0)
    }

    /// What a byte of the thing is worth, leaving aside how long ago it was used.
    package func density(_ hash: UInt64, cost: Double, bytes: Int) -> Double {
        // What was asked for once may never come again: a scan is made of nothing else.
        let frequency = sketch.frequency(hash)
        return (frequency <= 1 ? 0.5 : Double(frequency)) * cost / Double(max(1, bytes))
    }

    private func density(_ member: Member) -> Double { density(member.hash, cost: Double(member.cost), bytes: Int(member.bytes)) }

    private mutating func victim(for newcomer: Int?) -> Int? {
        guard count > 0 else { return nil }
        let new = newcomer.flatMap { holds($0) ? $0 : nil }
        // Drawn from a copy: the members are looked at in their places meanwhile.
        var sample = sample
        let found = sample.index(among: placeCount) { place in
            let rank = self[place].rank
            return place == new || rank.isNaN ? nil : rank
        }
        self.sample = sample
        guard let found else { return new }
        // Prices are measured, so that a near tie says nothing, and what came last is the likelier to come again.
        if let new, density(self[new]) < density(self[found]) * 0.8 { return new }
        inflation = max(inflation, self[found].rank)
        return found
    }

    private func holds(_ place: Int) -> Bool { place < placeCount && !self[place].rank.isNaN }

    private mutating func addPlace() {
        if placeCount >> Self.chunkShift == chunks.count {
            var chunk: [Member] = []
            chunk.reserveCapacity(1 << Self.chunkShift)
            chunks.append(chunk)
        }
        chunks[placeCount >> Self.chunkShift].append(Member())
        placeCount += 1
    }

    private subscript(place: Int) -> Member {
        get { chunks[place >> Self.chunkShift][place & ((1 << Self.chunkShift) - 1)] }
        _modify { yield &chunks[place >> Self.chunkShift][place & ((1 << Self.chunkShift) - 1)] }
    }
}
