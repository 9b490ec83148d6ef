import Cache
import HTTPTypes
import Proxy
import SemanticCache
import Synchronization
import Telemetry
import Testing
import TestSupport
import WireFormats

/// An upstream whose answers name the credential with which they were asked.
private func credentialEcho(_ request: UpstreamRequest, _ body: [UInt8]) -> ScriptedUpstream.Reply {
    let credential = request.fields[.authorization] ?? request.fields[.init("x-api-key")!] ?? "nobody"
    return .response(
        status: .ok, fields: [.contentType: "application/json"], chunks: [Array(ProxyBench.completion("for \(credential)").utf8)])
}

struct ClientKeyTests {
    private let bench: ProxyBench

    init() {
        var options = PipelineOptions.shipped
        options.access.add(.init(name: "app"), key: "rp-app")
        options.access.add(.init(name: "small", allowsModel: { $0.hasPrefix("gpt-test") }, requestsPerMinute: 3), key: "rp-small")
        bench = ProxyBench(options: options, script: credentialEcho)
    }

    @Test(arguments: ["Bearer rp-app", "bearer rp-app"])
    func aKeyThatWasGivenOutOpensTheDoor(authorization: String) async {
        let answer = await bench.ask("one", fields: [.authorization: authorization])
        #expect(answer.status == 200)
        #expect(answer.body.contains("for nobody"), "the upstream must not see the client's key")
    }

