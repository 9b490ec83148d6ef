import Embedding
import Evaluation
import SemanticCache

/// How long the models take for questions of ordinary length, one after the other on one thread.
struct ModelTiming {
    /// In milliseconds, one of each for a pair.
    var embedding: [Double] = []
    /// Both wordings were read before, as on a request's way.
    var verifying: [Double] = []
    /// Neither was, as both would be if memory held nothing.
    var readingAndVerifying: [Double] = []

    /// The words of a wording that is timed.
    static let words = 10...14
    private static let fewest = 300

    /// Times the pairs of a file whose wordings both have ``words`` words, over and over where there are few.
    static func measure(_ pairs: [LabelledPair], _ embedder: OnnxEmbedder, _ verifier: OnnxVerifier) async throws -> ModelTiming {
        var timing = ModelTiming()
        let usual = pairs.filter { pair in [pair.asked, pair.cached].allSatisfy { words.contains($0.split(separator: " ").count) } }
        guard !usual.isEmpty else { return timing }
        let clock = ContinuousClock()
        func milliseconds(_ run: () async throws -> Void) async rethrows -> Double { try await clock.measure(run).inSeconds * 1e3 }
        while timing.embedding.count < fewest {
            for pair in usual {
                let wordings = WordingPair(asked: pair.asked, cached: pair.cached)
                embedder.forgetStates()
                timing.readingAndVerifying.append(try await milliseconds { _ = try await verifier.logit(of: wordings) })
                timing.verifying.append(try await milliseconds { _ = try await verifier.logit(of: wordings) })
                timing.embedding.append(try await milliseconds { _ = try await embedder.embed([pair.asked]) })
            }
        }
        return timing
    }

    static func line(_ timing: ModelTiming, file: String) -> String {
        guard !timing.embedding.isEmpty else { return "\(file): no pair of \(words.lowerBound) to \(words.upperBound) words" }
        func times(_ times: [Double]) -> String {
            func shown(_ share: Double) -> Double { (times.quantile(share) * 100).rounded() / 100 }
            return "p50 \(shown(0.5)) p95 \(shown(0.95)) ms"
        }
        return "\(file): \(timing.embedding.count) pairs of \(words.lowerBound) to \(words.upperBound) words: embed one \(times(timing.embedding)), "
            + "verify both \(times(timing.verifying)), read and verify both \(times(timing.readingAndVerifying))"
    }
}

extension [Double] {
    /// The value that a share of them do not exceed; there must be one.
    func quantile(_ share: Double) -> Double { sorted()[Int(Double(count - 1) * share)] }
}
