/// What is known before the first request: weights and a gate fitted offline, for one embedder and with or without one verifier.
///
/// A text of lines `name value...`, so that a review sees what changed. `#` begins a comment.
package struct Prior: Hashable, Sendable {
    /// The ``SemanticCache/Embedder/fingerprint`` it was fitted with; it says nothing about any other embedder.
    package let embedder: String
    /// The verifier's fingerprint it was fitted with; empty without one.
    package let verifier: String
    package let weights: [Double]
    /// How far the weights may be from right: the variance of each.
    package let variance: Double
    /// The least ``Feature/verifier`` that is served while little has been learned.
    package let verdictFloor: Double
    package let gate: ErrorGate
    /// For people: the data with its hashes, and the figures on data held out from the fit.
    package let notes: [String]

    package init(embedder: String, verifier: String, weights: [Double], variance: Double, verdictFloor: Double, gate: ErrorGate, notes: [String]) {
        self.embedder = embedder
        self.verifier = verifier
        self.weights = weights
        self.variance = variance
        self.verdictFloor = verdictFloor
        self.gate = gate
        self.notes = notes
    }

    /// The same for a verifier whose own figures call `logit` safe where nothing has been learned.
    package func settingVerdictFloor(logit: Double) -> Prior {
        Prior(
            embedder: embedder, verifier: verifier, weights: weights, variance: variance, verdictFloor: Feature.verdict(logit), gate: gate,
            notes: notes)
    }

    /// The priors that the program carries.
    package static let shipped: [Prior] = [PackageResources.minilm_prior, PackageResources.minilm_verified_prior].compactMap {
        Prior(String(decoding: $0, as: UTF8.self))
    }

    /// The shipped prior for an embedder and a verifier: the one fitted with both, else the one fitted for the embedder alone. `nil` when there is none:
    /// a prior is never borrowed from another embedder, nor from another verifier.
    package static func shipped(embedder: String, verifier: String?) -> Prior? {
        let own = shipped.filter { $0.embedder == embedder }
        return own.first { $0.verifier == verifier } ?? own.first { $0.verifier.isEmpty }
    }

    /// Reads what ``text`` wrote; `nil` when a line is missing or cannot be read.
    package init?(_ text: String) {
        var values: [String: String] = [:]
        var bins = [ErrorGate.Bin](repeating: .init(), count: ErrorGate.binCount)
        var notes: [String] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1)
            let rest = parts.count == 2 ? String(parts[1]) : ""
            switch parts[0] {
            case "bin":
                let numbers = rest.split(separator: " ").compactMap { Double($0) }
                guard numbers.count == 4, let index = Int(exactly: numbers[0]), bins.indices.contains(index) else { return nil }
                bins[index] = ErrorGate.Bin(traffic: numbers[1], labels: numbers[2], wrong: numbers[3])
            case "note": notes.append(rest)
            default: values[String(parts[0])] = rest
            }
        }
        guard let embedder = values["embedder"], let verifier = values["verifier"], let gate = ErrorGate(bins: bins),
            let variance = values["variance"].flatMap(Double.init), variance > 0,
            let floor = values["verdict_floor"].flatMap(Double.init), floor.isFinite
        else { return nil }
        let weights = Feature.allCases.compactMap { values["weight_\($0)"].flatMap(Double.init) }
        guard weights.count == Feature.allCases.count, weights.allSatisfy(\.isFinite), variance.isFinite else { return nil }
        self.init(
            embedder: embedder, verifier: verifier == "none" ? "" : verifier, weights: weights, variance: variance, verdictFloor: floor, gate: gate,
            notes: notes)
    }

    /// The lines.
    package var text: String {
        var lines = [
            "# What a fresh cache believes of rewordings. Made by `reprise evaluate --fit-prior`; not to be edited.",
            "embedder \(embedder)", "verifier \(verifier.isEmpty ? "none" : verifier)", "variance \(variance)", "verdict_floor \(verdictFloor)",
        ]
        for (feature, weight) in zip(Feature.allCases, weights) { lines.append("weight_\(feature) \(Self.rounded(weight))") }
        for (index, bin) in gate.bins.enumerated() where bin.labels > 0 || bin.traffic > 0 {
            lines.append("bin \(index) \(Self.rounded(bin.traffic)) \(Self.rounded(bin.labels)) \(Self.rounded(bin.wrong))")
        }
        return (lines + notes.map { "note \($0)" }).joined(separator: "\n") + "\n"
    }

    private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
