@testable import Cache
import HTTPTypes
@testable import Learning
@testable import Matching
@testable import Proxy
import SemanticCache
import Synchronization
import Testing
import TestSupport
import WireFormats

/// A person's word on a request that was forwarded although an entry was near.
struct NearMissFeedbackTests {
    private static let (first, reworded) = (LearnerBench.first, LearnerBench.reworded)

    /// A cache that serves no rewording yet, with one near miss under the id `near`.
    private func bench(_ reworded: String = reworded, verifier: (any Verifier)? = nil) async throws -> (LearnerBench, EntryID) {
        let bench = LearnerBench(prior: nil, judging: nil, verifier: verifier)
        _ = await bench.ask(Self.first)
        let entry = try #require(bench.cache.all.first?.id)
        #expect(await bench.ask(reworded, id: "near")[.xCache] == "MISS")
        return (bench, entry)
    }

    @Test(arguments: [true, false]) func aVerdictIsOneLabelOfThePopulation(_ isSame: Bool) async throws {
        let (bench, entry) = try await bench()
        let miss = try #require(bench.learner.openNearMisses(limit: 5).first)
        #expect(miss.requestID == "near" && miss.entry == entry && miss.asked == Self.reworded && miss.cached == Self.first)
        let before = bench.learner.state.withLock { ($0.populations.values.first, $0.global) }
        let subject = try await bench.learner.feedback(entry: entry, requestID: "near", isRight: isSame, tenant: nil)
        #expect(subject == .nearMiss)
        // The same label, put into a copy by hand.
        let features = try #require(miss.lesson?.features)
        var (expected, global) = before
        expected?.learn(features, isRight: isSame)
        global.learn(features, isRight: isSame)
        let after = bench.learner.state.withLock { ($0.populations.values.first, $0.global) }
        #expect(after.0 == expected && after.1 == global)
        #expect(bench.observations == [1] && bench.learner.report.observations == 1)
        #expect(bench.learner.report.counts.labels == 1 && bench.learner.report.counts.right == (isSame ? 1 : 0))
        #expect(bench.cache.metadata(entry)?.scope != nil, "the entry stays in reach")
        #expect(bench.learner.openNearMisses(limit: 5).isEmpty)
        #expect(bench.learner.nearMisses(limit: 5).first?.isSame == isSame)
    }

    @Test func theSameQuestionMakesAnAlias() async throws {
        let (bench, entry) = try await bench()
        let fresh = try #require(bench.cache.all.first { $0.id != entry }?.id)
        _ = try await bench.learner.feedback(entry: entry, requestID: "near", isRight: true, tenant: nil)
        #expect(bench.learner.state.withLock { $0.groups.root(of: fresh) } == entry)
        let (other, nearest) = try await self.bench()
        let second = try #require(other.cache.all.first { $0.id != nearest }?.id)
        _ = try await other.learner.feedback(entry: nearest, requestID: "near", isRight: false, tenant: nil)
        #expect(other.learner.state.withLock { $0.groups.root(of: second) } == second)
    }

