@testable import Matching
import SemanticCache
import Synchronization
import Testing

@Suite struct LearningTests {
    private func features(_ similarity: Double, replaced: Double = 0) throws -> FeatureVector {
        var values = [Double](repeating: 0, count: Feature.allCases.count)
        values[Feature.bias.rawValue] = 1
        values[Feature.similarity.rawValue] = similarity
        values[Feature.replacedWord.rawValue] = replaced
        return try #require(FeatureVector(values))
    }

    @Test func featuresMustBeFiniteAndComplete() {
        let count = Feature.allCases.count
        #expect(FeatureVector([Double](repeating: 0, count: count)) != nil)
        #expect(FeatureVector([Double](repeating: 0, count: count - 1)) == nil)
        #expect(FeatureVector([Double](repeating: 0, count: count - 1) + [.nan]) == nil)
        #expect(FeatureVector([Double](repeating: 0, count: count - 1) + [.infinity]) == nil)
    }

    @Test(arguments: [0, 1e-9, 0.1, 0.5, 1, 1.5, 2, 10, 1e6]) func exponentialAndLogarithmInvert(_ x: Double) {
        #expect(x == 0 || abs(Exponential.exp(Exponential.ln(x)) - x) <= 1e-12 * x)
        #expect(abs(Exponential.exp(-x) * Exponential.exp(min(x, 700)) - 1) < 1e-9 || x > 700)
        #expect(Exponential.ln(1) == 0 && Exponential.exp(0) == 1)
        #expect(abs(Exponential.exp(1) - 2.718281828459045) < 1e-15)
    }

    @Test func theModelLearnsWhatSeparates() throws {
        var model = LogisticModel(weights: [Double](repeating: 0, count: LogisticModel.dimension), variance: 1)
        for index in 0..<500 { model.learn(try features(index % 2 == 0 ? 0.8 : -0.8), isRight: index % 2 == 0) }
        let (near, far) = (try features(0.8), try features(-0.8))
        #expect(LogisticModel.probability(model.score(near)) > 0.95)
        #expect(LogisticModel.probability(model.score(far)) < 0.05)
        let isSound = model.covariance.allSatisfy { $0.isFinite }
        #expect(isSound)
    }

    @Test func thousandsOfEqualLabelsLeaveTheModelSound() throws {
        var model = LogisticModel(weights: [Double](repeating: 0, count: LogisticModel.dimension), variance: 1)
        for _ in 0..<60_000 { model.learn(try features(0.3), isRight: true) }
        let isSound = (model.weights + model.covariance).allSatisfy { $0.isFinite }
        #expect(isSound)
        let diagonal = (0..<LogisticModel.dimension).map { model.covariance[$0 * (LogisticModel.dimension + 1)] }
        let isBounded = diagonal.allSatisfy { $0 > 0 && $0 <= 4.01 }
        #expect(isBounded)
    }

    @Test func theUpperBoundIsChernoffs() {
        // No error in n labels: 1 - risk^(1/n).
        #expect(abs(ErrorGate.upperBound(estimate: 0, labels: 160) - 0.01001) < 1e-4)
        #expect(ErrorGate.upperBound(estimate: 0, labels: 0) > 0.99)
        #expect(ErrorGate.upperBound(estimate: 0.5, labels: 100) > 0.5)
        #expect(ErrorGate.upperBound(estimate: 1, labels: 10) == 1)
    }

    @Test func theGateOpensWhereLabelsAllow() {
        var gate = ErrorGate()
        #expect(gate.cut(bound: 0.01) == .shut)
        for _ in 0..<300 {
            gate.notice(score: 6)
            gate.learn(score: 6, isRight: true)
        }
        #expect(gate.cut(bound: 0.01).score <= 6)
        let before = gate.cut(bound: 0.01).score
        for index in 0..<300 {
            gate.notice(score: 2)
            gate.learn(score: 2, isRight: index % 3 != 0)
        }
        #expect(gate.cut(bound: 0.01).score > 2 && gate.cut(bound: 0.01).score <= 6)
        #expect(gate.cut(bound: 0.5).score <= 2)
        for _ in 0..<60 { gate.learn(score: 6, isRight: false) }
        #expect(gate.cut(bound: 0.01).score > before, "wrong answers shut it again")
    }

    /// Labels are many below the cut and few above: the estimate must follow traffic, not labels.
    @Test func theEstimateIsWeighedByTraffic() throws {
        var gate = ErrorGate()
        for index in 0..<1000 {
            gate.notice(score: 5)
            if index % 10 == 0 { gate.learn(score: 5, isRight: true) }
        }
        for index in 0..<100 {
            gate.notice(score: 4.1)
            gate.learn(score: 4.1, isRight: index % 10 != 0)
        }
        let error = try #require(gate.error(above: 4))
        #expect(abs(error.estimate - 0.0091) < 0.002)
    }

