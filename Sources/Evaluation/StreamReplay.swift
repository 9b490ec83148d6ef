package import Matching
package import SemanticCache

/// Replays a stream of prompts through a cache that begins empty, with one rule for when to serve.
///
/// The judge is the label: a fresh answer equals a cached one when their groups are equal. Everything else is what the proxy does: the eight
/// nearest wordings of the scope, the guards, the policy, aliases for answers that turn out the same.
package struct StreamReplay: Sendable {
    /// When to serve.
    package enum Rule: Hashable, Sendable {
        /// Similarity of at least `threshold`; with the hard guards where a profile is given.
        case threshold(Float, GuardProfile?)
        /// The calibrated policy, beginning with what the replay's prior says.
        case calibrated(bound: Double, GuardProfile)
        /// vCache after its paper, with or without alias wordings.
        case vCache(bound: Double, withAliases: Bool)
        /// Forwards everything and learns: what a prior is fitted on.
        case observe(GuardProfile)
    }

    /// A labelled decision, for fitting.
    package struct Sample: Sendable {
        package let features: FeatureVector
        package let isRight: Bool
        package let weight: Double

        package init(features: FeatureVector, isRight: Bool, weight: Double) {
            self.features = features
            self.isRight = isRight
            self.weight = weight
        }
    }

    package let rule: Rule
    package let prior: Prior?
    /// Looks a vector up; every prompt of the stream must have one.
    let vector: @Sendable (String) -> UnitVector?
    /// The verifier's logit for the asked and the cached prompt; `nil` without one.
    let verdict: (@Sendable (String, String) -> Double?)?
    let residue: ResidueGuard?
    /// Whether the verifier was not trained on a group. Only prompts of such groups become samples.
    let isUnseen: @Sendable (String) -> Bool
    /// Stands in for the verifier on prompts of the other groups; without it the verifier speaks on all.
    let drawn: DrawnVerdicts?
    let makeIndex: @Sendable () -> any VectorIndex

    init(
        rule: Rule, prior: Prior?, vector: @escaping @Sendable (String) -> UnitVector?, verdict: (@Sendable (String, String) -> Double?)?,
        residue: ResidueGuard? = nil, isUnseen: @escaping @Sendable (String) -> Bool = { _ in true }, drawn: DrawnVerdicts? = nil,
        makeIndex: @escaping @Sendable () -> any VectorIndex
    ) {
        self.rule = rule
        self.prior = prior
        self.vector = vector
        self.verdict = verdict
        self.residue = residue
        self.isUnseen = isUnseen
        self.drawn = drawn
        self.makeIndex = makeIndex
    }

    private struct Wording {
        let prompt: String
        let answer: EntryID
    }

    private struct CachedAnswer {
        let group: String
        var right = 0
        var wrong = 0
        var aliases = 0
        /// All labels of the answer's wordings: one curve for each answer.
        var labels = VCacheDecider.Labels()
    }

    private struct Cache {
        var wordings: [EntryID: Wording] = [:]
        var answers: [EntryID: CachedAnswer] = [:]
        var next: Int64 = 1

        mutating func identify() -> EntryID {
            defer { next += 1 }
            return EntryID(rawValue: next)
        }
    }

    /// The most alias wordings of one answer.
    private static let aliasLimit = 64
    /// Below this similarity nothing is looked at.
    package static let floor: Float = 0.5

    /// What a replay came to, and what it taught.
    package struct Run: Sendable {
        package var result = StreamResult()
        package var samples: [Sample] = []
        package var population: Population
    }

    /// Replays the items in order.
    ///
    /// - Parameter scope: of an item; items of different scopes never meet.
    package func run(_ items: [StreamItem], seed: UInt64, scope: (StreamItem) -> Scope) -> Run {
        var generator = SeededGenerator(seed: seed)
        var result = StreamResult()
        var samples: [Sample] = []
        var cache = Cache()
        let index = makeIndex()
        let prompts = PreparedPrompts(capacity: 1 << 20)
        var fitted = Population(prior: prior)
        var classes: [TextClass: Population] = [:]
        if case .calibrated(let bound, _) = rule { fitted.settle(bound: bound) }
        for (position, item) in items.enumerated() {
            guard let vector = vector(item.prompt), let asked = try? prompts.prepared(item.prompt) else { continue }
            // Texts that the prior was not fitted on are populations of their own.
            let textClass = fitted.speaks(for: asked.tokens.textClass) ? nil : asked.tokens.textClass
            var population = textClass.map { classes[$0] ?? newcomer } ?? fitted
            defer { if let textClass { classes[textClass] = population } else { fitted = population } }
            let scope = scope(item)
            let candidates = index.nearest(to: vector, in: scope, count: 8).compactMap { neighbour -> Candidate? in
                guard let wording = cache.wordings[neighbour.id], let answer = cache.answers[wording.answer] else { return nil }
                return Candidate(
                    id: neighbour.id, answer: wording.answer, query: wording.prompt, similarity: neighbour.similarity, right: answer.right,
                    wrong: answer.wrong)
            }
            let isSecondHalf = position >= items.count / 2
            let best = candidates.first
            let isRight = best.flatMap { cache.answers[$0.answer]?.group == item.group } ?? false
            let isPossible = candidates.contains { cache.answers[$0.answer]?.group == item.group }
            var decision = choose(item, candidates, population, isRight: isRight, &cache, &generator)
            if case .observe = rule { decision.serves = false }
            result.note(
                serves: decision.serves, isRight: isRight, isSecondHalf: isSecondHalf, isPossible: isPossible, isExplored: decision.isExplored)
            if let score = decision.score { population.notice(score: score) }
            population.notice(asked)
            if decision.serves {
                population.noticeHit()
                continue
            }
            if decision.isExplored { population.noticeExplored() }
            if let best, best.similarity >= Self.floor {
                if decision.learns {
                    result.judgeCalls += 1
                    if let features = decision.features {
                        population.learn(features, AnswerEvidence(isSame: isRight, basis: .equal), wouldServe: decision.isExplored)
                        if isUnseen(item.group) { samples.append(Sample(features: features, isRight: isRight, weight: 1)) }
                    }
                    if case .vCache = rule { cache.answers[best.answer]?.labels.add(Double(best.similarity), isRight: isRight) }
                    if isRight { cache.answers[best.answer]?.right += 1 } else { cache.answers[best.answer]?.wrong += 1 }
                }
            }
            remember(item, vector, scope, candidates, index, &cache, &result)
        }
        return Run(result: result, samples: samples, population: fitted)
    }

    /// A population without a prior.
    private var newcomer: Population {
        var population = Population(prior: nil)
        if case .calibrated(let bound, _) = rule { population.settle(bound: bound) }
        return population
    }

    private struct Choice {
        var serves = false
        var isExplored = false
        /// Whether the outcome of forwarding is a label.
        var learns = true
        var score: Double?
        var features: FeatureVector?
    }

    private func choose(
        _ item: StreamItem, _ candidates: [Candidate], _ population: Population, isRight: Bool, _ cache: inout Cache,
        _ generator: inout SeededGenerator
    ) -> Choice {
        guard let best = candidates.first else { return Choice(learns: false) }
        switch rule {
        case .threshold(let threshold, let profile):
            guard let profile else { return Choice(serves: best.similarity >= threshold) }
            let verdict = ThresholdPolicy(threshold: threshold, profile: profile, residue: residue)
                .decide(query: item.prompt, candidates: candidates).verdict
            return Choice(serves: verdict == .replay(best.answer))
        case .vCache(let bound, _):
            let forwarding = VCacheDecider(bound: bound).forwarding(Double(best.similarity), cache.answers[best.answer]?.labels ?? .init())
            return generator.unit() < forwarding ? Choice() : Choice(serves: true)
        case .calibrated(let bound, let profile):
            let logit = logit(item, best, isRight: isRight, &generator)
            return calibrated(item.prompt, candidates, population, bound, profile, logit, draw: generator.unit())
        case .observe(let profile):
            return calibrated(item.prompt, candidates, population, 1, profile, logit(item, best, isRight: isRight, &generator), draw: 1)
        }
    }

    /// The verifier's word on the best candidate, or what stands for it.
    private func logit(_ item: StreamItem, _ best: Candidate, isRight: Bool, _ generator: inout SeededGenerator) -> Double? {
        guard best.similarity >= Self.floor else { return nil }
        if let drawn, !isUnseen(item.group) { return drawn.logit(isRight: isRight, similarity: best.similarity, using: &generator) }
        return verdict?(item.prompt, best.query)
    }

    private func calibrated(
        _ prompt: String, _ candidates: [Candidate], _ population: Population, _ bound: Double, _ profile: GuardProfile, _ logit: Double?,
        draw: Double
    ) -> Choice {
        let policy = CalibratedPolicy(
            population: population, errorBound: bound, profile: profile, floor: Self.floor, draw: draw, prompts: Self.sharedPrompts,
            residue: residue)
        let decision = policy.decide(query: prompt, candidates: candidates, verdict: logit)
        let isGuarded = decision.evidence.guards.contains(where: \.isFired)
        let calibration = isGuarded ? nil : decision.evidence.calibration
        var choice = Choice(score: calibration?.score, features: calibration?.features)
        choice.isExplored = calibration?.isExplored ?? false
        choice.serves = decision.isReplay
        return choice
    }

    private static let sharedPrompts = PreparedPrompts(capacity: 1 << 20)

    /// A fresh answer becomes an alias of a near answer that is the same, else an answer of its own.
    private func remember(
        _ item: StreamItem, _ vector: UnitVector, _ scope: Scope, _ candidates: [Candidate], _ index: any VectorIndex, _ cache: inout Cache,
        _ result: inout StreamResult
    ) {
        let id = cache.identify()
        var answer = id
        if makesAliases {
            var near: [EntryID] = []
            for candidate in candidates where candidate.similarity >= Self.floor && !near.contains(candidate.answer) { near.append(candidate.answer) }
            result.judgeCalls += max(0, min(3, near.count) - 1)
            if let same = near.prefix(3).first(where: { cache.answers[$0]?.group == item.group }) { answer = same }
            if answer != id, cache.answers[answer]?.aliases ?? 0 >= Self.aliasLimit { return }
        } else if case .vCache = rule, let best = candidates.first, cache.answers[best.answer]?.group == item.group {
            // The paper's cache adds an entry only where the nearest one was wrong.
            return
        }
        if answer == id { cache.answers[id] = CachedAnswer(group: item.group) } else { cache.answers[answer]?.aliases += 1 }
        cache.wordings[id] = Wording(prompt: item.prompt, answer: answer)
        index.insert(id, vector, in: scope)
    }

    private var makesAliases: Bool {
        switch rule {
        case .calibrated, .observe: true
        case .vCache(_, let withAliases): withAliases
        case .threshold: false
        }
    }
}
