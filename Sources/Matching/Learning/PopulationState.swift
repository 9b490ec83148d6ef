/// A population as bytes: a mark, a version, the numbers in little-endian order, and a checksum over all of it. About 19 kB.
package enum PopulationState {
    /// Why bytes are no population.
    package enum Failure: Error, Hashable, Sendable {
        case notAPopulation
        case version(found: UInt32, expected: UInt32)
        case checksum
        case unsound
    }

    private static let mark: UInt32 = 0x5250_4F50
    private static let version: UInt32 = 2
    /// Before labels learned here were told from inherited ones, and similarities of answers were counted.
    private static let firstVersion: UInt32 = 1

    /// The bytes of a population.
    package static func encode(_ population: Population) -> [UInt8] {
        var bytes: [UInt8] = []
        append(UInt64(mark) << 32 | UInt64(version), to: &bytes)
        for value in [population.observations, population.hits, population.explored, population.inheritedHits] { append(UInt64(value), to: &bytes) }
        append((population.verdictFloor ?? .nan).bitPattern, to: &bytes)
        for value in population.model.weights + population.model.covariance { append(value.bitPattern, to: &bytes) }
        for bin in population.gate.bins { for value in [bin.traffic, bin.labels, bin.wrong] { append(value.bitPattern, to: &bytes) } }
        for bin in population.gate.bins { for value in [bin.ownLabels, bin.ownWrong] { append(value.bitPattern, to: &bytes) } }
        for value in [population.compared, population.undecided] { append(UInt64(value), to: &bytes) }
        for value in population.likeness.same + population.likeness.other { append(value.bitPattern, to: &bytes) }
        append(UInt64(population.frequencies.prompts), to: &bytes)
        for count in population.frequencies.counts {
            bytes.append(UInt8(truncatingIfNeeded: count))
            bytes.append(UInt8(truncatingIfNeeded: count >> 8))
        }
        append(checksum(bytes[...]), to: &bytes)
        return bytes
    }

    /// Reads what ``encode(_:)`` wrote.
    package static func decode(_ bytes: [UInt8]) throws(Failure) -> Population {
        guard bytes.count >= 16, let head = word(bytes, 0), head >> 32 == UInt64(mark) else { throw .notAPopulation }
        let found = UInt32(truncatingIfNeeded: head)
        guard found == version || found == firstVersion else { throw .version(found: found, expected: version) }
        let dimension = LogisticModel.dimension
        let ownCount = found == firstVersion ? 0 : 2 * ErrorGate.binCount + 2 + 2 * AnswerLikeness.binCount
        let wordCount = 1 + 4 + 1 + dimension + dimension * dimension + 3 * ErrorGate.binCount + ownCount + 1
        guard bytes.count == (wordCount + 1) * 8 + 2 * WordFrequencies.placeCount else { throw .notAPopulation }
        guard word(bytes, bytes.count - 8) == checksum(bytes.dropLast(8)) else { throw .checksum }
        let words = (0..<wordCount).compactMap { word(bytes, $0 * 8) }
        let doubles = words.map { Double(bitPattern: $0) }
        let counters = words[1...4].compactMap { Int(exactly: $0) }
        let covariance = 6 + dimension
        let firstBin = covariance + dimension * dimension
        let firstOwn = firstBin + 3 * ErrorGate.binCount
        let bins = (0..<ErrorGate.binCount).map { index in
            let at = firstBin + 3 * index
            let own = firstOwn + 2 * index
            return ErrorGate.Bin(
                traffic: doubles[at], labels: doubles[at + 1], wrong: doubles[at + 2], ownLabels: ownCount > 0 ? doubles[own] : 0,
                ownWrong: ownCount > 0 ? doubles[own + 1] : 0)
        }
        let firstCount = firstOwn + 2 * ErrorGate.binCount
        let compared = ownCount > 0 ? Int(exactly: words[firstCount]) : 0
        let undecided = ownCount > 0 ? Int(exactly: words[firstCount + 1]) : 0
        let firstLikeness = firstCount + 2
        let middle = firstLikeness + AnswerLikeness.binCount
        let likeness =
            ownCount > 0
            ? AnswerLikeness(same: Array(doubles[firstLikeness..<middle]), other: Array(doubles[middle..<(middle + AnswerLikeness.binCount)]))
            : AnswerLikeness()
        let tableAt = wordCount * 8
        let counts = (0..<WordFrequencies.placeCount).map { UInt16(bytes[tableAt + 2 * $0]) | UInt16(bytes[tableAt + 2 * $0 + 1]) << 8 }
        guard counters.count == 4,
            let model = LogisticModel(weights: Array(doubles[6..<covariance]), covariance: Array(doubles[covariance..<firstBin])),
            let gate = ErrorGate(bins: bins), let compared, let undecided, let likeness, let prompts = Int(exactly: words[wordCount - 1]),
            let frequencies = WordFrequencies(counts: counts, prompts: prompts)
        else { throw .unsound }
        return Population(
            model: model, gate: gate, frequencies: frequencies, observations: counters[0], hits: counters[1], explored: counters[2],
            inheritedHits: counters[3], verdictFloor: doubles[5].isFinite ? doubles[5] : nil, compared: compared, undecided: undecided,
            likeness: likeness)
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64? {
        guard offset >= 0, offset + 8 <= bytes.count else { return nil }
        return (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    /// FNV-1a, 64 bits: finds what a torn write leaves.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
