/// Finds the score from which answers may be served so that, of what is served, no more than the bound is wrong.
///
/// Scores are sorted into 48 bins over -3...9. Each bin counts the traffic that fell into it, and the labels it got with how many of them were
/// wrong; all fade slowly. The share of wrong answers above a cut is estimated bin by bin and weighed by traffic, because labels are not spread
/// like traffic: below the cut every request is labelled, above it few are. The upper bound on the estimate is Chernoff's in its
/// Kullback-Leibler form, for the number of independent labels that would be as uncertain as the weighed ones.
package struct ErrorGate: Hashable, Sendable {
    /// One bin.
    package struct Bin: Hashable, Sendable {
        /// Requests whose best candidate scored in this bin and passed the guards.
        package var traffic = 0.0
        package var labels = 0.0
        package var wrong = 0.0
        /// Of these the ones that were learned here, inherited ones aside.
        package var ownLabels = 0.0
        package var ownWrong = 0.0
    }

    /// What is served, and how sure that is.
    package struct Cut: Hashable, Sendable {
        /// The lowest score that is served; infinite when nothing is.
        package let score: Double
        /// The estimated share of wrong answers among what is served.
        package let estimate: Double
        /// The upper bound on it.
        package let upperBound: Double

        package static let shut = Cut(score: .infinity, estimate: 0, upperBound: 1)

        package init(score: Double, estimate: Double, upperBound: Double) {
            self.score = score
            self.estimate = estimate
            self.upperBound = upperBound
        }
    }

    package static let binCount = 48
    private static let lowest = -3.0
    private static let width = 0.25
    /// The fewest labels that are looked at together.
    private static let segmentLabels = 25.0
    /// The chance that the bound does not hold at one moment.
    package static let risk = 0.2
    private static let fading = 0.9998
    /// The chance that own labels close a gate that keeps its bound. They close it whatever was inherited, from two wrong answers on.
    private static let ownRisk = 0.01
    private static let ownWrongAtLeast = 1.5
    /// What is inherited counts for so many labels when a comparison is weighed by what was known before it.
    private static let priorLabels = 10.0
    /// As many bins on either side speak for a score then.
    private static let nearBins = 4

    package private(set) var bins: [Bin]

    package init() { bins = Array(repeating: Bin(), count: Self.binCount) }

    /// A gate as it was kept; `nil` when the bins are not as they must be.
    package init?(bins: [Bin]) {
        let areSound = bins.allSatisfy { bin in
            bin.traffic.isFinite && bin.labels.isFinite && bin.wrong.isFinite && bin.traffic >= 0 && bin.wrong >= 0 && bin.labels >= bin.wrong
                && bin.ownLabels.isFinite && bin.ownWrong.isFinite && bin.ownWrong >= 0 && bin.ownLabels >= bin.ownWrong
        }
        guard bins.count == Self.binCount, areSound else { return nil }
        self.bins = bins
    }

    /// The bin of a score; scores beyond the ends fall into the outermost bins.
    package static func bin(of score: Double) -> Int {
        guard score > lowest else { return 0 }
        return score >= lowest + width * Double(binCount) ? binCount - 1 : Int((score - lowest) / width)
    }

    /// The lowest score of a bin.
    package static func floor(of bin: Int) -> Double { lowest + width * Double(bin) }

    /// The labels held, faded ones counted by what is left of them.
    package var labelCount: Double { bins.reduce(0) { $0 + $1.labels } }

    /// Notes a request that scored `score`.
    package mutating func notice(score: Double) { bins[Self.bin(of: score)].traffic += 1 }

    /// Takes in one label. A label counts as traffic through ``notice(score:)`` alone.
    ///
    /// - Parameters:
    ///   - right: the chance that the answer is right, in 0...1.
    ///   - weight: how much of a label it is.
    package mutating func learn(score: Double, right: Double, weight: Double = 1) {
        for index in bins.indices {
            bins[index].traffic *= Self.fading
            bins[index].labels *= Self.fading
            bins[index].wrong *= Self.fading
            bins[index].ownLabels *= Self.fading
            bins[index].ownWrong *= Self.fading
        }
        let bin = Self.bin(of: score)
        let wrong = (1 - min(1, max(0, right))) * weight
        bins[bin].labels += weight
        bins[bin].wrong += wrong
        bins[bin].ownLabels += weight
        bins[bin].ownWrong += wrong
    }

    package mutating func learn(score: Double, isRight: Bool, weight: Double = 1) {
        learn(score: score, right: isRight ? 1 : 0, weight: weight)
    }

    /// The chance that an answer of such a score is right, before it is compared: by the labels near that score, own ones above all.
    package func chance(near score: Double) -> Double {
        let middle = Self.bin(of: score)
        var sum = Bin()
        for bin in bins[max(0, middle - Self.nearBins)...min(Self.binCount - 1, middle + Self.nearBins)] {
            sum.labels += bin.labels
            sum.wrong += bin.wrong
            sum.ownLabels += bin.ownLabels
            sum.ownWrong += bin.ownWrong
        }
        let inherited = max(0, sum.labels - sum.ownLabels)
        let scale = min(1, Self.priorLabels / max(inherited, 1e-9))
        // A tenth of a label either way, for bins that nobody knows.
        let labels = sum.ownLabels + inherited * scale + 0.2
        let wrong = sum.ownWrong + max(0, sum.wrong - sum.ownWrong) * scale + 0.1
        return min(0.997, max(0.003, 1 - wrong / labels))
    }

    /// Takes in one labelled request without fading, for fitting offline.
    package mutating func count(score: Double, isRight: Bool, weight: Double) {
        let bin = Self.bin(of: score)
        bins[bin].traffic += weight
        bins[bin].labels += weight
        if !isRight { bins[bin].wrong += weight }
    }

    /// Adds another gate's bins, each scaled, so that it has at most `labels` labels in all: evidence that is believed as far as that many go.
    package mutating func inherit(_ other: ErrorGate, labels: Double) {
        let scale = min(1, labels / max(other.labelCount, 1e-9))
        for index in bins.indices {
            bins[index].traffic += other.bins[index].traffic * scale
            bins[index].labels += other.bins[index].labels * scale
            bins[index].wrong += other.bins[index].wrong * scale
        }
    }

    /// The cut for an error bound: the lowest bin down to which, counted from the top, the upper bound stays within `bound`.
    ///
    /// - Complexity: O(`binCount`²) in the worst case; call it after labels, not for each request.
    ///
    /// - Parameter heedsOwn: whether own labels may close it against what was inherited.
    package func cut(bound: Double, heedsOwn: Bool = true) -> Cut {
        var traffic = 0.0
        var wrongTraffic = 0.0
        var squares = 0.0
        var segment = Bin()
        var own = Bin()
        var cut = Cut.shut
        for index in bins.indices.reversed() {
            let bin = bins[index]
            own.labels += bin.ownLabels
            own.wrong += bin.ownWrong
            segment.traffic += bin.traffic
            segment.labels += bin.labels
            segment.wrong += bin.wrong
            guard segment.labels >= Self.segmentLabels else { continue }
            // A segment without traffic serves nothing, so it costs nothing; its labels still say what they say when traffic comes.
            let weight = max(segment.traffic, 1e-3)
            traffic += weight
            wrongTraffic += weight * segment.wrong / segment.labels
            squares += weight * weight / segment.labels
            segment = Bin()
            let estimate = wrongTraffic / traffic
            let upper = Self.upperBound(estimate: estimate, labels: traffic * traffic / squares)
            guard upper <= bound, !heedsOwn || !Self.isRejected(own, bound: bound) else { continue }
            cut = Cut(score: Self.floor(of: index), estimate: estimate, upperBound: upper)
        }
        return cut
    }

    /// The estimate and its upper bound for all traffic that scores at least `score`; `nil` without labels there.
    package func error(above score: Double) -> (estimate: Double, upperBound: Double)? {
        var traffic = 0.0
        var wrongTraffic = 0.0
        var squares = 0.0
        var labels = 0.0
        for bin in bins[Self.bin(of: score)...] where bin.labels > 0.5 {
            let weight = max(bin.traffic, 1e-3)
            traffic += weight
            wrongTraffic += weight * bin.wrong / bin.labels
            squares += weight * weight / bin.labels
            labels += bin.labels
        }
        guard labels >= 1, squares > 0 else { return nil }
        let estimate = wrongTraffic / traffic
        return (estimate, Self.upperBound(estimate: estimate, labels: traffic * traffic / squares))
    }

    /// What this traffic's own labels say of all that scores at least `score`, and how many they are.
    package func ownError(above score: Double) -> (estimate: Double, labels: Double) {
        var own = Bin()
        for bin in bins[Self.bin(of: score)...] {
            own.labels += bin.ownLabels
            own.wrong += bin.ownWrong
        }
        return (own.labels > 0 ? own.wrong / own.labels : 0, own.labels)
    }

    /// Whether own labels alone are at odds with the bound.
    private static func isRejected(_ own: Bin, bound: Double) -> Bool {
        guard own.wrong >= ownWrongAtLeast, own.wrong > own.labels * bound else { return false }
        return own.labels * divergence(own.wrong / own.labels, bound) > -Exponential.ln(ownRisk)
    }

    /// The largest rate that still has `labels` · KL(estimate, rate) within ln(1 / risk), by bisection to 1e-6.
    static func upperBound(estimate: Double, labels: Double) -> Double {
        let limit = -Exponential.ln(risk) / max(labels, 1e-9)
        var low = min(max(estimate, 0), 1)
        var high = 1.0
        while high - low > 1e-6 {
            let middle = (low + high) / 2
            if divergence(estimate, middle) <= limit { low = middle } else { high = middle }
        }
        return high
    }

    /// The Kullback-Leibler divergence of two coins.
    static func divergence(_ p: Double, _ q: Double) -> Double {
        let q = min(max(q, 1e-12), 1 - 1e-12)
        let right = p > 0 ? p * Exponential.ln(p / q) : 0
        let left = p < 1 ? (1 - p) * Exponential.ln((1 - p) / (1 - q)) : 0
        return right + left
    }
}