    @Test(arguments: [-.infinity, -3, -2.99, 0, 8.99, 9, .infinity] as [Double]) func everyScoreHasABin(_ score: Double) {
        #expect((0..<ErrorGate.binCount).contains(ErrorGate.bin(of: score)))
    }

    @Test func commonWordsAreNotRare() throws {
        var frequencies = WordFrequencies()
        for index in 0..<1000 {
            let prompt = try PreparedPrompt("card \(index % 50 == 0 ? "zebra" : "payment")")
            frequencies.add(prompt.places)
        }
        let card = frequencies.rarity(of: WordFrequencies.place(of: "card"), isFunctionWord: false)
        let zebra = frequencies.rarity(of: WordFrequencies.place(of: "zebra"), isFunctionWord: false)
        #expect(card < 0.1 && zebra > 0.4 && zebra <= 1)
        for _ in 0..<100_000 { frequencies.add([3]) }
        #expect(frequencies.prompts < 40_000)
    }

    @Test func stateReadsBackBitForBit() throws {
        var population = Population(prior: nil)
        for index in 0..<100 {
            population.notice(try PreparedPrompt("word \(index) another"))
            population.notice(score: 1)
            population.learn(try features(Double(index % 7) / 7), isRight: index % 3 == 0)
        }
        population.noticeHit()
        population.noticeExplored()
        let bytes = PopulationState.encode(population)
        #expect(bytes.count < 200_000)
        let read = try PopulationState.decode(bytes)
        #expect(read == population && PopulationState.encode(read) == bytes)
    }

    @Test func damagedStateIsRefused() {
        let bytes = PopulationState.encode(Population(prior: nil))
        #expect(throws: PopulationState.Failure.notAPopulation) { _ = try PopulationState.decode([]) }
        #expect(throws: PopulationState.Failure.notAPopulation) { _ = try PopulationState.decode(Array(bytes.dropLast())) }
        var torn = bytes
        torn[bytes.count / 2] ^= 1
        #expect(throws: PopulationState.Failure.checksum) { _ = try PopulationState.decode(torn) }
        var newer = bytes
        newer[0] = 9
        #expect(throws: PopulationState.Failure.version(found: 9, expected: 2)) { _ = try PopulationState.decode(newer) }
    }
}

@Suite struct CalibratedPolicyTests {
    private static let prior: Prior = {
        var weights = [Double](repeating: 0, count: Feature.allCases.count)
        weights[Feature.bias.rawValue] = 2
        weights[Feature.similarity.rawValue] = 4
        weights[Feature.verifier.rawValue] = 1
        var gate = ErrorGate()
        for _ in 0..<500 { gate.count(score: 3, isRight: true, weight: 1) }
        return Prior(embedder: "e", verifier: "", weights: weights, variance: 0.05, verdictFloor: 0, gate: gate, notes: [])
    }()

    private func policy(_ population: Population = Population(prior: prior), draw: Double = 0.5) -> CalibratedPolicy {
        CalibratedPolicy(population: population, errorBound: 0.01, profile: .default, floor: 0.5, draw: draw, prompts: PreparedPrompts())
    }

    private func candidate(_ query: String, _ similarity: Float, id: Int64 = 1, answer: Int64? = nil) -> Candidate {
        Candidate(id: EntryID(rawValue: id), answer: answer.map { EntryID(rawValue: $0) }, query: query, similarity: similarity)
    }

    private let asked = "How do I reset my password?"

    @Test func aPriorServesTheFirstRewording() throws {
        let decision = policy(draw: 0).decide(query: asked, candidates: [candidate("how can I reset my password", 0.95)], verdict: 4)
        #expect(decision.verdict == .replay(EntryID(rawValue: 1)))
        let calibration = try #require(decision.evidence.calibration)
        #expect(calibration.score >= calibration.cut.score && calibration.cut.upperBound <= 0.01)
    }

    @Test func withoutAPriorNothingIsServed() {
        let decision = policy(Population(prior: nil)).decide(query: asked, candidates: [candidate(asked, 1)])
        #expect(decision.verdict == .forward(.belowCut))
    }

    @Test func anAliasServesItsEntry() {
        let decision = policy().decide(query: asked, candidates: [candidate("how can I reset my password", 0.97, id: 9, answer: 4)], verdict: 4)
        #expect(decision.verdict == .replay(EntryID(rawValue: 4)))
        #expect(decision.evidence.best == EntryID(rawValue: 9))
    }

    @Test func guardsStandBeforeTheScore() {
        let decision = policy().decide(query: "Where is order 48213?", candidates: [candidate("Where is order 48231?", 0.99)], verdict: 9)
        #expect(decision.verdict == .forward(.numbersDiffer))
    }

