@testable import Cache
import HTTPTypes
@testable import Learning
@testable import Matching
@testable import Proxy
import SemanticCache
import Synchronization
import Telemetry
import Testing
import TestSupport
import WireFormats

/// A sample of exact hits, asked afresh: how far the judge's word can be trusted.
struct NoiseFloorTests {
    /// A bench whose population has enough labels for sampling, and `share` as the share that is sampled.
    private func bench(share: Double, answer: @escaping @Sendable (String) -> String?) async throws -> LearnerBench {
        var learning = MatchLearner.Options.shipped
        learning.noiseSample = share
        let bench = LearnerBench(learning: learning, answer: answer)
        _ = await bench.ask(LearnerBench.first)
        for number in 0..<50 {
            let hit = await bench.ask(LearnerBench.reworded, id: "hit-\(number)")
            let id = try #require(hit[.xCacheEntry].flatMap { EntryID($0) })
            try await bench.learner.feedback(entry: id, requestID: "hit-\(number)", isRight: true, tenant: nil)
        }
        return bench
    }

    /// Answers are the same, then differ in a number.
    @Test func theJudgesDisagreementIsCounted() async throws {
        let count = Mutex(0)
        let bench = try await bench(share: 0.5) { _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return number <= 3 ? "It takes 3 days." : "It takes \(number) days."
        }
        try await bench.learning {
            bench.dial.turn(to: 0)
            for round in 1...4 {
                #expect(await bench.ask(LearnerBench.first)[.xCacheReason] == "explored")
                try await bench.until { bench.learner.report.counts.noiseSampled == round }
            }
        }
        let counts = bench.learner.report.counts
        // The second and third calls repeat the first; the fourth and fifth differ from what they replaced.
        #expect(counts.noiseSampled == 4 && counts.noiseDifferent == 2)
        #expect(bench.learner.report.observations == 50, "a sample is no label")
    }

    @Test func theClientGetsTheFreshAnswerAndItIsPaidFor() async throws {
        let bench = try await bench(share: 0.5) { _ in "It takes 3 days." }
        bench.dial.turn(to: 0)
        let before = bench.upstream.calls.count
        let sampled = await bench.ask(LearnerBench.first)
        #expect(sampled[.xCache] == "MISS" && bench.upstream.calls.count == before + 1)
        #expect(bench.metrics.snapshot.exactHits == 0)
    }

    @Test func theShareIsKept() async throws {
        let bench = try await bench(share: 0.25) { _ in "It takes 3 days." }
        // Chance is 53 bits of the number: below a quarter is sampled, from it on not.
        bench.dial.turn(to: UInt64(0.2499 * 0x1p63) << 1)
        #expect(await bench.ask(LearnerBench.first)[.xCacheReason] == "explored")
        bench.dial.turn(to: UInt64(0.2501 * 0x1p63) << 1)
        #expect(await bench.ask(LearnerBench.first)[.xCacheMatch] == "exact")
    }

    @Test func nothingIsSampledWhereItIsOffOrTooEarly() async throws {
        let off = try await bench(share: 0) { _ in "It takes 3 days." }
        off.dial.turn(to: 0)
        #expect(await off.ask(LearnerBench.first)[.xCacheMatch] == "exact")
        var learning = MatchLearner.Options.shipped
        learning.noiseSample = 1
        let early = LearnerBench(learning: learning)
        early.dial.turn(to: 0)
        _ = await early.ask(LearnerBench.first)
        #expect(await early.ask(LearnerBench.first)[.xCacheMatch] == "exact")
        let only = try await bench(share: 1) { _ in "It takes 3 days." }
        only.dial.turn(to: 0)
        #expect(await only.ask(LearnerBench.first, fields: [.cacheControl: "only-if-cached"])[.xCacheMatch] == "exact")
    }
}

/// A client that asks again for a fresh answer right after a hit may not have liked it.
struct RefreshEvidenceTests {
    private let noCache: HTTPFields = [.cacheControl: "no-cache"]

    private func bench() async -> LearnerBench {
        let bench = LearnerBench(judging: nil)
        _ = await bench.ask(LearnerBench.first)
        #expect(await bench.ask(LearnerBench.reworded, id: "hit")[.xCacheMatch] == "semantic")
        return bench
    }

    /// The bins' labels beyond what was inherited.
    private func evidence(_ bench: LearnerBench) -> (labels: Double, wrong: Double) {
        let gate = bench.learner.state.withLock { $0.populations.values.first?.gate }
        var inherited = ErrorGate()
        inherited.inherit(LearnerBench.prior.gate, labels: .infinity)
        var taken = ErrorGate()
        taken.inherit(inherited, labels: Population.inheritedLabels)
        let wrong = gate?.bins.reduce(0) { $0 + $1.wrong } ?? 0
        return ((gate?.labelCount ?? 0) - taken.labelCount, wrong)
    }

