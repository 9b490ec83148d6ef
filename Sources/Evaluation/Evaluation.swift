// Evaluation: is the matching any good? Labelled streams and pairs replayed through the real guards, features, gate and policy.
//
// - `LabelledData` reads the files: streams of prompts with their answer's group, conversations, pairs with or without the same answer.
// - `StreamReplay` lets a stream run through a cache that begins empty, with one rule for when to serve. The judge is the label.
// - `PairReplay` is day one: one prompt cached, the other asked, nothing learned.
// - `Evaluation` runs every rule on every file over several shuffles, and `EvaluationReport`, `ReportTable` and `ScatterPlot` tell what came of it.
// - `PriorFit` fits what a fresh cache believes.
//
// Invariants: pure. Vectors, an index and the verifier's verdicts come in as values and closures, chance as a seed, so that a run can be repeated bit
// for bit.
//
// Left out: embedding and files (the command), and the judge's own errors: here its word is the truth, which in the proxy it is not.

package import Matching
package import SemanticCache

/// Runs the rules on the files.
package struct Evaluation: Sendable {
    package let bounds: [Double]
    package let thresholds: [Float]
    package let seeds: Int
    package let profile: GuardProfile
    let residue: ResidueGuard?
    package let prior: Prior?
    let vector: @Sendable (String) -> UnitVector?
    let verdict: (@Sendable (String, String) -> Double?)?
    let isUnseen: (@Sendable (String) -> Bool)?
    let makeIndex: @Sendable () -> any VectorIndex
    let scope: @Sendable ([String]) -> Scope

    /// - Parameters:
    ///   - vector: the embedding of every text of the files.
    ///   - isUnseen: whether the verifier was not trained on a stream's group: priors are fitted on such groups, and for the others the verifier's word is
    ///     drawn from what it says of these (``DrawnVerdicts``). `nil` takes its word on all.
    ///   - scope: of a conversation's earlier messages.
    package init(
        bounds: [Double], thresholds: [Float], seeds: Int, profile: GuardProfile, residue: ResidueGuard? = nil, prior: Prior?,
        vector: @escaping @Sendable (String) -> UnitVector?,
        verdict: (@Sendable (String, String) -> Double?)?, isUnseen: (@Sendable (String) -> Bool)? = nil,
        makeIndex: @escaping @Sendable () -> any VectorIndex, scope: @escaping @Sendable ([String]) -> Scope
    ) {
        self.bounds = bounds
        self.thresholds = thresholds
        self.seeds = seeds
        self.profile = profile
        self.residue = residue
        self.prior = prior
        self.vector = vector
        self.verdict = verdict
        self.isUnseen = isUnseen
        self.makeIndex = makeIndex
        self.scope = scope
    }

    /// Replays a stream under every rule; `progress` hears of each rule that is done.
    ///
    /// - Parameter learns: whether what the stream teaches is wanted as well, in its first shuffle: for ``pairs(_:file:after:)``.
    package func stream(
        _ items: [StreamItem], file: String, learns: Bool = false, progress: @Sendable (String) -> Void
    ) async -> (report: EvaluationReport.Stream, learned: Learned?) {
        var rules: [(name: String, rule: StreamReplay.Rule)] = bounds.map { ("calibrated \(Self.percent($0))", .calibrated(bound: $0, profile)) }
        rules += bounds.flatMap {
            [
                ("vCache \(Self.percent($0))", .vCache(bound: $0, withAliases: false)),
                ("vCache with aliases \(Self.percent($0))", .vCache(bound: $0, withAliases: true)),
            ]
        }
        rules += thresholds.map { ("cosine \($0)", .threshold($0, nil)) }
        rules += thresholds.map { ("cosine \($0) and guards", .threshold($0, profile)) }
        let drawn = drawnVerdicts(items)
        var rows: [EvaluationReport.StreamRow] = []
        for (name, rule) in rules {
            rows.append(.init(rule: name, results: await replay(items, rule, drawn)))
            progress("\(file): \(name)")
        }
        for bound in bounds { rows += Self.hindsight(rows, bound: bound).map { [$0] } ?? [] }
        return (
            EvaluationReport.Stream(file: file, prompts: items.count, rows: rows), learns ? learned(from: items, file: file, drawn) : nil
        )
    }

    /// What traffic is known by once a stream went by, for each bound.
    package struct Learned: Sendable {
        let file: String
        let populations: [Population]
    }

    private func learned(from items: [StreamItem], file: String, _ drawn: DrawnVerdicts?) -> Learned {
        Learned(
            file: file,
            populations: bounds.map { bound in
                replay(.calibrated(bound: bound, profile), drawn).run(Self.shuffled(items, 1), seed: 1) { scope($0.history) }.population
            })
    }

    /// Decides every pair under every rule: as on day one, and as where one of the streams went by before.
    package func pairs(_ pairs: [LabelledPair], file: String, after streams: [Learned] = []) -> EvaluationReport.Pairs {
        let replay = PairReplay(vector: vector, verdict: verdict)
        let dayOne = Learned(file: "", populations: bounds.map { _ in Population(prior: prior) })
        var rows = ([dayOne] + streams).flatMap { learned in
            zip(bounds, learned.populations).map { bound, population in
                EvaluationReport.PairRow(
                    rule: "calibrated \(Self.percent(bound)), \(learned.file.isEmpty ? "day one" : "after \(learned.file)")",
                    outcomes: replay.run(
                        pairs,
                        policy: CalibratedPolicy(
                            population: population, errorBound: bound, profile: profile, floor: StreamReplay.floor, draw: 1,
                            prompts: PreparedPrompts(capacity: 1 << 16), residue: residue)))
            }
        }
        for (suffix, profile) in [("", nil), (" and guards", profile)] as [(String, GuardProfile?)] {
            rows += thresholds.map { threshold in
                EvaluationReport.PairRow(
                    rule: "cosine \(threshold)\(suffix)",
                    outcomes: replay.run(
                        pairs,
                        policy: profile.map { ThresholdPolicy(threshold: threshold, profile: $0, residue: residue) }
                            ?? PlainThreshold(threshold: threshold)))
            }
        }
        return EvaluationReport.Pairs(file: file, pairs: pairs.count, rows: rows)
    }

    /// Decides every pair of equal history, each with eight candidates as a busy scope has them, and hands each decision to `take` as work to be done:
    /// for whoever wants to know how long it takes. The cached prompts were taken apart before, as a look-up finds them.
    package func decisions(_ pairs: [LabelledPair], take: (() -> Void) -> Void) {
        let prompts = PreparedPrompts(capacity: 1 << 16)
        let policy = CalibratedPolicy(
            population: Population(prior: prior), errorBound: bounds.first ?? 0.01, profile: profile, floor: StreamReplay.floor, draw: 1,
            prompts: prompts, residue: residue)
        let cached = pairs.enumerated().compactMap { number, pair in vector(pair.cached).map { (id: number, query: pair.cached, vector: $0) } }
        guard cached.count >= 8 else { return }
        for (number, pair) in pairs.enumerated() where pair.cachedHistory == pair.askedHistory {
            guard let asked = vector(pair.asked) else { continue }
            let candidates = (0..<8).map { cached[(number + $0) % cached.count] }
                .map { Candidate(id: EntryID(rawValue: Int64($0.id) + 1), query: $0.query, similarity: asked.similarity(to: $0.vector)) }
                .sorted { $0.similarity > $1.similarity }
            for candidate in candidates { _ = try? prompts.prepared(candidate.query) }
            take { _ = policy.decide(query: pair.asked, candidates: candidates) }
        }
    }

    /// The examples of a file for fitting a prior, in two folds that share no group.
    package func samples(of data: LabelledData, trapShare: Double, missedShare: Double) async -> [(sample: StreamReplay.Sample, fold: Int)] {
        switch data {
        case .pairs(let pairs):
            return (0..<2).flatMap { fold in
                PairReplay(vector: vector, verdict: verdict).samples(
                    pairs.enumerated().filter { $0.offset % 2 == fold }.map(\.element), trapShare: trapShare, missedShare: missedShare
                ).map { ($0, fold) }
            }
        case .stream(let items):
            var samples: [(sample: StreamReplay.Sample, fold: Int)] = []
            for fold in 0..<2 {
                let half = items.filter { WordFrequencies.place(of: $0.group) % 2 == fold }
                for seed in 1...max(1, seeds) {
                    samples += self.replay(.observe(profile)).run(Self.shuffled(half, seed), seed: UInt64(seed)) { scope($0.history) }.samples.map {
                        ($0, fold)
                    }
                }
            }
            return samples
        }
    }

    /// What the verifier says of the groups that it was not trained on; `nil` when its word is taken on all.
    private func drawnVerdicts(_ items: [StreamItem]) -> DrawnVerdicts? {
        guard isUnseen != nil, verdict != nil else { return nil }
        return DrawnVerdicts(
            (1...2).flatMap { seed in
                replay(.observe(profile)).run(Self.shuffled(items, seed), seed: UInt64(seed)) { scope($0.history) }.samples
            })
    }

    private func replay(_ items: [StreamItem], _ rule: StreamReplay.Rule, _ drawn: DrawnVerdicts?) async -> [StreamResult] {
        await withTaskGroup(of: (Int, StreamResult).self) { group in
            for seed in 1...max(1, seeds) {
                group.addTask {
                    let result = self.replay(rule, drawn).run(Self.shuffled(items, seed), seed: UInt64(seed)) { scope($0.history) }.result
                    return (seed, result)
                }
            }
            var results: [(Int, StreamResult)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func replay(_ rule: StreamReplay.Rule, _ drawn: DrawnVerdicts? = nil) -> StreamReplay {
        StreamReplay(
            rule: rule, prior: prior, vector: vector, verdict: verdict, residue: residue,
            isUnseen: isUnseen ?? { _ in true }, drawn: drawn, makeIndex: makeIndex)
    }

    private static func shuffled(_ items: [StreamItem], _ seed: Int) -> [StreamItem] {
        var generator = SeededGenerator(seed: UInt64(seed))
        return items.shuffled(using: &generator)
    }

    /// Of the static thresholds the one with the most hits whose wrong share kept the bound: known only afterwards.
    private static func hindsight(_ rows: [EvaluationReport.StreamRow], bound: Double) -> EvaluationReport.StreamRow? {
        let best = rows.filter { $0.rule.hasPrefix("cosine") && $0.wrongPerHit.share <= bound && $0.hitRate.count > 0 }
            .max { $0.hitRate.share < $1.hitRate.share }
        return best.map { $0.renamed("best in hindsight \(percent(bound)): \($0.rule)") }
    }

    static func percent(_ share: Double) -> String { "\((share * 10_000).rounded() / 100) %" }
}

extension EvaluationReport.StreamRow {
    fileprivate func renamed(_ rule: String) -> Self {
        Self(
            rule: rule, seeds: seeds, hitRate: hitRate, wrongPerHit: wrongPerHit, wrongPerRequest: wrongPerRequest,
            secondHalfHitRate: secondHalfHitRate, secondHalfWrongPerHit: secondHalfWrongPerHit, hitRateBySeed: hitRateBySeed,
            wrongPerHitBySeed: wrongPerHitBySeed, firstHit: firstHit, explored: explored, judgeCallsPerRequest: judgeCallsPerRequest,
            possible: possible)
    }
}

/// Similarity and nothing else: what most caches do.
struct PlainThreshold: DecisionPolicy {
    let threshold: Float

    func decide(query: String, candidates: [Candidate]) -> Decision {
        let best = candidates.first { $0.similarity >= threshold }
        return Decision(
            verdict: best.map { .replay($0.answer) } ?? .forward(.belowThreshold),
            evidence: Decision.Evidence(best: best?.id, similarity: best?.similarity, threshold: threshold, profile: .faq, guards: []))
    }
}
