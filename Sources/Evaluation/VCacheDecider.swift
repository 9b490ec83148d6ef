import Foundation

/// The rule of vCache as its paper describes it (Schroeder et al. 2025, arXiv:2502.03771): every cached answer has its own logistic curve of
/// "right" over similarity, and a request is forwarded with the probability that keeps its own chance of a wrong answer within the bound.
///
/// A baseline, written from the paper alone. An answer's slope is the likeliest of its labels; its midpoint is taken pessimistically at confidence
/// 1 - e, under an even prior over 0...1; and the probability of forwarding is the least over e of (1 - bound - (1 - e) p) / (1 - (1 - e) p), p the
/// curve's chance. The bound is one on requests, not on hits: a forwarded request counts as right.
///
/// The paper leaves open what happens where a midpoint parts an answer's labels without a fault, as it does for most answers: no slope is the likeliest
/// then, and a normal approximation around a fit knows no width. So the likelihood is kept on a grid, and slopes end at ``steepest``.
struct VCacheDecider {
    /// The labels of one cached answer, as the logarithm of their likelihood for each slope and midpoint.
    struct Labels {
        fileprivate var count = 0
        /// Slope by slope, midpoints ascending; empty before the first label.
        fileprivate var likelihoods: [Float] = []

        /// - Complexity: O(size of the grid).
        mutating func add(_ similarity: Double, isRight: Bool) {
            if likelihoods.isEmpty { likelihoods = Array(repeating: 0, count: VCacheDecider.slopes.count * VCacheDecider.midpointCount) }
            for (row, slope) in VCacheDecider.slopes.enumerated() {
                for column in 0..<VCacheDecider.midpointCount {
                    let chance = VCacheDecider.chance(similarity, slope: slope, midpoint: VCacheDecider.midpoint(column))
                    likelihoods[row * VCacheDecider.midpointCount + column] += Float(log(max(isRight ? chance : 1 - chance, 1e-30)))
                }
            }
            count += 1
        }
    }

    /// The steepest slope. With 100 the rule serves more and breaks its own promise: on BANKING77 1.2 % of all requests are wrong at a bound of 1 %, here
    /// 0.7 %.
    private static let steepest = 50.0
    private static let slopes = (0..<16).map { 5 * pow(steepest / 5, Double($0) / 15) }
    private static let midpointCount = 101
    /// Fewer labels fix no curve.
    static let leastLabels = 4
    /// The chances that are tried for the midpoint to lie higher than assumed.
    private static let risks = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5]

    let bound: Double

    /// With which probability a request of this similarity to a wording is forwarded.
    ///
    /// - Complexity: O(size of the grid).
    func forwarding(_ similarity: Double, _ labels: Labels) -> Double {
        guard labels.count >= Self.leastLabels, let best = labels.likelihoods.indices.max(by: { labels.likelihoods[$0] < labels.likelihoods[$1] })
        else { return 1 }
        let row = best / Self.midpointCount
        let masses = (0..<Self.midpointCount).map { exp(Double(labels.likelihoods[row * Self.midpointCount + $0] - labels.likelihoods[best])) }
        let total = masses.reduce(0, +)
        var least = 1.0
        var column = Self.midpointCount - 1
        var above = 0.0
        for risk in Self.risks {
            while column > 0, above + masses[column] <= risk * total {
                above += masses[column]
                column -= 1
            }
            let right = (1 - risk) * Self.chance(similarity, slope: Self.slopes[row], midpoint: Self.midpoint(column))
            least = min(least, max(0, (1 - bound - right) / (1 - right)))
        }
        return least
    }

    private static func midpoint(_ column: Int) -> Double { Double(column) / Double(midpointCount - 1) }

    private static func chance(_ similarity: Double, slope: Double, midpoint: Double) -> Double {
        1 / (1 + exp(-slope * (similarity - midpoint)))
    }
}