    @Test func withinAMinuteItIsAQuarterOfALabelAgainst() async {
        let bench = await bench()
        bench.clock.advance(by: .seconds(59))
        #expect(await bench.ask(LearnerBench.reworded, fields: noCache)[.xCache] == "MISS")
        #expect(bench.observations == [1])
        let evidence = evidence(bench)
        // What was there before fades a little with the label.
        #expect(abs(evidence.wrong - 0.25) < 1e-9 && evidence.labels < 0.25)
        #expect(bench.learner.report.observations == 0, "weak evidence stays with its population")
    }

    @Test func laterAndTwiceItIsNot() async {
        let late = await bench()
        late.clock.advance(by: .seconds(61))
        _ = await late.ask(LearnerBench.reworded, fields: noCache)
        #expect(late.observations == [0])
        let twice = await bench()
        for _ in 0..<3 { _ = await twice.ask(LearnerBench.reworded, fields: noCache) }
        #expect(twice.observations == [1])
    }

    @Test func anotherQuestionOrAnotherCallerIsNot() async {
        let bench = await bench()
        _ = await bench.ask(LearnerBench.first, fields: noCache)
        _ = await bench.ask("how might I reset my account password", fields: noCache)
        _ = await bench.ask(LearnerBench.reworded, fields: [.cacheControl: "no-cache", .authorization: "Bearer somebody else"])
        #expect(bench.observations == [0])
    }

    @Test func whoeverGaveAVerdictIsNotGuessedAt() async throws {
        let bench = await bench()
        let entry = try #require(bench.cache.all.first?.id)
        try await bench.learner.feedback(entry: entry, requestID: "hit", isRight: true, tenant: nil)
        _ = await bench.ask(LearnerBench.reworded, fields: noCache)
        #expect(bench.observations == [1])
    }
}

/// How many wordings one entry may answer, and how often an answer may be served, before the model is asked again.
struct WordingLimitTests {
    private static let words = ["how", "do", "i", "reset", "my", "account", "password", "please"]

    private func wording(_ turn: Int) -> String { (Self.words[turn...] + Self.words[..<turn]).joined(separator: " ") }

