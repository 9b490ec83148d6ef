import Cache
import HTTPTypes
import Learning
import Matching
@testable import Proxy
import SemanticCache
import Testing
import TestSupport

/// A look-up asks a list of tiers, the nearest first, and waits for none longer than its deadline.
struct TierTests {
    private static let known = "how do i reset my account password please"
    private static let reworded = "please how do i reset my account password"

    /// A tier across a network that holds one entry, or never answers.
    private struct Shelf: CacheTier {
        let entry: Entry
        let similarity: Float
        var answers = true

        let name = Outcome.Tier.shared
        var deadline: Duration? { answers ? .seconds(600) : .milliseconds(10) }

        private func wait() async { if !answers { try? await Task.sleep(for: .seconds(3600)) } }

        func remembered(_ key: CacheKey) -> Remembered { .unknown }

        func entry(for key: CacheKey, in scope: () -> Scope?, _ purpose: LookUpPurpose) async -> KeyAnswer {
            await wait()
            return KeyAnswer(entry: key == entry.key ? entry : nil)
        }

        func reach(of scope: Scope, isKnown: Bool?, for facts: () -> StatedFacts, _ underway: Underway) async -> Reach {
            scope == entry.scope ? .searchable : .empty
        }

        func nearest(to vector: UnitVector, in scope: Scope, count: Int, _ purpose: LookUpPurpose) async -> [AnswerCache.Match] {
            await wait()
            return scope == entry.scope ? [AnswerCache.Match(entry: entry.metadata, similarity: similarity)] : []
        }

        func entry(_ named: EntryMetadata, _ purpose: LookUpPurpose) async -> Entry? { named.id == entry.id ? entry : nil }
    }

    private func inquiry(_ question: String) throws -> Inquiry {
        let body = #"{"model":"gpt-test","messages":[{"role":"user","content":"\#(question)"}]}"#
        let request = ProxyRequest(id: "r", method: .post, path: "/v1/chat/completions", fields: [:], body: .bytes(Array(body.utf8)))
        let trace = RequestTrace(request, at: Timestamp(milliseconds: 0), started: .now, observers: [])
        let recogniser = Recogniser(tenants: TenantResolver(key: Array("0123456789abcdef".utf8)))
        let admission = AccessControl.Admission(caller: .anyone, request: request, document: nil)
        guard case .inquiry(let inquiry) = recogniser.recognise(admission, LiveOptions(.shipped).snapshot, trace) else {
            throw CancellationError()
        }
        return inquiry
    }

    /// Look-ups over an empty local tier and a shelf that another proxy filled.
    private func lookUps(answers: Bool = true) async throws -> LookUps {
        let elsewhere = ProxyBench()
        _ = await elsewhere.ask(Self.known)
        await elsewhere.pipeline.settleVectors()
        let entry = try #require(await elsewhere.cache.entry(for: inquiry(Self.known).key))
        let here = ProxyBench()
        let tiers: [any CacheTier] = [
            LocalTier(cache: here.cache, lateVectors: LateVectors(cache: here.cache, indexing: nil)),
            Shelf(entry: entry, similarity: 0.97, answers: answers),
        ]
        let byMeaning = MeaningLookUp(
            tiers: tiers, embedder: HashingEmbedder(), learner: nil, patience: Patience(), wordings: WordingCap(), clock: here.clock)
        return LookUps(tiers: tiers, byMeaning: byMeaning, pressure: MemoryPressure(), clock: here.clock)
    }

    @Test func whatTheNearerTierLacksTheNextIsAskedFor() async throws {
        let lookUps = try await lookUps()
        guard case .unknown = lookUps.remembered(try inquiry(Self.known)) else {
            Issue.record("memory alone cannot know of a tier that must be waited for")
            return
        }
        guard case .found(let found) = await lookUps.byKey(try inquiry(Self.known), known: .unknown).finding else {
            Issue.record("not found by key")
            return
        }
        #expect(found.match == .exact && found.tier == .shared)
        let finding = await lookUps.byMeaning(try inquiry(Self.reworded), after: .nothing, for: .answer)
        guard case .serve(let served) = finding.verdict else {
            Issue.record("not found by meaning: \(finding.verdict)")
            return
        }
        #expect(served.match == .semantic(similarity: 0.97) && served.tier == .shared && served.entry.id == found.entry.id)
    }

    @Test func aTierThatIsLateHasNothing() async throws {
        let lookUps = try await lookUps(answers: false)
        guard case .nothing = await lookUps.byKey(try inquiry(Self.known), known: .unknown).finding else {
            Issue.record("found what never came")
            return
        }
        let finding = await lookUps.byMeaning(try inquiry(Self.reworded), after: .nothing, for: .answer)
        guard case .forward(.emptyScope) = finding.verdict else {
            Issue.record("\(finding.verdict)")
            return
        }
    }

    @Test func anotherScopeIsNotReached() async throws {
        let finding = await (try lookUps()).byMeaning(
            try inquiry("\(Self.reworded)\"},{\"role\":\"user\",\"content\":\"and then"), after: .nothing, for: .answer)
        guard case .forward(.emptyScope) = finding.verdict else {
            Issue.record("\(finding.verdict)")
            return
        }
    }
}
