@testable import Matching
import SemanticCache
import Testing

@Suite struct ThresholdPolicyTests {
    private let policy = ThresholdPolicy(threshold: 0.9, profile: .default)

    private func candidate(_ query: String, _ similarity: Float, id: Int64 = 1) -> Candidate {
        Candidate(id: EntryID(rawValue: id), query: query, similarity: similarity)
    }

    @Test func aRewordingAboveTheThresholdIsReplayed() {
        let decision = policy.decide(query: "How do I reset my password?", candidates: [candidate("how can I reset my password", 0.95)])
        #expect(decision.verdict == .replay(EntryID(rawValue: 1)))
        #expect(decision.evidence.best == EntryID(rawValue: 1))
        #expect(decision.evidence.similarity == 0.95)
        #expect(decision.evidence.threshold == 0.9)
        #expect(decision.evidence.guards.count == GuardProfile.default.guards().count)
        #expect(decision.evidence.findings.isEmpty)
    }

    @Test func noCandidateIsAnEmptyScope() {
        let decision = policy.decide(query: "hello", candidates: [])
        #expect(decision.verdict == .forward(.emptyScope))
        #expect(decision.evidence.best == nil && decision.evidence.similarity == nil)
    }

    @Test(arguments: [0.8999 as Float, -1, 0, .nan, .infinity, -.infinity])
    func whatIsNotAtLeastTheThresholdIsForwarded(_ similarity: Float) {
        #expect(policy.decide(query: "same", candidates: [candidate("same", similarity)]).verdict == .forward(.belowThreshold))
    }

    @Test func theThresholdItselfIsServed() {
        #expect(policy.decide(query: "same", candidates: [candidate("same", 0.9)]).verdict == .replay(EntryID(rawValue: 1)))
    }

    @Test func aThresholdThatIsNoNumberServesNothing() {
        let policy = ThresholdPolicy(threshold: .nan, profile: .default)
        #expect(policy.decide(query: "same", candidates: [candidate("same", 1)]).verdict == .forward(.belowThreshold))
    }

    @Test func theSecondCandidateIsNeverTried() {
        let decision = policy.decide(
            query: "Where is order 48213?",
            candidates: [candidate("Where is order 48231?", 0.99, id: 1), candidate("Where is order 48213?", 0.98, id: 2)])
        #expect(decision.verdict == .forward(.numbersDiffer))
        #expect(decision.evidence.findings == ["numbers differ: 48213 / 48231"])
    }

    @Test func similarityIsToldBeforeTheGuards() {
        let decision = policy.decide(query: "Where is order 48213?", candidates: [candidate("Where is order 48231?", 0.5)])
        #expect(decision.verdict == .forward(.belowThreshold))
        #expect(decision.evidence.findings == ["numbers differ: 48213 / 48231"])
    }

    @Test(arguments: [
        ("enable it", "disable it", MissReason.polarityDiffers), ("order 1", "order 2", .numbersDiffer), ("run `a_b`", "run `a_c`", .codeDiffers),
        ("hello", "привет", .languageDiffers), ("is the Zork new", "is the Blat new", .namesDiffer),
        ("capital of iran", "capital of iraq", .namesDiffer),
        ("from zork to blat", "from blat to zork", .orderDiffers),
    ])
    func theFirstGuardThatFiresGivesTheReason(_ query: String, _ cached: String, _ reason: MissReason) {
        #expect(policy.decide(query: query, candidates: [candidate(cached, 1)]).verdict == .forward(reason))
    }

