@testable import Matching
import Testing

/// What a comparison says, and what it teaches.
struct AnswerEvidenceTests {
    @Test(arguments: [(7.0, AnswerEvidence.Verdict.same), (3, .same), (2.9, .undecided), (0, .undecided), (-2.9, .undecided), (-3, .different)])
    func oddsOfNineteenToOneAreAVerdict(_ logRatio: Double, _ verdict: AnswerEvidence.Verdict) {
        #expect(AnswerEvidence(logRatio: logRatio, basis: .likeness).verdict == verdict)
    }

    @Test func whatIsAsLikelyEitherWaySaysNothing() {
        #expect(AnswerEvidence.undecided.weight == 0)
        for prior in [0.01, 0.5, 0.99] { #expect(abs(AnswerEvidence.undecided.probability(prior: prior) - prior) < 1e-9) }
        let sure = AnswerEvidence(isSame: false)
        #expect(sure.weight > 0.99 && sure.probability(prior: 0.5) < 0.01)
        #expect(AnswerEvidence(logRatio: .nan, basis: .likeness) == AnswerEvidence(logRatio: 0, basis: .likeness))
        #expect(abs(AnswerEvidence(logRatio: .infinity, basis: .likeness).logRatio - 6.9078) < 1e-3)
    }
}

struct AnswerLikenessTests {
    @Test func itNeverFallsAsSimilarityGrows() {
        var likeness = AnswerLikeness()
        for number in 0..<300 {
            let ratios = (0..<140).map { likeness.logRatio(-0.4 + 0.01 * Double($0)) }
            #expect(ratios == ratios.sorted() && ratios.allSatisfy(\.isFinite))
            likeness.noteSame(Double(number * 37 % 100) / 100)
            likeness.noteOther(Double(number * 53 % 70) / 100)
        }
    }

    @Test func mostModelsAnswersAreToldApart() {
        let likeness = AnswerLikeness()
        #expect(likeness.logRatio(0.1) < -AnswerEvidence.decisive && likeness.logRatio(0.9) > AnswerEvidence.decisive)
        #expect(abs(likeness.logRatio(0.6)) < AnswerEvidence.decisive)
        #expect(likeness.area > 0.98 && !likeness.isBlind)
    }

    /// A subject so narrow that all answers are alike: what was a sure sign is none any more.
    @Test func whereOthersAreAsAlikeItIsBlind() {
        var likeness = AnswerLikeness()
        for _ in 0..<600 {
            likeness.noteSame(0.9)
            likeness.noteOther(0.9)
        }
        #expect(likeness.isBlind && abs(likeness.logRatio(0.9)) < 1)
        let text = AnswerClaims(String(repeating: "The proposal describes a broad set of measures. ", count: 12))
        let other = AnswerClaims(String(repeating: "The proposal describes a narrow set of measures. ", count: 12))
        #expect(AnswerComparison.compare(text, other, questions: [], similarity: 0.9, likeness: likeness) == .undecided)
    }

    /// A model that words the same answer very differently: what was a sign of another answer is none here.
    @Test func repeatsTeachWhatSameLooksLike() {
        var likeness = AnswerLikeness()
        let before = likeness.logRatio(0.5)
        for _ in 0..<24 { likeness.noteSame(0.5) }
        #expect(likeness.logRatio(0.5) > before + 1.5)
    }

    @Test func countsThatCannotBeAreRefused() {
        let sound = AnswerLikeness()
        #expect(AnswerLikeness(same: sound.same, other: sound.other) == sound)
        #expect(AnswerLikeness(same: [], other: sound.other) == nil)
        #expect(AnswerLikeness(same: sound.same.map { _ in -1 }, other: sound.other) == nil)
        #expect(AnswerLikeness(same: sound.same.map { _ in .nan }, other: sound.other) == nil)
        var odd = sound
        odd.noteSame(.nan)
        #expect(odd == sound)
    }
}

struct AnswerComparisonTests {
    private let likeness = AnswerLikeness()
    private func long(_ word: String) -> AnswerClaims {
        AnswerClaims((0..<12).map { "Step \($0): \(word) the second factor on the security page of your account." }.joined(separator: "\n"))
    }