    @Test func aSecondVerdictIsRefused() async throws {
        let (bench, entry) = try await bench()
        _ = try await bench.learner.feedback(entry: entry, requestID: "near", isRight: true, tenant: nil)
        await #expect(throws: MatchLearner.FeedbackError.alreadyJudged) {
            try await bench.learner.feedback(entry: entry, requestID: "near", isRight: false, tenant: nil)
        }
        #expect(bench.observations == [1] && bench.learner.report.counts.labels == 1)
    }

    @Test func onlyOneOfManyAtOnceIsHeard() async throws {
        let (bench, entry) = try await bench()
        let heard = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<16 {
                group.addTask {
                    (try? await bench.learner.feedback(entry: entry, requestID: "near", isRight: number % 2 == 0, tenant: nil)) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(heard == 1 && bench.observations == [1])
    }

    @Test func strangersAndUnknownOnesAreRefused() async throws {
        let (bench, entry) = try await bench()
        let stranger = bench.pipeline.tenant(authorization: "Bearer somebody else")
        await #expect(throws: MatchLearner.FeedbackError.unknownEntry) {
            try await bench.learner.feedback(entry: entry, requestID: "near", isRight: true, tenant: stranger)
        }
        await #expect(throws: MatchLearner.FeedbackError.unknownRequest) {
            try await bench.learner.feedback(entry: entry, requestID: "never came", isRight: true, tenant: nil)
        }
        // The stranger's own entry under the other's request: neither is told of the other's.
        let theirs: HTTPFields = [.authorization: "Bearer somebody else"]
        _ = await bench.ask(Self.first, id: "theirs", fields: theirs)
        let own = try #require(bench.cache.all.first { $0.tenant == stranger }?.id)
        await #expect(throws: MatchLearner.FeedbackError.unknownRequest) {
            try await bench.learner.feedback(entry: own, requestID: "near", isRight: true, tenant: stranger)
        }
        #expect(bench.learner.report.observations == 0 && bench.learner.openNearMisses(limit: 5).count == 1)
    }

    @Test func anotherTenantsHitIsNotNamed() async throws {
        let bench = LearnerBench()
        let (one, two): (HTTPFields, HTTPFields) = ([.authorization: "Bearer one"], [.authorization: "Bearer two"])
        _ = await bench.ask(Self.first, fields: one)
        #expect(await bench.ask(Self.reworded, id: "shared", fields: one)[.xCacheMatch] == "semantic")
        _ = await bench.ask(Self.first, fields: two)
        let tenant = bench.pipeline.tenant(authorization: "Bearer two")
        let own = try #require(bench.cache.all.first { $0.tenant == tenant }?.id)
        await #expect(throws: MatchLearner.FeedbackError.unknownRequest) {
            try await bench.learner.feedback(entry: own, requestID: "shared", isRight: false, tenant: tenant)
        }
        #expect(bench.cache.metadata(own)?.scope != nil)
    }

    @Test func anExpiredEntryIsRefused() async throws {
        let (bench, entry) = try await bench()
        bench.clock.advance(by: .seconds(400 * 86_400))
        #expect(bench.learner.openNearMisses(limit: 5).isEmpty)
        await #expect(throws: MatchLearner.FeedbackError.unknownEntry) {
            try await bench.learner.feedback(entry: entry, requestID: "near", isRight: true, tenant: nil)
        }
        #expect(bench.learner.report.observations == 0)
    }

    /// What nobody can judge any more is not listed, and the prompts that it quotes are not kept.
    @Test(arguments: [true, false]) func nearMissesOfTheGoneAreForgotten(_ expires: Bool) async throws {
        let (bench, entry) = try await bench()
        #expect(bench.learner.nearMisses(limit: 5).count == 1)
        if expires { bench.clock.advance(by: .seconds(400 * 86_400)) } else { bench.cache.remove([entry], as: nil) }
        #expect(bench.learner.nearMisses(limit: 5).isEmpty)
        #expect(bench.learner.state.withLock { $0.nearMisses.all.isEmpty })
    }

    /// Also where nobody asks for them.
    @Test func theGoneAreForgottenBehindTheRequests() async throws {
        let (bench, entry) = try await bench()
        bench.cache.remove([entry], as: nil)
        try await bench.learning {
            try await bench.until { bench.learner.state.withLock { $0.nearMisses.all.isEmpty } }
        }
    }

    @Test func whatAGuardForwardedTeachesNothing() async throws {
        let (bench, entry) = try await bench("how do I not reset my account password")
        let miss = try #require(bench.learner.nearMisses(limit: 5).first)
        #expect(!miss.isOpen && !miss.findings.isEmpty)
        await #expect(throws: MatchLearner.FeedbackError.nothingToLearn(reason: miss.reason)) {
            try await bench.learner.feedback(entry: entry, requestID: "near", isRight: true, tenant: nil)
        }
        #expect(bench.learner.report.observations == 0)
    }

    @Test func theLabelHearsTheVerifierWhereThePathDidNot() async throws {
        let (bench, entry) = try await bench(verifier: ScriptedVerifier { _ in .success(3) })
        let miss = try #require(bench.learner.openNearMisses(limit: 1).first)
        let before = try #require(bench.learner.state.withLock { $0.populations.values.first })
        _ = try await bench.learner.feedback(entry: entry, requestID: "near", isRight: true, tenant: nil)
        let told = try #require(miss.lesson?.features.settingVerdict(3))
        var expected = before
        expected.learn(told, isRight: true)
        #expect(bench.learner.state.withLock { $0.populations.values.first } == expected)
    }

    @Test func enoughVerdictsOpenTheGate() async throws {
        let bench = LearnerBench(prior: nil, judging: nil)
        let words = ["how", "do", "i", "reset", "my", "account", "password", "please", "today's", "again"]
        var next = 0
        // Distinct questions in scopes of their own, each with one rewording.
        while bench.learner.populations.first?.state != .open, next < 400 {
            let field: HTTPFields = [.cacheNamespace: "n"]
            let tag = "topic\(String(UnicodeScalar(UInt8(97 + next / 26 % 26))))\(String(UnicodeScalar(UInt8(97 + next % 26))))"
            _ = await bench.ask((words.prefix(8) + [tag]).joined(separator: " "), fields: field)
            _ = await bench.ask(([tag] + words.prefix(8)).joined(separator: " "), id: "near-\(next)", fields: field)
            if let miss = bench.learner.openNearMisses(limit: 1).first, miss.requestID == "near-\(next)" {
                _ = try await bench.learner.feedback(entry: miss.entry, requestID: miss.requestID, isRight: true, tenant: nil)
            }
            next += 1
        }
        let report = try #require(bench.learner.populations.first)
        #expect(report.state == .open && report.cut != nil && report.observations > 50, "\(report)")
    }
}

