/// What the similarity of two answers says on one kind of traffic.
///
/// How alike two answers to one question are depends on the model, its temperature and what it is asked for; how alike those to other questions are, on how
/// wide the subject is. So both are counted here: similarities of what the model said twice to one prompt, and of answers to prompts that have nothing to do
/// with each other. It begins with what holds for most models, worth some tens of samples, and the ratio of the two shares never falls as similarity grows
/// (pool adjacent violators, Ayer et al. 1955).
package struct AnswerLikeness: Hashable, Sendable {
    package static let binCount = 26
    private static let lowest = -0.3
    private static let width = 0.05
    /// What the beginning is worth, in samples.
    private static let sameWorth = 20.0
    private static let otherWorth = 60.0
    /// Old samples fade with every new one of their kind, so that a model that changes is followed.
    private static let fading = 0.998
    /// Below which similarity what share of the answers to two prompts lies.
    private static let othersOfMostModels = [
        (-0.3, 0), (0, 0.12), (0.25, 0.5), (0.45, 0.9), (0.55, 0.97), (0.65, 0.99), (0.75, 0.997), (0.85, 0.999), (1, 1),
    ]
    /// What is known of a bin that nobody saw.
    private static let floor = 0.02

    /// Similarities of answers to one prompt, by bin.
    package private(set) var same: [Double]
    /// Similarities of answers to prompts that have nothing to do with each other.
    package private(set) var other: [Double]
    private var logRatios: [Double]

    /// Begins with what holds for most models: 5 in 100 answers to one prompt are less alike than 0.65, and 1 in 100 of those to others are more alike.
    package init() {
        same = Self.counts([(-0.3, 0), (0.35, 0.003), (0.5, 0.012), (0.65, 0.05), (0.75, 0.15), (0.85, 0.4), (0.95, 0.85), (1, 1)], Self.sameWorth)
        other = Self.usual
        logRatios = []
        settle()
    }

    /// As it was kept; `nil` where the counts are not as they must be.
    package init?(same: [Double], other: [Double]) {
        let areSound = (same + other).allSatisfy { $0.isFinite && $0 >= 0 }
        guard same.count == Self.binCount, other.count == Self.binCount, areSound, same.reduce(0, +) > 0, other.reduce(0, +) > 0 else { return nil }
        self.same = same
        self.other = other
        logRatios = []
        settle()
    }

    /// Takes in how alike two answers to one prompt are.
    package mutating func noteSame(_ similarity: Double) {
        Self.add(similarity, to: &same)
        settle()
    }

    /// Takes in how alike the answers to two prompts are that have nothing to do with each other.
    package mutating func noteOther(_ similarity: Double) {
        Self.add(similarity, to: &other)
        settle()
    }

    /// The logarithm of how many times likelier such a similarity is between answers to one prompt.
    package func logRatio(_ similarity: Double) -> Double { logRatios[Self.bin(similarity)] }

    /// The chance that two answers to one prompt are more alike than two to others, a tie counting half: 0.5 where nobody can tell them apart.
    package var area: Double {
        var (below, sum) = (0.0, 0.0)
        let (sames, others) = (same.reduce(0, +), other.reduce(0, +))
        for bin in 0..<Self.binCount {
            sum += same[bin] / sames * (below + other[bin] / others / 2)
            below += other[bin] / others
        }
        return sum
    }

    /// Whether similarity tells nothing here: not even equal prompts get answers that can be told from others.
    package var isBlind: Bool { area < 0.75 }

    private static func add(_ similarity: Double, to counts: inout [Double]) {
        guard similarity.isFinite else { return }
        for bin in counts.indices { counts[bin] *= fading }
        counts[bin(similarity)] += 1
    }

    private static func bin(_ similarity: Double) -> Int {
        guard similarity > lowest else { return 0 }
        return min(binCount - 1, Int((similarity - lowest) / width))
    }

    /// The shares between the knots of a distribution, in bins.
    private static func counts(_ knots: [(at: Double, share: Double)], _ worth: Double) -> [Double] {
        func below(_ similarity: Double) -> Double {
            for (left, right) in zip(knots, knots.dropFirst()) where similarity <= right.at {
                return left.share + (right.share - left.share) * max(0, similarity - left.at) / (right.at - left.at)
            }
            return 1
        }
        return (0..<binCount).map { bin in
            let start = lowest + Double(bin) * width
            return worth * (below(start + width) - below(start))
        }
    }

    /// As it begins.
    private static let usual = counts(othersOfMostModels, otherWorth)

    private mutating func settle() {
        let (sames, others) = (same.reduce(0, +), other.reduce(0, +))
        // Neighbours are more alike than what has nothing to do with each other, so the beginning's tail keeps half of the word.
        let kept = Self.usual.map { $0 / Self.otherWorth * others }
        let other = zip(other, kept).map { ($0 + $1) / 2 }
        // Blocks of neighbouring bins whose ratios would fall are pooled.
        var blocks: [(same: Double, other: Double, bins: Int)] = []
        func ratio(_ block: (same: Double, other: Double, bins: Int)) -> Double {
            (block.same + Self.floor) / sames / ((block.other + Self.floor) / others)
        }
        for bin in 0..<Self.binCount {
            blocks.append((same[bin], other[bin], 1))
            while blocks.count > 1, ratio(blocks[blocks.count - 2]) > ratio(blocks[blocks.count - 1]) {
                let last = blocks.removeLast()
                blocks[blocks.count - 1].same += last.same
                blocks[blocks.count - 1].other += last.other
                blocks[blocks.count - 1].bins += last.bins
            }
        }
        logRatios = blocks.flatMap { block in Array(repeating: Exponential.ln(ratio(block)), count: block.bins) }
    }
}
