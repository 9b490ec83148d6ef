import Foundation

/// The rule of vCache as its paper describes it (Schroeder et al. 2025, arXiv:2502.03771): every cached wording has its own logistic curve of
/// "right" over similarity, and a request is forwarded with the probability that keeps its own chance of a wrong answer within the bound.
///
/// A baseline, written from the paper alone: per wording, the curve's midpoint and slope are fitted to its labels together with the two
/// made-up ones (0, wrong) and (1, right); the midpoint is taken pessimistically at confidence 1 - e, and the probability of forwarding is the
/// least over e of (1 - bound - (1 - e) p) / (1 - (1 - e) p).
struct VCacheDecider {
    /// The labels of one cached answer.
    struct Labels {
        fileprivate var seen: [(similarity: Double, isRight: Bool)] = []
        fileprivate var fit: (slope: Double, midpoint: Double, deviation: Double)?

        mutating func add(_ similarity: Double, isRight: Bool) {
            seen.append((similarity, isRight))
            fit = nil
        }
    }

    let bound: Double

    /// With which probability a request of this similarity to a wording is forwarded.
    func forwarding(_ similarity: Double, _ labels: inout Labels) -> Double {
        // Fewer than a handful of labels fix no curve.
        guard labels.seen.count >= 4 else { return 1 }
        let fit = labels.fit ?? Self.fit(labels.seen)
        labels.fit = fit
        var least = 1.0
        for (risk, quantile) in Self.risks {
            let pessimistic = fit.midpoint + quantile * fit.deviation
            let right = (1 - risk) / (1 + exp(-fit.slope * (similarity - pessimistic)))
            least = min(least, max(0, (1 - bound - right) / (1 - right)))
        }
        return least
    }

    /// One-sided risks and the normal quantiles of their complements.
    private static let risks = [
        (0.001, 3.0902), (0.002, 2.8782), (0.005, 2.5758), (0.01, 2.3263), (0.02, 2.0537), (0.05, 1.6449), (0.1, 1.2816), (0.2, 0.8416),
    ]

    /// Newton's method on the two parameters of ln(p / (1 - p)) = a + b s, with a light ridge on the slope; the midpoint's deviation is by the delta method.
    private static func fit(_ seen: [(similarity: Double, isRight: Bool)]) -> (slope: Double, midpoint: Double, deviation: Double) {
        let points = seen.map { ($0.similarity, $0.isRight ? 1.0 : 0.0) } + [(0, 0), (1, 1)]
        var a = -8.0
        var b = 10.0
        let ridge = 1e-3
        var (aa, ab, bb) = (0.0, 0.0, 0.0)
        for _ in 0..<30 {
            var (ga, gb) = (0.0, -ridge * b)
            (aa, ab, bb) = (1e-6, 0, ridge)
            for (s, y) in points {
                let p = 1 / (1 + exp(-(a + b * s)))
                let w = max(p * (1 - p), 1e-9)
                ga += y - p
                gb += (y - p) * s
                aa += w
                ab += w * s
                bb += w * s * s
            }
            let determinant = aa * bb - ab * ab
            guard determinant > 1e-15 else { break }
            let da = (bb * ga - ab * gb) / determinant
            let db = (aa * gb - ab * ga) / determinant
            let scale = min(1, 20 / max(abs(da), abs(db), 1e-9))
            a += da * scale
            b += db * scale
            if abs(da) + abs(db) < 1e-6 { break }
        }
        b = max(b, 1e-3)
        let midpoint = -a / b
        let determinant = max(aa * bb - ab * ab, 1e-15)
        let (ga, gb) = (-1 / b, a / (b * b))
        let variance = (ga * ga * bb - 2 * ga * gb * ab + gb * gb * aa) / determinant
        return (b, midpoint, max(variance, 0).squareRoot())
    }
}