    @Test(arguments: ["x-api-key", "api-key"])
    func theKeyMayStandInTheProvidersOwnField(name: String) async throws {
        let answer = await bench.ask("one", fields: [try #require(HTTPField.Name(name)): "rp-app"])
        #expect(answer.status == 200 && answer.body.contains("for nobody"))
    }

    @Test(arguments: ["", "Bearer ", "Bearer rp-ap", "Bearer rp app", "Bearer rp-appx", "Basic rp-app", "rp-app", "Bearer RP-APP"])
    func nothingElseDoes(authorization: String) async {
        _ = await bench.ask("one", fields: [.authorization: "Bearer rp-app"])
        let answer = await bench.ask("one", fields: [.authorization: authorization])
        #expect(answer.status == 401)
        #expect(bench.upstream.calls.count == 1)
    }

    @Test func passingThroughNeedsTheKeyToo() async {
        let request = ProxyRequest(id: "r", method: .get, path: "/v1/models", fields: [:], body: .none)
        #expect(await bench.send(request).status == 401)
    }

    @Test(arguments: [
        (#"{"model":"gpt-test-2","messages":[{"role":"user","content":"q"}]}"#, 200), (#"{"model":"o3","messages":[]}"#, 403),
        (#"{"messages":[]}"#, 403),
        // Servers differ in which of two equal names counts, so both must be allowed.
        (#"{"model":"gpt-test","model":"o3","messages":[]}"#, 403), ("not json", 403),
    ])
    func modelsThatAreNotAllowed(body: String, status: Int) async {
        #expect(await bench.post(body, fields: [.authorization: "Bearer rp-small"]).status == status)
    }

    @Test func theLimitAnswers429WithTheTimeToWait() async {
        for number in 0..<3 { #expect(await bench.ask("q\(number)", fields: [.authorization: "Bearer rp-small"]).status == 200) }
        let fourth = await bench.ask("q4", fields: [.authorization: "Bearer rp-small"])
        #expect(fourth.status == 429)
        #expect(fourth.fields[.retryAfter].flatMap { Int($0) }.map { (1...20).contains($0) } == true)
        #expect(await bench.ask("q4", fields: [.authorization: "Bearer rp-app"]).status == 200)
    }

    /// The tenant is the client and not its key, so that a new key finds the old entries.
    @Test func aNewKeyOfTheSameClientFindsItsEntries() async {
        var options = PipelineOptions.shipped
        options.access.add(.init(name: "app"), key: "old")
        options.access.add(.init(name: "app"), key: "new")
        options.access.add(.init(name: "other"), key: "theirs")
        let bench = ProxyBench(options: options, script: credentialEcho)
        _ = await bench.ask("one", fields: [.authorization: "Bearer old"])
        #expect(await bench.ask("one", fields: [.authorization: "Bearer new"]).cache == "HIT")
        #expect(await bench.ask("one", fields: [.authorization: "Bearer theirs"]).cache == "MISS")
    }
}

struct SharingTests {
    @Test func aPoolOfOneNamespaceIsNoPoolOfTheOthers() async {
        var options = PipelineOptions.shipped
        options.access.sharingByNamespace["faq"] = .pool
        let bench = ProxyBench(options: options, script: credentialEcho)
        for namespace in ["faq", "own"] {
            _ = await bench.ask("one", fields: [.authorization: "Bearer a", .cacheNamespace: namespace])
        }
        #expect(await bench.ask("one", fields: [.authorization: "Bearer b", .cacheNamespace: "faq"]).cache == "HIT")
        #expect(await bench.ask("one", fields: [.authorization: "Bearer b", .cacheNamespace: "own"]).cache == "MISS")
    }

    /// Over the network, nobody without a credential gets anything out of the cache, nor puts anything in.
    @Test func offLoopbackTheNamelessAreForwarded() async {
        var options = PipelineOptions.shipped
        options.access.isOpen = false
        let bench = ProxyBench(options: options, script: credentialEcho)
        for _ in 0..<2 {
            let answer = await bench.ask("one")
            #expect(answer.cache == "BYPASS")
            #expect(answer.reason == "unauthenticated")
        }
        #expect(bench.cache.count == 0)
        _ = await bench.ask("one", fields: [.authorization: "Bearer a"])
        #expect(await bench.ask("one", fields: [.authorization: "Bearer a"]).cache == "HIT")
    }

    @Test func aHiddenPoolTellsNothing() async {
        let bench = hiddenPool(credentialEcho)
        let first = await bench.ask("one", fields: [.authorization: "Bearer a"])
        let second = await bench.ask("one", fields: [.authorization: "Bearer b"])
        #expect(bench.upstream.calls.count == 1)
        #expect(first.fields.map(\.name) == second.fields.map(\.name))
        #expect(dated(first.body).rest == dated(second.body).rest)
        #expect(second.cache == nil && second.cacheStatus == nil && second.fields[.age] == nil)
    }

    /// What an answer itself says of its age, and what an upstream says of a call, are no oracle either.
    @Test(arguments: [false, true]) func aHiddenHitLooksLikeACall(stream: Bool) async {
        let bench = hiddenPool { _, _ in
            let fields: HTTPFields = [
                .contentType: stream ? "text/event-stream" : "application/json", .init("x-ratelimit-remaining-requests")!: "9",
                .init("openai-processing-ms")!: "412", .setCookie: "a=b",
            ]
            let chunks = stream ? ProxyBench.events(["hello"]) : [Array(ProxyBench.completion("hello").utf8)]
            return .response(status: .ok, fields: fields, chunks: chunks)
        }
        let first = await bench.ask("one", extra: ",\"stream\":\(stream)", fields: [.authorization: "Bearer a"])
        bench.clock.advance(by: .seconds(90))
        let second = await bench.ask("one", extra: ",\"stream\":\(stream)", fields: [.authorization: "Bearer b"])
        #expect(bench.upstream.calls.count == 1)
        #expect(first.fields == second.fields && first.fields.map(\.name) == [.contentType])
        // The ninety seconds, and what the call itself took, which on a busy machine may be some.
        let (before, after) = (dated(first.body), dated(second.body))
        #expect(before.dates == [1_790_000_000] && after.dates.count == 1 && after.rest == before.rest)
        #expect(after.dates.allSatisfy { (1_790_000_090..<1_790_001_000).contains($0) })
        // What would have to be made of the other form is asked for.
        _ = await bench.ask("one", extra: ",\"stream\":\(!stream)", fields: [.authorization: "Bearer c"])
        #expect(bench.upstream.calls.count == 2)
    }

    @Test func aHiddenPoolAnswersNoQuestionsAboutItself() async {
        let bench = hiddenPool(credentialEcho)
        let asking: HTTPFields = [.cacheControl: "only-if-cached"]
        let before = await bench.ask("one", fields: asking)
        _ = await bench.ask("one")
        let after = await bench.ask("one", fields: asking)
        #expect(before.status == 504 && after.status == 504)
        #expect(before.body == after.body && before.fields == after.fields)
        #expect(bench.upstream.calls.count == 1 && bench.metrics.snapshot.exactHits == 0)
    }

    /// A batch that is known in parts would come sooner than one that is not known.
    @Test func aHiddenPoolAsksForBatchesWhole() async {
        let bench = hiddenPool { _, _ in
            let parts = (0..<2).map { #"{"object":"embedding","index":\#($0),"embedding":[1,0]}"# }.joined(separator: ",")
            let body = #"{"object":"list","data":[\#(parts)],"model":"m","usage":{"prompt_tokens":2,"total_tokens":2}}"#
            return .response(status: .ok, fields: [.contentType: "application/json"], chunks: [Array(body.utf8)])
        }
        for _ in 0..<2 {
            let answer = await bench.post(#"{"model":"m","input":["one","two"]}"#, path: "/v1/embeddings")
            #expect(answer.status == 200 && answer.cache == nil)
        }
        #expect(bench.upstream.calls.count == 2)
    }

    /// The dates that an answer's parts say they were made at, and the answer without them.
    private func dated(_ body: String) -> (dates: Set<Int>, rest: String) {
        let member = /"created":(\d+)/
        return (Set(body.matches(of: member).compactMap { Int($0.1) }), body.replacing(member, with: ""))
    }

    private func hiddenPool(_ script: @escaping @Sendable (UpstreamRequest, [UInt8]) -> ScriptedUpstream.Reply) -> ProxyBench {
        var options = PipelineOptions.shipped
        options.access.hidesPoolHits = true
        return ProxyBench(options: options, sharing: .pool, script: script)
    }

    /// Thousands of requests by random callers with few questions, in random namespaces and wordings: every answer was made for the one who gets it.
    @Test(arguments: [1, 2, 3])
    func noAnswerEverLeavesItsTenant(seed: UInt64) async {
        var random = SeededGenerator(seed: seed)
        let bench = ProxyBench(script: credentialEcho)
        let questions = [
            "how do i reset my account password please", "please how do i reset my account password", "what is the capital of france",
            "tell me the status of order 4711", "tell me the status of order 4712",
        ]
        let fieldNames = [HTTPField.Name.authorization, .init("x-api-key")!]
        for _ in 0..<1500 {
            let name = fieldNames[Int.random(in: 0..<2, using: &random)]
            let credential = "Bearer user-\(Int.random(in: 0..<40, using: &random))"
            var fields: HTTPFields = [name: credential]
            if Bool.random(using: &random) { fields[.cacheNamespace] = "n\(Int.random(in: 0..<3, using: &random))" }
            if Int.random(in: 0..<10, using: &random) == 0 { fields[.cacheControl] = "no-cache" }
            let answer = await bench.ask(questions[Int.random(in: 0..<questions.count, using: &random)], fields: fields)
            #expect(answer.status == 200)
            #expect(answer.body.contains("\"for \(credential)\""), "\(answer.cacheStatus ?? "") gave \(answer.body) to \(credential)")
        }
        let counts = bench.metrics.snapshot
        #expect(counts.exactHits > 300 && counts.semanticHits > 0, "the cache must have answered for this to show anything")
    }
}

struct WordingCapTests {
    @Test func anEntryThatAnsweredManyWordingsIsVerifiedFirst() async {
        var options = PipelineOptions.shipped
        options.maximumWordings = 2
        let bench = ProxyBench(options: options)
        let words = ["how", "do", "i", "reset", "my", "account", "password", "please"]
        func wording(_ turn: Int) -> String { (words[turn...] + words[..<turn]).joined(separator: " ") }
        _ = await bench.ask(wording(0))
        await bench.pipeline.settleVectors()
        #expect(await bench.ask(wording(1)).match == "semantic")
        #expect(await bench.ask(wording(2)).match == "semantic")
        #expect(await bench.ask(wording(1)).match == "semantic")
        let fourth = await bench.ask(wording(3))
        #expect(fourth.cache == "MISS")
        #expect(fourth.reason == "verification-due")
        #expect(bench.upstream.calls.count == 2)
    }
}