    @Test func shortAnswersAreNeverTheSameBySimilarityAlone() {
        let (one, other) = (
            AnswerClaims("Open the security page and press the green button."), AnswerClaims("Open the security page and press the red one.")
        )
        #expect(AnswerComparison.compare(one, other, questions: [], similarity: 0.97, likeness: likeness) == .undecided)
        let far = AnswerComparison.compare(one, other, questions: [], similarity: 0.05, likeness: likeness)
        #expect(far.verdict == .undecided && far.logRatio < -2, "a hint")
        #expect(AnswerComparison.compare(one, other, questions: [], similarity: nil, likeness: likeness) == .undecided)
    }

    @Test func longOnesAreUnlessOneTurnsTheOtherRound() {
        #expect(AnswerComparison.compare(long("confirm"), long("check"), questions: [], similarity: 0.9, likeness: likeness).verdict == .same)
        #expect(AnswerComparison.compare(long("enable"), long("disable"), questions: [], similarity: 0.97, likeness: likeness) == .undecided)
        #expect(AnswerComparison.compare(long("confirm"), long("check"), questions: [], similarity: 0.1, likeness: likeness).verdict == .different)
    }

    @Test func equalTextsAreTheSameWhateverElse() {
        let text = AnswerClaims("It takes 3 days.")
        let evidence = AnswerComparison.compare(text, AnswerClaims("it takes  3 days"), questions: [], similarity: nil, likeness: likeness)
        #expect(evidence.verdict == .same && evidence.basis == .equal)
    }
}

/// Labels that are worth something stay.
struct LabelQueueTests {
    @Test func theMostTellingComesFirstAndTheOldestOfItsKind() {
        var queue = LabelQueue<Int>(capacity: 10)
        for (number, worth) in [LabelQueue<Int>.Worth.clearMiss, .nearMiss, .wouldServe, .clearMiss, .wouldServe].enumerated() {
            #expect(queue.push(number, worth: worth) == nil)
        }
        #expect(queue.count == 5)
        #expect((0..<6).map { _ in queue.pop() } == [2, 4, 1, 0, 3, nil])
    }

    @Test func clearMissesGiveWayAndWhatWouldBeServedDoesNot() {
        var queue = LabelQueue<Int>(capacity: 3)
        for number in 0..<3 { _ = queue.push(number, worth: .clearMiss) }
        #expect(queue.push(3, worth: .clearMiss) == 3, "among equals the new one is refused")
        #expect(queue.push(4, worth: .wouldServe) == 0)
        #expect(queue.push(5, worth: .nearMiss) == 1)
        #expect(queue.push(6, worth: .wouldServe) == 2)
        #expect(queue.push(7, worth: .wouldServe) == 5)
        #expect(queue.push(8, worth: .wouldServe) == 8)
        #expect(queue.count == 3)
        #expect((0..<4).map { _ in queue.pop() } == [4, 6, 7, nil])
    }

    @Test func itHoldsNoMoreThanItMay() {
        var queue = LabelQueue<Int>(capacity: 50)
        var (given, gone, taken) = (0, 0, 0)
        for number in 0..<5000 {
            given += 1
            if queue.push(number, worth: LabelQueue<Int>.Worth.allCases[number * 7 % 3]) != nil { gone += 1 }
            if number % 3 == 0, queue.pop() != nil { taken += 1 }
            #expect(queue.count <= 50)
        }
        #expect(given == gone + taken + queue.count)
    }
}

/// A traffic's own labels against what it inherited.
struct OwnEvidenceTests {
    /// Sure of itself: 2,000 labels above the cut, hardly one of them wrong.
    private var sure: ErrorGate {
        var gate = ErrorGate()
        for bin in 24..<48 { for _ in 0..<84 { gate.count(score: ErrorGate.floor(of: bin), isRight: true, weight: 1) } }
        return gate
    }