    @Test func aGoodVerdictServesBelowTheCutInInfancy() {
        let far = candidate("ways to get a new password for my login", 0.55)
        #expect(policy().decide(query: asked, candidates: [far], verdict: nil).verdict == .forward(.belowCut))
        #expect(policy().decide(query: asked, candidates: [far], verdict: 3).verdict == .replay(EntryID(rawValue: 1)))
        #expect(policy(Population(prior: nil)).decide(query: asked, candidates: [far], verdict: 9).verdict == .forward(.belowCut))
    }

    @Test func aDoubtfulVerdictForwardsInInfancy() {
        let decision = policy().decide(query: asked, candidates: [candidate(asked, 1)], verdict: -0.4)
        #expect(decision.verdict == .forward(.verifierDoubts))
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, 0.49]) func aSimilarityThatIsNoneIsForwarded(_ similarity: Float) {
        #expect(policy().decide(query: asked, candidates: [candidate(asked, similarity)]).verdict == .forward(.belowThreshold))
    }

    @Test func emptyAndEndlessPromptsAreForwarded() {
        #expect(policy().decide(query: " ", candidates: [candidate(asked, 1)]).verdict == .forward(.notText))
        #expect(policy().decide(query: String(repeating: "a", count: 1 << 20), candidates: [candidate(asked, 1)]).verdict == .forward(.queryTooLong))
        #expect(policy().decide(query: asked, candidates: []).verdict == .forward(.emptyScope))
    }

    @Test func chanceDecidesExplorationAlone() {
        var population = Population(prior: Self.prior)
        for _ in 0..<20 { population.noticeHit() }
        let candidates = [candidate("how can I reset my password", 0.97)]
        #expect(policy(population, draw: 0).decide(query: asked, candidates: candidates, verdict: 4).verdict == .forward(.explored))
        #expect(policy(population, draw: 0.99).decide(query: asked, candidates: candidates, verdict: 4).verdict == .replay(EntryID(rawValue: 1)))
        #expect(
            policy(population, draw: 0.3).decide(query: asked, candidates: candidates, verdict: 4)
                == policy(population, draw: 0.3).decide(query: asked, candidates: candidates, verdict: 4))
    }

    @Test func aVerdictIsWaitedForOnlyWhereItCouldServe() {
        let far = policy().prepare(query: asked, candidates: [candidate("ways to get a new password for my login", 0.55)])
        #expect(far.canServe)
        #expect(far.decide(verdict: nil).verdict == .forward(.belowCut) && far.decide(verdict: 3).verdict == .replay(EntryID(rawValue: 1)))
        #expect(!policy().prepare(query: "Where is order 48213?", candidates: [candidate("Where is order 48231?", 0.99)]).canServe)
        #expect(!policy().prepare(query: asked, candidates: [candidate(asked, 0.49)]).canServe)
        #expect(!policy().prepare(query: asked, candidates: []).canServe)
        var population = Population(prior: Self.prior)
        for _ in 0..<20 { population.noticeHit() }
        let explored = policy(population, draw: 0).prepare(query: asked, candidates: [candidate("how can I reset my password", 0.97)])
        #expect(explored.canServe && explored.decide(verdict: 4).verdict == .forward(.explored))
    }

    /// What a guard that fired has seen is no less a lesson: the features are whole there too.
    @Test(arguments: [nil, 9, .nan] as [Double?]) func aVerdictStandsInTheFeaturesWhateverTheGuardsSay(_ logit: Double?) throws {
        let decision = policy().decide(query: "Where is order 48213?", candidates: [candidate("Where is order 48231?", 0.99)], verdict: logit)
        let features = try #require(decision.evidence.calibration?.features)
        #expect(features[.verifier] == (logit == 9 ? 2 : Feature.absentVerdict))
    }

    @Test func theGuardsAreAskedOnceHoweverOftenItIsDecided() {
        let texts = Mutex<[String]>([])
        let policy = CalibratedPolicy(
            population: Population(prior: Self.prior), errorBound: 0.01, profile: .default, floor: 0.5, draw: 1, prompts: PreparedPrompts(),
            residue: ResidueGuard { text in
                texts.withLock { $0.append(text) }
                return []
            })
        let prepared = policy.prepare(query: asked, candidates: [candidate("how can I reset my password", 0.97)])
        #expect(prepared.canServe && prepared.decide(verdict: 4).verdict == .replay(EntryID(rawValue: 1)))
        #expect(texts.withLock { $0.count } == 2)
    }

    @Test func inheritingKeepsTheEvidenceSmall() {
        var global = Population(prior: Self.prior)
        global.settle(bound: 0.01)
        let heir = Population(inheriting: global)
        #expect(heir.gate.labelCount <= Population.inheritedLabels + 1e-6)
        #expect(heir.observations == 0 && heir.cut(bound: 0.01).score < .infinity)
    }
}
