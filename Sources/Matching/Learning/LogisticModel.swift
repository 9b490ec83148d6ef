/// Bayesian logistic regression, learned one label at a time.
///
/// The posterior over the weights is kept as a Gaussian: its mean `w` and covariance `P`. A label is one step of an extended Kalman filter
/// (Laplace's approximation around the current mean), a rank-1 update of `P` in O(d²). `P` grows by a hair with each step, so that old labels
/// are slowly forgotten.
package struct LogisticModel: Hashable, Sendable {
    /// The number of weights.
    package static let dimension = Feature.allCases.count
    /// By how much the covariance grows with each label.
    private static let forgetting = 1.0002
    /// No variance grows beyond this, whatever was never seen to vary.
    private static let largestVariance = 4.0

    /// The mean of the weights.
    package private(set) var weights: [Double]
    /// The covariance, row by row; symmetric.
    package private(set) var covariance: [Double]

    /// A model that has seen nothing but its prior: independent weights around `weights` with the same `variance`.
    package init(weights: [Double], variance: Double) {
        let count = Self.dimension
        precondition(weights.count == count, "a model has \(count) weights, not \(weights.count)")
        self.weights = weights
        covariance = (0..<count * count).map { $0 % (count + 1) == 0 ? variance : 0 }
    }

    /// A model as it was kept; `nil` when the counts are wrong or a number is not finite.
    package init?(weights: [Double], covariance: [Double]) {
        let count = Self.dimension
        guard weights.count == count, covariance.count == count * count, weights.allSatisfy(\.isFinite), covariance.allSatisfy(\.isFinite) else {
            return nil
        }
        self.weights = weights
        self.covariance = covariance
    }

    /// The score of a pair: the logit of the probability that the cached answer is right.
    package func score(_ features: FeatureVector) -> Double {
        var sum = 0.0
        for index in 0..<Self.dimension { sum += weights[index] * features.values[index] }
        return sum
    }

    /// The probability for a score.
    package static func probability(_ score: Double) -> Double { 1 / (1 + Exponential.exp(-score)) }

    /// Takes in one label. `weight` below 1 makes it weaker evidence.
    package mutating func learn(_ features: FeatureVector, isRight: Bool, weight: Double = 1) {
        learn(features, right: isRight ? 1 : 0, weight: weight)
    }

    /// Takes in a label that is known by its chance, in 0...1.
    package mutating func learn(_ features: FeatureVector, right: Double, weight: Double) {
        let count = Self.dimension
        let x = features.values
        let probability = Self.probability(score(features))
        let curvature = max(probability * (1 - probability), 1e-4) * weight
        var px = [Double](repeating: 0, count: count)
        for row in 0..<count {
            var sum = 0.0
            for column in 0..<count { sum += covariance[row * count + column] * x[column] }
            px[row] = sum
        }
        var variance = 0.0
        for index in 0..<count { variance += x[index] * px[index] }
        let denominator = 1 + curvature * variance
        let step = (right - probability) * weight / denominator
        for index in 0..<count { weights[index] += px[index] * step }
        let shrink = curvature / denominator
        for row in 0..<count {
            for column in 0..<count {
                covariance[row * count + column] = (covariance[row * count + column] - px[row] * px[column] * shrink) * Self.forgetting
            }
        }
        bound()
    }

    /// Keeps the variances of what never varies from growing without end; the row and column are scaled, so that `P` stays positive.
    private mutating func bound() {
        let count = Self.dimension
        for index in 0..<count where covariance[index * count + index] > Self.largestVariance {
            let scale = (Self.largestVariance / covariance[index * count + index]).squareRoot()
            for other in 0..<count {
                covariance[index * count + other] *= scale
                covariance[other * count + index] *= scale
            }
        }
    }
}