    @Test func aFewWrongAnswersAmongAFewCloseIt() {
        var gate = sure
        #expect(gate.cut(bound: 0.01).score.isFinite)
        for number in 0..<8 { gate.learn(score: 8.9, isRight: number % 4 != 0) }
        #expect(gate.cut(bound: 0.01) == .shut, "2 of 8 at the very top, whatever 2,000 others said")
        #expect(gate.ownError(above: 3).labels > 7.9 && abs(gate.ownError(above: 3).estimate - 0.25) < 1e-3)
    }

    @Test func oneMistakeOrARareOneDoesNot() {
        var gate = sure
        gate.learn(score: 8.9, isRight: false)
        for _ in 0..<120 { gate.learn(score: 8.9, isRight: true) }
        gate.learn(score: 8.9, isRight: false)
        #expect(gate.cut(bound: 0.01).score.isFinite)
    }

    @Test func wrongAnswersBelowOnlyRaiseIt() {
        var gate = sure
        for _ in 0..<4 { gate.learn(score: 3.1, isRight: false) }
        let cut = gate.cut(bound: 0.01)
        #expect(cut.score.isFinite && cut.score > 3.1)
    }

    @Test func whatIsInheritedIsNotOwn() {
        var taught = sure
        taught.learn(score: 5, isRight: false)
        var heir = ErrorGate()
        heir.inherit(taught, labels: 2000)
        #expect(heir.ownError(above: -3).labels == 0 && taught.ownError(above: -3).labels == 1)
    }

    /// Three of four comparisons look like another answer, as often as those of right answers do: the estimate is the truth and not the noise.
    @Test func aNoisyJudgeIsReckonedWith() {
        var gate = sure
        var wrong = 0.0
        for number in 0..<400 {
            // A fifth of right answers look different by 3 to 1 and the rest the same by 4 to 1.
            let evidence = AnswerEvidence(logRatio: number % 5 == 0 ? -1.0986 : 1.3863, basis: .likeness)
            let right = evidence.probability(prior: gate.chance(near: 6))
            wrong += 1 - right
            gate.learn(score: 6, right: right, weight: evidence.weight)
        }
        #expect(wrong / 400 < 0.01, "\(wrong / 400)")
        for _ in 0..<12 {
            let evidence = AnswerEvidence(isSame: false, basis: .likeness)
            gate.learn(score: 6, right: evidence.probability(prior: gate.chance(near: 6)), weight: evidence.weight)
        }
        #expect(gate.chance(near: 6) < 0.99)
    }

    @Test func whatNobodyComparedIsForwardedMoreOften() throws {
        var prior = Population(prior: Prior.shipped.first)
        for _ in 0..<30 { prior.noticeHit() }
        let fresh = prior.explorationRate
        #expect(fresh > 0.2)
        for _ in 0..<200 { prior.noticeHit() }
        #expect(prior.explorationRate == 0.5, "labels fall behind")
        let features = try #require(FeatureVector([1] + [Double](repeating: 0, count: Feature.allCases.count - 1)))
        for _ in 0..<100 { prior.learn(features, .undecided, wouldServe: true) }
        #expect(prior.explorationRate < 0.06 && prior.undecided == 100 && prior.observations == 0)
    }

    @Test func stateOfAnEarlierProgramIsRead() throws {
        // As written before own labels were told apart: without the words that came since.
        let population = Population(prior: Prior.shipped.first)
        var bytes = PopulationState.encode(population)
        let own = 8 * (2 * ErrorGate.binCount + 2 + 2 * AnswerLikeness.binCount)
        let tail = 8 + 2 * WordFrequencies.placeCount
        bytes.removeLast(8)
        let end = bytes.count - tail
        bytes.removeSubrange((end - own)..<end)
        bytes[0] = 1
        let sum = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: sum >> shift)) }
        #expect(try PopulationState.decode(bytes) == population)
    }
}