    @Test func oneWordingTooManyIsForwardedAndTeaches() async throws {
        var options = PipelineOptions.shipped
        options.maximumWordings = 2
        let bench = LearnerBench(options: options)
        try await bench.learning {
            _ = await bench.ask(wording(0))
            for turn in [1, 2, 1, 2] { #expect(await bench.ask(wording(turn))[.xCacheMatch] == "semantic") }
            #expect(await bench.ask(wording(3))[.xCacheReason] == "verification-due")
            try await bench.until { bench.learner.report.counts.labels == 1 }
        }
        #expect(bench.learner.report.counts.right == 1 && bench.observations == [1])
        // The count began anew.
        #expect(await bench.ask(wording(4))[.xCacheMatch] == "semantic")
    }

    /// All uses but the last are of one wording: what counts here is how often, not how many.
    @Test func anAnswerThatServedManyUncheckedIsChecked() async throws {
        var learning = MatchLearner.Options.shipped
        learning.uncheckedLimit = 20
        let bench = LearnerBench(learning: learning)
        try await bench.learning {
            _ = await bench.ask(LearnerBench.first)
            for _ in 0..<20 { #expect(await bench.ask(LearnerBench.reworded)[.xCacheMatch] == "semantic") }
            #expect(await bench.ask("how could I reset my account password")[.xCacheReason] == "explored")
            try await bench.until { bench.learner.report.counts.labels == 1 }
            #expect(await bench.ask(LearnerBench.reworded)[.xCacheMatch] == "semantic")
        }
    }
}

/// A model that is asked where words and embeddings do not tell.
struct JudgeModelTests {
    private static let question = #"{"model":"gpt-test","messages":[]}"#
    private static let instruction = "You compare two answers"

    private func entry(_ number: Int, _ text: String) -> Entry {
        Sample.entry(number, query: "what should I do", body: Array(ProxyBench.completion(text).utf8))
    }

    /// Near enough not to be called different, and not near enough to be called the same.
    private var unsurePair: (Entry, Entry) {
        (
            entry(1, "Open the settings page and choose security then reset."), entry(2, "Open the settings page and choose profile then change it.")
        )
    }

    private func judge(
        dailyCalls: Int = 10, model: String? = "gpt-4o-mini", clock: ManualClock = ManualClock(), metrics: ProxyMetrics? = nil,
        _ reply: @escaping @Sendable (Int) -> ScriptedUpstream.Reply
    ) -> (AnswerJudge, ScriptedUpstream) {
        let number = Mutex(0)
        let upstream = ScriptedUpstream { _, _ in
            reply(
                number.withLock { number in
                    number += 1
                    return number
                })
        }
        var options = AnswerJudge.Options.shipped
        options.model = model
        options.dailyCalls = dailyCalls
        return (AnswerJudge(options: options, embedder: HashingEmbedder(), upstream: upstream, clock: clock, metrics: metrics), upstream)
    }

    private static func says(_ word: String) -> ScriptedUpstream.Reply {
        .response(status: .ok, fields: [.contentType: "application/json"], chunks: [Array(ProxyBench.completion(word).utf8)])
    }

    @Test(
        arguments: zip(
            ["SAME", "same.", "Different", "DIFFERENT", "NOT THE SAME", "The answers are DIFFERENT, not the SAME", "perhaps"],
            [AnswerJudge.Verdict.same, .same, .different, .different, .unsure, .different, .unsure]))
    func itsWordCounts(_ word: String, _ verdict: AnswerJudge.Verdict) async throws {
        let (judge, upstream) = judge { _ in Self.says(word) }
        let (one, two) = unsurePair
        #expect(await judge.compare(one, two) == verdict)
        let call = try #require(upstream.calls.first)
        let body = String(decoding: call.body, as: UTF8.self)
        #expect(call.request.method == .post && call.request.target == "/chat/completions")
        for part in ["gpt-4o-mini", "what should I do", "choose security", "choose profile", "\"temperature\":0"] { #expect(body.contains(part)) }
        #expect(judge.counts.asked + judge.counts.failed == 1)
    }

    @Test func itIsNotAskedWhereWordsOrEmbeddingsTell() async {
        let (judge, upstream) = judge { _ in Self.says("SAME") }
        #expect(await judge.compare(entry(1, "Open the settings."), entry(2, "open  the settings!")) == .same)
        #expect(await judge.compare(entry(1, "It takes 3 days."), entry(2, "It takes 4 days.")) == .different)
        #expect(await judge.compare(entry(1, "Paris is in France"), entry(2, "Bananas grow where summers last")) == .different)
        #expect(upstream.calls.isEmpty)
        #expect(judge.counts.equal == 1 && judge.counts.embedded == 2)
    }

    @Test func withoutAModelOrBudgetItCountsAsDifferent() async {
        let (none, unasked) = judge(model: nil) { _ in Self.says("SAME") }
        #expect(await none.compare(unsurePair.0, unsurePair.1) == .unsure)
        #expect(unasked.calls.isEmpty && none.counts.unsure == 1)
        let clock = ManualClock()
        let (judge, upstream) = judge(dailyCalls: 2, clock: clock) { _ in Self.says("SAME") }
        for _ in 0..<2 { #expect(await judge.compare(unsurePair.0, unsurePair.1) == .same) }
        #expect(await judge.compare(unsurePair.0, unsurePair.1) == .unsure)
        #expect(upstream.calls.count == 2)
        clock.advance(by: .seconds(86_400))
        #expect(await judge.compare(unsurePair.0, unsurePair.1) == .same)
    }

    @Test func aFailureIsUnsureAndCosts() async throws {
        let metrics = ProxyMetrics()
        let (judge, _) = judge(metrics: metrics) { number in
            switch number {
            case 1: .failure(.unreachable("as scripted"))
            case 2: .response(status: .tooManyRequests, fields: [:], chunks: [])
            case 3: .response(status: .ok, fields: [:], chunks: [Array("no JSON".utf8)])
            default: Self.says("SAME")
            }
        }
        for _ in 0..<3 { #expect(await judge.compare(unsurePair.0, unsurePair.1) == .unsure) }
        #expect(judge.counts.failed == 3 && metrics.snapshot.costs[.judge] == .zero)
        #expect(await judge.compare(unsurePair.0, unsurePair.1) == .same)
        let price = try #require(metrics.prices.price(of: "gpt-4o-mini"))
        #expect(metrics.snapshot.costs[.judge] == price.cost(of: TokenUsage(prompt: 9, completion: 4)))
        #expect(metrics.snapshot.net < .zero, "what the judge costs is taken off")
        for accounts in [metrics.modelAccounts, metrics.tenantAccounts] {
            #expect(accounts.map(\.figures.cost) == [price.cost(of: TokenUsage(prompt: 9, completion: 4))], "also by model and by tenant")
        }
        #expect(metrics.modelAccounts.first?.name == unsurePair.0.model)
    }

    /// The whole way: a request that was forwarded, its answer unlike the cached one, and the model's word as the label.
    @Test(arguments: ["SAME", "DIFFERENT"]) func itsWordIsTheLabel(_ word: String) async throws {
        var judging = AnswerJudge.Options.shipped
        judging.model = "judge-model"
        let bench = LearnerBench(prior: nil, judging: judging) { body in
            if body.contains("judge-model") { return word }
            return body.contains("how do")
                ? "Open the settings page and choose security then reset."
                : "Open the settings page and choose profile then change it."
        }
        try await bench.learning {
            _ = await bench.ask(LearnerBench.first)
            _ = await bench.ask(LearnerBench.reworded)
            try await bench.until { bench.learner.report.counts.labels == 1 }
        }
        #expect(bench.learner.report.judge.asked == 1 && bench.learner.report.counts.right == (word == "SAME" ? 1 : 0))
    }
}

/// How many wordings stand for one answer.
struct AliasLimitTests {
    private func id(_ number: Int) -> EntryID { EntryID(rawValue: Int64(number)) }

    @Test func anAnswerHasAtMostItsAliases() {
        var groups = AnswerGroups()
        for number in 1...AnswerGroups.aliasLimit { groups.join(id(number), to: id(0)) }
        #expect((1...AnswerGroups.aliasLimit).allSatisfy { groups.root(of: id($0)) == id(0) })
        groups.join(id(500), to: id(0))
        groups.join(id(501), to: id(1))
        #expect(groups.root(of: id(500)) == id(500) && groups.root(of: id(501)) == id(501), "also by way of an alias")
        groups.join(id(501), to: id(500))
        #expect(groups.root(of: id(501)) == id(500), "the next answer has aliases of its own")
    }

    @Test func groupsStayFlat() {
        var groups = AnswerGroups()
        groups.join(id(1), to: id(0))
        groups.join(id(0), to: id(9))
        groups.join(id(1), to: id(9))
        groups.join(id(0), to: id(0))
        #expect(groups.root(of: id(1)) == id(0) && groups.root(of: id(0)) == id(0))
        groups.note(id(1), isRight: true)
        groups.note(id(0), isRight: false)
        #expect(groups.history(of: id(1)) == (1, 1))
    }

    @Test func theLimitHoldsOverARestart() {
        var groups = AnswerGroups()
        for number in 1...AnswerGroups.aliasLimit { groups.join(id(number), to: id(0)) }
        var again = AnswerGroups()
        again.restore(groups.takePairs())
        again.join(id(500), to: id(0))
        #expect(again.root(of: id(500)) == id(500) && again.root(of: id(7)) == id(0))
    }

    /// Through the pipeline: one wording after the other is forwarded, has the same answer, and joins; the one too many stands alone.
    @Test func wordingsJoinUntilItIsReached() async throws {
        // More wordings than a kind of traffic without a find is waited for: each is to be looked up when the one before has its vector.
        var options = PipelineOptions.shipped
        options.patience = 0
        let bench = LearnerBench(prior: nil, options: options)
        // Each has an opening or a manner of its own; none says anything that a guard looks for, so that each is compared and has its label.
        let openings = ["how do i", "how can i", "how could i", "how may i", "how might i", "so how do i", "so how can i", "so how could i"]
        let manners = ["quickly", "easily", "properly", "simply", "neatly", "fully", "nicely", "smoothly", "cleanly"]
        let wordings = (0..<(AnswerGroups.aliasLimit + 4)).map { number in
            "\(openings[number / manners.count]) \(manners[number % manners.count]) reset my account password"
        }
        try await bench.learning {
            for (number, wording) in wordings.enumerated() {
                #expect(await bench.ask(wording)[.xCache] == "MISS")
                try await bench.until { bench.learner.report.counts.labels == number }
            }
        }
        let roots = bench.learner.state.withLock { state in bench.cache.all.map { state.groups.root(of: $0.id) } }
        let sizes = Dictionary(grouping: roots) { $0 }.mapValues(\.count)
        #expect(sizes.values.max() == AnswerGroups.aliasLimit + 1, "\(sizes)")
    }
}

/// Shadow counts what it would have served, as traffic of the gate.
struct ShadowTrafficTests {
    @Test func wouldBeHitsAreTraffic() async throws {
        var options = PipelineOptions.shipped
        options.mode = .shadow
        let bench = LearnerBench(options: options, judging: nil)
        _ = await bench.ask(LearnerBench.first)
        _ = await bench.ask("how could I reset my account password")
        func traffic() -> Double { bench.learner.state.withLock { $0.populations.values.first?.gate.bins.reduce(0) { $0 + $1.traffic } ?? 0 } }
        let before = traffic()
        #expect(await bench.ask(LearnerBench.reworded)[.xCache] == "MISS")
        #expect(abs(traffic() - before - 1) < 1e-6)
        #expect(bench.learner.populations.first?.hits == 0)
    }
}