    @Test func profilesDifferInTheirGuards() {
        let swap = [candidate("does the hotel have a zork", 0.95)]
        let names = [candidate("is the Blat new", 0.95)]
        for (profile, swapped, named) in [(GuardProfile.faq, true, true), (.default, true, false), (.strict, false, false)] {
            let policy = ThresholdPolicy(threshold: 0.9, profile: profile)
            #expect((policy.decide(query: "does the hotel have a blat", candidates: swap).verdict == .replay(EntryID(rawValue: 1))) == swapped)
            #expect((policy.decide(query: "is the Zork new", candidates: names).verdict == .replay(EntryID(rawValue: 1))) == named)
        }
        #expect(
            ThresholdPolicy(threshold: 0.9, profile: .strict).decide(query: "does the hotel have a blat", candidates: swap).verdict
                == .forward(.wordReplaced))
    }

    @Test(arguments: ["", "   ", "\n\t"]) func anEmptyPromptIsNotCompared(_ prompt: String) {
        #expect(policy.decide(query: prompt, candidates: [candidate("x", 1)]).verdict == .forward(.notText))
        #expect(policy.decide(query: "x", candidates: [candidate(prompt, 1)]).verdict == .forward(.notText))
    }

    @Test(arguments: ["?", "🙂", "👩‍👩‍👧‍👦 🇩🇪", "\u{200B}\u{FEFF}", "e\u{301}\u{301}", "-", "'", "\"", "```", "$", "v", "0x", "-.", "1e999", "٣", "Ⅷ½"])
    func oddPromptsAreDecided(_ prompt: String) {
        #expect(policy.decide(query: prompt, candidates: [candidate(prompt, 1)]).verdict == .replay(EntryID(rawValue: 1)))
    }

    @Test func aMegabyteIsRefusedBeforeItIsRead() {
        let huge = String(repeating: "word ", count: 200_000)
        let elapsed = ContinuousClock().measure {
            for _ in 0..<100 {
                #expect(policy.decide(query: huge, candidates: [candidate("x", 1)]).verdict == .forward(.queryTooLong))
                #expect(policy.decide(query: "x", candidates: [candidate(huge, 1)]).verdict == .forward(.queryTooLong))
            }
        }
        #expect(elapsed < .seconds(30))
    }

    @Test(arguments: ["\"a ", "```", "` ", "'x ", "1.", "1,1", "- ", "not ", "from a to b ", "aB", "turn ", "one hundred ", "Paris ", "一"])
    func thePromptsAtTheBoundAreCheap(_ pattern: String) {
        let count = PromptTokens.maximumBytes / pattern.utf8.count
        let long = String(repeating: pattern, count: count)
        let elapsed = ContinuousClock().measure {
            _ = ThresholdPolicy(threshold: 0.9, profile: .strict).decide(query: long, candidates: [candidate(String(long.dropLast()), 1)])
        }
        #expect(elapsed < .seconds(60))
    }

    @Test func equalInputsGiveEqualDecisions() {
        for (a, b) in Wordings.allPairs {
            let first = policy.decide(query: a, candidates: [candidate(b, 0.93)])
            for _ in 0..<3 { #expect(policy.decide(query: a, candidates: [candidate(b, 0.93)]) == first) }
        }
    }

    @Test func anythingIsDecidedWithoutACrash() throws {
        var state: UInt64 = 42
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let pieces = Array("aZ9 .,:/-'\"`$£%°@#_()[]{}<>=!?é日ا👍\u{301}\u{200D}\n".unicodeScalars) + Array("oneamthkvnt".unicodeScalars)
        func prompt() -> String {
            var view = String.UnicodeScalarView()
            for _ in 0..<(1 + next(40)) { view.append(pieces[next(pieces.count)]) }
            return String(view)
        }
        let strict = GuardProfile.strict.guards()
        for _ in 0..<3000 {
            let a = prompt()
            let b = prompt()
            guard let first = try? PromptTokens(a), let second = try? PromptTokens(b) else { continue }
            for guardian in strict {
                let there = guardian.finding(in: PromptPair(asked: first, cached: second))
                let back = guardian.finding(in: PromptPair(asked: second, cached: first))
                #expect((there == nil) == (back == nil), "\(guardian.name): \(a.debugDescription) / \(b.debugDescription)")
                #expect(guardian.finding(in: PromptPair(asked: first, cached: first)) == nil, "\(guardian.name): \(a.debugDescription)")
            }
        }
    }
}