/// What is shown of the populations.
struct PopulationReportTests {
    @Test func eachKindOfTrafficHasItsOwnName() async throws {
        let bench = LearnerBench(judging: nil)
        for model in ["gpt-one", "gpt-two"] {
            _ = await bench.ask(LearnerBench.first, model: model, fields: [.cacheNamespace: "help.desk"])
            for _ in 0..<3 { _ = await bench.ask(LearnerBench.reworded, model: model, fields: [.cacheNamespace: "help.desk"]) }
        }
        let found = bench.learner.populations
        #expect(Set(found.map(\.model)) == ["gpt-one", "gpt-two"])
        #expect(found.allSatisfy { $0.namespace == "help.desk" && $0.hits == 3 && $0.state == .open })
        #expect(found.allSatisfy { $0.cut == found[0].cut && ($0.upperBound ?? 1) <= $0.errorBound && $0.exploredShare == 0 })
        let shut = LearnerBench(prior: nil, judging: nil)
        _ = await shut.ask(LearnerBench.first)
        _ = await shut.ask(LearnerBench.reworded)
        let report = try #require(shut.learner.populations.first)
        #expect(report.state == .shut && report.cut == nil && report.estimatedError == nil && report.observations == 0)
    }

    /// What was learned is kept under the key: another one would forget it all.
    @Test func keysStayWhatTheyAre() throws {
        let tenant = try TenantID(#require(Digest256(bytes: UInt8(0)..<32)))
        let name = PopulationName(
            tenant: tenant, endpoint: .chatCompletions, namespace: "help", model: "gpt-test", instructions: 0x0123_4567_89ab_cdef)
        #expect(name.key.description == "96bed9fadf0e908d7a669a363820d70c")
        let english = TextClass(language: .english, length: .short, shape: .sentences)
        #expect(name.of(english) == name, "what the prior was fitted on is the kind itself")
        let latin = name.of(TextClass(language: .otherLatin, length: .short, shape: .ask))
        #expect(latin.key != name.key && latin.ofAnyText == name)
        #expect(PopulationName(line: name.line) == name && PopulationName(line: latin.line) == latin)
        #expect(PopulationName(line: name.line + "\tno such class") == nil)
    }

    @Test func aStoreThatFailsIsGivenEverythingAgain() async {
        let store = FaultyStore()
        let bench = LearnerBench(judging: nil, store: store)
        let (alias, answer) = (EntryID(rawValue: 1), EntryID(rawValue: 2))
        bench.learner.state.withLock { $0.groups.join(alias, to: answer) }
        store.fail(with: .cannotWrite(reason: "disk full"))
        await bench.learner.save()
        store.fail(with: nil)
        await bench.learner.save()
        let second = LearnerBench(judging: nil, store: store)
        await second.learner.restore()
        #expect(second.learner.state.withLock { $0.groups.root(of: alias) } == answer)
    }

    @Test func namesSurviveARestart() async throws {
        let store = FaultyStore()
        let bench = LearnerBench(judging: nil, store: store)
        let odd = "tab\\tand % and ä"
        _ = await bench.ask(LearnerBench.first, model: odd)
        _ = await bench.ask(LearnerBench.reworded, model: odd)
        await bench.learner.save()
        let second = LearnerBench(judging: nil, store: store)
        await second.learner.restore()
        #expect(second.learner.populations.map(\.model) == ["tab\tand % and ä"])
    }
}
