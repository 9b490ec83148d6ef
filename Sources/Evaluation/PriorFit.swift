package import Matching

/// Fits what a fresh cache believes: weights by logistic regression, and a gate filled with the scores of examples that the weights did not see.
///
/// The examples come in sources of equal standing, so that a long file does not drown a short one. Each source is split in two by the hash of its
/// groups; each half is scored by weights fitted on the other, and those scores fill the gate and give the held-out figures.
package struct PriorFit: Sendable {
    /// The examples of one file, each with the fold it belongs to.
    package struct Source: Sendable {
        package let name: String
        /// How much this source counts beside the others.
        package let weight: Double
        /// How much of the gate's traffic is of this kind.
        package let gateWeight: Double
        package let samples: [(sample: StreamReplay.Sample, fold: Int)]

        package init(name: String, weight: Double, gateWeight: Double, samples: [(sample: StreamReplay.Sample, fold: Int)]) {
            self.name = name
            self.weight = weight
            self.gateWeight = gateWeight
            self.samples = samples
        }
    }

    /// How many labels the gate is worth: enough to hold a bound of 1 %, and few enough to give way soon on traffic that is harder than the prior thought.
    package static let gateLabels = 1400.0
    /// The error bound at which the held-out figures are taken.
    private static let reportedBound = 0.01
    /// Pulls every weight towards zero, in labels.
    private static let ridge = 2.0

    package let sources: [Source]

    package init(sources: [Source]) { self.sources = sources }

    /// The prior for an embedder.
    package func fit(
        embedder: String, verifier: String, verdictFloor: Double, variance: Double, notes: [String], gateLabels: Double = Self.gateLabels
    ) -> Prior {
        let examples = sources.flatMap { source -> [Example] in
            let total = source.samples.reduce(0) { $0 + $1.sample.weight }
            return source.samples.map {
                Example(
                    features: $0.sample.features.values, isRight: $0.sample.isRight, weight: $0.sample.weight * source.weight * 1000 / max(total, 1),
                    gateWeight: $0.sample.weight * source.gateWeight * 1000 / max(total, 1), fold: $0.fold)
            }
        }
        var gate = ErrorGate()
        let foldWeights = (0..<2).map { fold in Self.regress(examples.filter { $0.fold != fold }) }
        for fold in 0..<2 {
            let weights = foldWeights[fold]
            for example in examples where example.fold == fold {
                var score = 0.0
                for index in weights.indices { score += weights[index] * example.features[index] }
                gate.count(score: score, isRight: example.isRight, weight: example.gateWeight)
            }
        }
        let cut = gate.cut(bound: Self.reportedBound).score
        var heldOut: [String] = []
        for source in sources {
            var (right, servedRight, wrong, servedWrong) = (0.0, 0.0, 0.0, 0.0)
            for (sample, fold) in source.samples {
                let isServed = zip(foldWeights[fold], sample.features.values).reduce(0) { $0 + $1.0 * $1.1 } >= cut
                if sample.isRight { right += 1 } else { wrong += 1 }
                if isServed, sample.isRight { servedRight += 1 }
                if isServed, !sample.isRight { servedWrong += 1 }
            }
            heldOut.append(
                "held out, \(source.name): of \(Int(right)) right answers \(Self.percent(servedRight / max(right, 1))) served, "
                    + "of \(Int(wrong)) wrong ones \(Self.percent(servedWrong / max(wrong, 1))), guards' catches counted as served")
        }
        var scaled = ErrorGate()
        scaled.inherit(gate, labels: gateLabels)
        return Prior(
            embedder: embedder, verifier: verifier, weights: Self.regress(examples), variance: variance, verdictFloor: verdictFloor, gate: scaled,
            notes: notes + heldOut)
    }

    private static func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }

    private struct Example {
        let features: [Double]
        let isRight: Bool
        let weight: Double
        let gateWeight: Double
        let fold: Int
    }

    /// Newton's method with a ridge; the bias is left free.
    private static func regress(_ examples: [Example]) -> [Double] {
        let count = Feature.allCases.count
        var weights = [Double](repeating: 0, count: count)
        for _ in 0..<25 {
            var gradient = [Double](repeating: 0, count: count)
            var hessian = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
            for index in 0..<count {
                let pull = index == Feature.bias.rawValue ? 1e-6 : ridge
                gradient[index] = -pull * weights[index]
                hessian[index][index] = pull
            }
            for example in examples {
                var score = 0.0
                for index in 0..<count { score += weights[index] * example.features[index] }
                let probability = LogisticModel.probability(score)
                let residual = ((example.isRight ? 1 : 0) - probability) * example.weight
                let curvature = max(probability * (1 - probability), 1e-6) * example.weight
                for row in 0..<count {
                    gradient[row] += residual * example.features[row]
                    for column in 0..<count { hessian[row][column] += curvature * example.features[row] * example.features[column] }
                }
            }
            let step = solve(hessian, gradient)
            for index in 0..<count { weights[index] += step[index] }
            if step.allSatisfy({ abs($0) < 1e-7 }) { break }
        }
        return weights
    }

    /// Gauss elimination with pivoting; the matrix is positive definite.
    private static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
        var a = matrix
        var b = right
        let count = b.count
        for column in 0..<count {
            let pivot = (column..<count).max { abs(a[$0][column]) < abs(a[$1][column]) } ?? column
            a.swapAt(column, pivot)
            b.swapAt(column, pivot)
            guard abs(a[column][column]) > 1e-12 else { continue }
            for row in (column + 1)..<max(count, column + 1) {
                let factor = a[row][column] / a[column][column]
                guard factor != 0 else { continue }
                for index in column..<count { a[row][index] -= factor * a[column][index] }
                b[row] -= factor * b[column]
            }
        }
        var x = [Double](repeating: 0, count: count)
        for row in (0..<count).reversed() {
            var sum = b[row]
            for column in (row + 1)..<max(count, row + 1) { sum -= a[row][column] * x[column] }
            x[row] = abs(a[row][row]) > 1e-12 ? sum / a[row][row] : 0
        }
        return x
    }
}
