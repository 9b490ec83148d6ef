import Cache
import HTTPTypes
import Learning
import Matching
import Proxy
import SemanticCache
import Synchronization
import Telemetry
import Testing
import TestSupport
import VectorSearch
import WireFormats

struct ExactTierTests {
    @Test func aRepeatIsServedByteForByte() async {
        let bench = ProxyBench()
        let first = await bench.ask("How do I reset my password?")
        let second = await bench.ask("How do I reset my password?")
        #expect(first.cacheStatus == "reprise; fwd=miss; stored")
        #expect(second.cacheStatus == "reprise; hit; ttl=86400; detail=exact")
        #expect(second.body == first.body)
        #expect(second.cache == "HIT")
        #expect(second.match == "exact")
        #expect(second.fields[.age] == "0")
        #expect(bench.upstream.calls.count == 1)
    }

    @Test func orderOfMembersAndStreamingDoNotMatter() async {
        let bench = ProxyBench()
        _ = await bench.post(#"{"model":"m","messages":[{"role":"user","content":"hi there"}],"temperature":0.5}"#)
        let again = await bench.post(#"{ "temperature": 0.50, "messages": [{"content":"hi there","role":"user"}], "user":"u-1", "model":"m" }"#)
        #expect(again.match == "exact")
    }

    @Test func anEntryEndsWithItsTimeToLive() async {
        let bench = ProxyBench()
        _ = await bench.ask("one", fields: [.cacheTTL: "60"])
        bench.clock.advance(by: .seconds(59))
        #expect(await bench.ask("one").fields[.age] == "59")
        bench.clock.advance(by: .seconds(1))
        let after = await bench.ask("one")
        #expect(after.cache == "MISS")
        #expect(after.reason == "expired")
        #expect(bench.upstream.calls.count == 2)
    }

    @Test func sweepingGivesEverythingBack() async {
        let bench = ProxyBench()
        for number in 0..<20 { _ = await bench.ask("question number \(number)") }
        await bench.writer.flush()
        #expect(bench.store.ids.count == 20)
        bench.clock.advance(by: .seconds(24 * 3600))
        #expect(await bench.cache.sweep() == 20)
        #expect(bench.cache.count == 0)
        #expect(bench.cache.searchableCount == 0)
        // Past their time they stand in for a failing upstream for a while yet.
        bench.clock.advance(by: .seconds(3600))
        #expect(await bench.cache.sweep() == 0)
        await bench.writer.flush()
        #expect(bench.cache.memoryBytes < 20_000)
        #expect(bench.store.ids.isEmpty)
        #expect(bench.metrics.snapshot.expired == 20)
    }

    @Test func aFullCacheForgetsWhatWasUsedLeast() async {
        let bench = ProxyBench(embedder: nil, capacity: 3)
        for name in ["a", "b", "c"] { _ = await bench.ask(name) }
        _ = await bench.ask("a")
        _ = await bench.ask("d")
        #expect(await bench.ask("a").cache == "HIT")
        #expect(bench.cache.count == 3)
        // Of the others, alike in price and use, one went.
        #expect(bench.metrics.snapshot.capacityEvictions == 1)
    }
}

struct SemanticTierTests {
    @Test func aRewordingIsServed() async {
        let bench = ProxyBench()
        let first = await bench.ask("how do i reset my account password please")
        let second = await bench.ask("please how do i reset my account password")
        #expect(second.cacheStatus == "reprise; hit; detail=semantic")
        #expect(second.body == first.body)
        #expect(second.fields[.xCacheSimilarity] != nil)
        #expect(second.fields[.xCacheEntry] == (await bench.ask("how do i reset my account password please")).fields[.xCacheEntry])
    }

    @Test func aGuardForwards() async {
        let bench = ProxyBench()
        _ = await bench.ask("what is the status of my order 48213 please tell me")
        let second = await bench.ask("what is the status of my order 48231 please tell me")
        #expect(second.cache == "MISS")
        #expect(bench.upstream.calls.count == 2)
    }

    @Test func anAnswerEndsBeforeItsVectorIsThere() async {
        let embedder = GatedEmbedder()
        let bench = ProxyBench(embedder: embedder)
        // The answer comes to its end although the embedder stands still, and serves exact repeats.
        #expect(await bench.ask("how do i reset my account password please").reason == "empty-scope")
        #expect(await bench.ask("how do i reset my account password please").match == "exact")
        // A rewording that comes meanwhile waits for the vector that is on its way, and is answered by it.
        async let rewording = bench.ask("please how do i reset my account password")
        await embedder.open()
        #expect(await rewording.match == "semantic")
        #expect(bench.upstream.calls.count == 1)
    }

    @Test func aNumberThatNobodyStatedIsNotEmbedded() async {
        let embedder = CountingEmbedder()
        let bench = ProxyBench(embedder: embedder)
        _ = await bench.ask("what is the status of my order 48213 please tell me")
        // The prompt is embedded once, while the upstream works, and not before.
        #expect(await bench.ask("what is the status of my order 48231 please tell me").reason == "numbers-differ")
        await bench.pipeline.settleVectors()
        #expect(embedder.count == 2)
        #expect(await bench.ask("please tell me what is the status of my order 48231").match == "semantic")
        #expect(bench.cache.remove([bench.cache.ids(after: nil, limit: 9) { $0.query.contains("48231 please") }].flatMap { $0 }, as: .flushed) == 1)
        #expect(await bench.ask("tell me please what is the status of my order 48231").reason == "numbers-differ")
    }

    @Test(arguments: [
        #","temperature":0.7"#, #","max_tokens":10"#, #","seed":1"#, #","response_format":{"type":"json_object"}"#, #","n":2"#,
    ])
    func otherParametersAreAnotherScope(extra: String) async {
        let bench = ProxyBench()
        _ = await bench.ask("how do i reset my account password please")
        #expect(await bench.ask("please how do i reset my account password", extra: extra).cache == "MISS")
    }

    @Test func historyIsPartOfTheScope() async {
        let bench = ProxyBench()
        func body(_ history: String, _ last: String) -> String {
            #"{"model":"m","messages":[{"role":"user","content":"\#(history)"},{"role":"assistant","content":"ok"},{"role":"user","content":"\#(last)"}]}"#
        }
        _ = await bench.post(body("I use Linux", "how do i install it on my machine"))
        #expect(await bench.post(body("I use Windows", "how do i install it on my machine")).cache == "MISS")
        #expect(await bench.post(body("I use Linux", "on my machine how do i install it")).match == "semantic")
    }

    @Test func tenantsNeverShare() async {
        let bench = ProxyBench()
        _ = await bench.ask("how do i reset my account password please", fields: [.authorization: "Bearer one"])
        #expect(await bench.ask("how do i reset my account password please", fields: [.authorization: "Bearer two"]).cache == "MISS")
        #expect(await bench.ask("please how do i reset my account password", fields: [.authorization: "Bearer two"]).match == "semantic")
        #expect(await bench.ask("please how do i reset my account password").cache == "MISS")
    }

    @Test func aPoolShares() async {
        let bench = ProxyBench(sharing: .pool)
        _ = await bench.ask("how do i reset my account password", fields: [.authorization: "Bearer one"])
        #expect(await bench.ask("how do i reset my account password", fields: [.authorization: "Bearer two"]).match == "exact")
    }

    @Test func withoutAModelOnlyExactRepeatsAreServed() async {
        let bench = ProxyBench(embedder: nil)
        _ = await bench.ask("how do i reset my account password please")
        #expect(await bench.ask("please how do i reset my account password").reason == "no-embedder")
        #expect(await bench.ask("how do i reset my account password please").match == "exact")
    }

    @Test func toolsAreExactOnly() async {
        let bench = ProxyBench()
        let tools = #","tools":[{"type":"function","function":{"name":"f"}}]"#
        _ = await bench.ask("how do i reset my account password please", extra: tools)
        #expect(await bench.ask("please how do i reset my account password", extra: tools).reason == "tools")
        #expect(await bench.ask("how do i reset my account password please", extra: tools).match == "exact")
    }

    @Test func shadowNeverServes() async {
        var options = PipelineOptions.shipped
        options.mode = .shadow
        let bench = ProxyBench(options: options)
        _ = await bench.ask("how do i reset my account password please")
        let reworded = await bench.ask("please how do i reset my account password")
        #expect(reworded.cache == "MISS" && reworded.reason == "shadow")
    }

    @Test func promptsOfAMomentAreExactForAShortTime() async {
        let bench = ProxyBench()
        _ = await bench.ask("what is the weather in Berlin today please")
        #expect(await bench.ask("please what is the weather in Berlin today").reason == "time-sensitive")
        #expect(await bench.ask("what is the weather in Berlin today please").match == "exact")
        bench.clock.advance(by: .seconds(301))
        #expect(await bench.ask("what is the weather in Berlin today please").cache == "MISS")
    }
}

struct ControlTests {
    @Test func noCacheAsksAndStores() async {
        let bench = ProxyBench()
        _ = await bench.ask("one")
        let fresh = await bench.ask("one", fields: [.cacheControl: "no-cache"])
        #expect(fresh.cacheStatus == "reprise; fwd=request; stored")
        #expect(bench.upstream.calls.count == 2)
        #expect(await bench.ask("one").cache == "HIT")
        #expect(bench.cache.count == 1)
    }

    @Test func noStoreTouchesNothing() async {
        let bench = ProxyBench()
        let first = await bench.ask("one", fields: [.cacheControl: "no-store"])
        #expect(first.cacheStatus == "reprise; fwd=bypass; detail=requested")
        #expect(bench.cache.count == 0)
        _ = await bench.ask("one")
        #expect(await bench.ask("one", fields: [.cacheControl: "no-store"]).cache == "BYPASS")
        #expect(bench.upstream.calls.count == 3)
    }

    @Test(arguments: [("x-cache-ttl", "0"), ("x-cache-ttl", "0s"), ("x-bf-cache-no-store", "true")])
    func aRequestMayReadAndNotStore(name: String, value: String) async throws {
        let bench = ProxyBench()
        let fields: HTTPFields = [try #require(HTTPField.Name(name)): value]
        #expect(await bench.ask("one", fields: fields).cacheStatus == "reprise; fwd=miss")
        #expect(bench.cache.count == 0 && bench.metrics.snapshot.notStored[.forbidden] == 1)
        #expect(bench.metrics.snapshot.spentPromptTokens == 9)
        _ = await bench.ask("one")
        #expect(await bench.ask("one", fields: fields).cache == "HIT")
        #expect(bench.metrics.snapshot.notStored[.forbidden] == 1)
    }

    @Test func whatTheHeadRulesOutIsNotCalledStored() async {
        let bench = ProxyBench { _, body in
            .response(status: .ok, fields: [.contentType: "application/json", .contentEncoding: "gzip"], chunks: [body])
        }
        #expect(await bench.ask("one").cacheStatus == "reprise; fwd=miss")
        #expect(bench.metrics.snapshot.notStored[.encoded] == 1)
    }

    @Test(arguments: ["tools", "disabled", "encoded", "unauthenticated"])
    func onlyIfCachedNeverAsksWhereNothingIsLookedUp(why: String) async {
        var options = PipelineOptions.shipped
        options.tools = .off
        options.isEnabled = why != "disabled"
        options.access.isOpen = why != "unauthenticated"
        let bench = ProxyBench(options: options)
        let extra = why == "tools" ? #","tools":[{"type":"function","function":{"name":"f"}}]"# : ""
        var fields: HTTPFields = [.cacheControl: "only-if-cached"]
        if why == "encoded" { fields[.contentEncoding] = "gzip" }
        let answer = await bench.ask("hello", extra: extra, fields: fields)
        #expect(answer.status == 504 && answer.cache == "BYPASS" && answer.cacheStatus == "reprise; detail=only-if-cached")
        #expect(bench.upstream.calls.isEmpty)
        #expect(await bench.ask("hello", extra: extra).status == 200)
    }

    @Test func onlyIfCachedNeverAsks() async {
        let bench = ProxyBench()
        let miss = await bench.ask("one", fields: [.cacheControl: "only-if-cached"])
        #expect(miss.status == 504)
        #expect(miss.body.contains("\"error\""))
        #expect(bench.upstream.calls.isEmpty)
        _ = await bench.ask("one")
        #expect(await bench.ask("one", fields: [.cacheControl: "only-if-cached"]).cache == "HIT")
    }

    @Test func maxAgeRefusesOlderAnswers() async {
        let bench = ProxyBench()
        _ = await bench.ask("one")
        bench.clock.advance(by: .seconds(30))
        #expect(await bench.ask("one", fields: [.cacheControl: "max-age=60"]).cache == "HIT")
        #expect(await bench.ask("one", fields: [.cacheControl: "max-age=10"]).reason == "too-old")
    }

    @Test func namespacesAreApart() async {
        let bench = ProxyBench()
        _ = await bench.ask("one", fields: [.cacheNamespace: "a"])
        #expect(await bench.ask("one", fields: [.cacheNamespace: "b"]).cache == "MISS")
        #expect(await bench.ask("one", fields: [.cacheNamespace: "a"]).cache == "HIT")
    }

    @Test func aThresholdMayOnlyBeStricter() async {
        // A configured threshold is what is asked to be lower here, and only this mode has one.
        var options = PipelineOptions.shipped
        options.mode = .threshold
        let bench = ProxyBench(options: options)
        _ = await bench.ask("how do i reset my account password please")
        #expect(await bench.ask("please can you tell how do i reset my account password", fields: [.cacheThreshold: "0.1"]).cache == "MISS")
        #expect(await bench.ask("i do reset how my account password please then", fields: [.cacheThreshold: "1"]).cache == "MISS")
    }

    @Test(arguments: [("x-cache-ttl", "soon"), ("x-cache-threshold", "2"), ("x-cache-mode", "fast"), ("cache-control", "max-age=x")])
    func aControlThatCannotBeReadIsAnError(name: String, value: String) async throws {
        let bench = ProxyBench()
        let answer = await bench.ask("one", fields: [try #require(HTTPField.Name(name)): value])
        #expect(answer.status == 400)
        #expect(answer.body.lowercased().contains(name))
        #expect(bench.upstream.calls.isEmpty)
    }

    @Test func controlsStayInTheHouse() async throws {
        let bench = ProxyBench()
        _ = await bench.ask("one", fields: [.cacheTTL: "60", .cacheNamespace: "a", .authorization: "Bearer k", .init("X-Other")!: "kept"])
        let sent = try #require(bench.upstream.calls.first).request.fields
        #expect(sent[.cacheTTL] == nil)
        #expect(sent[.cacheNamespace] == nil)
        #expect(sent[.authorization] == "Bearer k")
        #expect(sent[.init("X-Other")!] == "kept")
    }
}

struct StreamingTests {
    private let streamed = #"{"model":"gpt-test","stream":true,"messages":[{"role":"user","content":"tell me a story"}]}"#
    private let plain = #"{"model":"gpt-test","messages":[{"role":"user","content":"tell me a story"}]}"#

    @Test func aStreamedMissAnswersBothForms() async {
        let bench = ProxyBench { _, _ in
            .response(status: .ok, fields: [.contentType: "text/event-stream"], chunks: ProxyBench.events(["Once", " upon"]))
        }
        let first = await bench.post(streamed)
        let second = await bench.post(streamed)
        let third = await bench.post(plain)
        #expect(first.cache == "MISS")
        #expect(second.cache == "HIT")
        #expect(second.body == first.body)
        #expect(third.cache == "HIT")
        #expect(third.body.contains("Once upon"))
        #expect(third.fields[.contentType] == "application/json")
        #expect(bench.upstream.calls.count == 1)
    }

    @Test func aPlainMissAnswersAStream() async {
        let bench = ProxyBench { _, _ in
            .response(status: .ok, fields: [.contentType: "application/json"], chunks: [Array(ProxyBench.completion("Once").utf8)])
        }
        _ = await bench.post(plain)
        let second = await bench.post(streamed)
        #expect(second.cache == "HIT")
        #expect(second.fields[.contentType]?.hasPrefix("text/event-stream") == true)
        #expect(second.body.contains("Once"))
        #expect(second.body.hasSuffix("data: [DONE]\n\n"))
    }

    @Test(arguments: [
        ProxyBench.events(["half"], finish: nil, isDone: false), ProxyBench.events(["cut"], finish: "length"),
        ProxyBench.events(["bad"], finish: "content_filter"),
    ])
    func unfinishedStreamsAreNotStored(chunks: [[UInt8]]) async {
        let bench = ProxyBench { _, _ in .response(status: .ok, fields: [.contentType: "text/event-stream"], chunks: chunks) }
        _ = await bench.post(streamed)
        #expect(bench.cache.count == 0)
        #expect(await bench.post(streamed).cache == "MISS")
    }

    @Test func aBrokenStreamIsBrokenForTheClientToo() async {
        let bench = ProxyBench { _, _ in
            .broken(fields: [.contentType: "text/event-stream"], chunks: ProxyBench.events(["half"], finish: nil, isDone: false))
        }
        let answer = await bench.post(streamed)
        #expect(answer.isBroken)
        #expect(answer.body.contains("half"))
        #expect(bench.cache.count == 0)
        #expect(bench.metrics.snapshot.notStored[.truncated] == 1)
    }

    /// A client that has all it wants and leaves at `[DONE]`, before the upstream closes.
    @Test func leavingAfterTheEndStillStores() async throws {
        let bench = ProxyBench { _, _ in .response(status: .ok, fields: [.contentType: "text/event-stream"], chunks: ProxyBench.events(["Once"])) }
        let response = await bench.pipeline.handle(
            ProxyRequest(id: "r", method: .post, path: "/v1/chat/completions", fields: [:], body: .bytes(Array(streamed.utf8))))
        guard case .stream(let stream) = response.body else {
            Issue.record("expected a stream")
            return
        }
        for try await chunk in stream where String(decoding: chunk, as: UTF8.self).contains("[DONE]") { break }
        #expect(await bench.post(streamed).cache == "HIT")
    }
}

struct FaultTests {
    @Test(arguments: [429, 500, 401])
    func anErrorOfTheUpstreamPassesThroughUnchanged(status: Int) async {
        let body = #"{"error":{"message":"no","type":"t","code":null,"extra":[1]}}"#
        let bench = ProxyBench { _, _ in
            .response(status: .init(code: status), fields: [.contentType: "application/json", .retryAfter: "7"], chunks: [Array(body.utf8)])
        }
        let answer = await bench.ask("one")
        #expect(answer.status == status)
        #expect(answer.body == body)
        #expect(answer.fields[.retryAfter] == "7")
        #expect(bench.cache.count == 0)
    }

    @Test(arguments: [
        (UpstreamError.unreachable("refused"), 502), (.timedOut(.firstByte, limit: .seconds(1)), 504), (.broken("reset"), 502), (.tls("bad"), 502),
        (.closed, 503),
    ])
    func aFailingUpstreamIsAnErrorOfItsOwnShape(error: UpstreamError, status: Int) async {
        let bench = ProxyBench { _, _ in .failure(error) }
        let answer = await bench.ask("one")
        #expect(answer.status == status)
        #expect(answer.body.contains("\"error\""))
        #expect(bench.metrics.snapshot.upstreamErrors == 1)
    }

    @Test func aFullDiskIsNoError() async {
        let bench = ProxyBench()
        bench.store.fail(with: .cannotWrite(reason: "disk full"))
        _ = await bench.ask("one")
        await bench.writer.flush()
        #expect(await bench.ask("one").cache == "HIT")
        #expect(bench.writer.fault != nil)
    }

    @Test func aSlowEmbedderIsAMiss() async {
        var options = PipelineOptions.shipped
        // Long enough for the vector that is made at once, however busy the machine is.
        options.lookupDeadline = .milliseconds(1500)
        let bench = ProxyBench(options: options, embedder: StallingEmbedder())
        // Where the scope is empty nothing is embedded before the request goes out; the second request has something to be compared with.
        #expect(await bench.ask("red green blue").reason == "empty-scope")
        #expect(await bench.ask("black and white").reason == "lookup-timed-out")
        #expect(await bench.ask("black and white").cache == "HIT")
    }

    /// What a search found after the deadline is not waited on any longer.
    @Test func aSlowSearchIsAMiss() async {
        var options = PipelineOptions.shipped
        options.lookupDeadline = .milliseconds(200)
        let bench = ProxyBench(options: options, index: StallingIndex(stall: .milliseconds(300)))
        // On a busy machine a vector may miss the deadline, too.
        for _ in 0..<50 where bench.cache.searchableCount == 0 {
            _ = await bench.ask("how do i reset my account password please", fields: [.cacheControl: "no-cache"])
            await bench.pipeline.settleVectors()
        }
        let before = bench.upstream.calls.count
        #expect(await bench.ask("please how do i reset my account password").reason == "lookup-timed-out")
        #expect(bench.upstream.calls.count == before + 1)
    }

    @Test(arguments: [
        "{", "[]", "nonsense", "", #"{"model":1,"messages":[]}"#, #"{"model":"m","messages":"hello"}"#, #"{"model":"m","messages":[1]}"#,
        #"{"model":"m","prompt":"hello"}"#, "\u{FEFF}" + #"{"messages":[{"role":"user","content":"hello"}]}"#,
        #"{"messages":[{"role":"user","content":"\ud800"}]}"#,
    ])
    func bodiesThatCannotBeReadAreTheUpstreams(body: String) async {
        let bench = ProxyBench()
        for _ in 0..<2 {
            let answer = await bench.post(body)
            #expect(answer.status == 200)
            #expect(answer.cacheStatus == "reprise; fwd=bypass; detail=unreadable-body")
        }
        #expect(bench.upstream.calls.map(\.body) == [Array(body.utf8), Array(body.utf8)])
        #expect(bench.cache.count == 0)
    }

    @Test(arguments: ["/v1/../admin", "/v1/%2e%2e/admin", "/v1/a%2fb", "/v1/./x", #"/v1/a\b"#])
    func pathsStayBelowTheBase(path: String) async {
        let bench = ProxyBench()
        #expect(await bench.post("{}", path: path).status == 400)
        #expect(bench.upstream.calls.isEmpty)
    }
}

struct PassThroughTests {
    /// A bypass counts under the endpoint that its path names, however the path spells it.
    @Test(arguments: [
        ("/v1/chat/completions", "/v1/chat/completions"), ("/openai/deployments/d-1/chat/completions?api-version=1", "/v1/chat/completions"),
        ("/openai/v1/responses", "/v1/responses"), ("/openai/deployments/d-1/embeddings", "/v1/embeddings"),
        ("/openai/deployments/d-1/images/generations", "other"), ("/v1/models", "other"),
        ("/v1beta/models/m:generateContent?key=k", "/v1beta/models/{model}:generateContent"),
        ("/v1/models/m:batchEmbedContents", "/v1beta/models/{model}:embedContent"), ("/v1beta/models/m:countTokens", "other"),
    ])
    func bypassesCountUnderTheirEndpoint(path: String, endpoint: String) async {
        let bench = ProxyBench()
        let body = #"{"messages":[{"role":"user","content":"q"}],"input":"q"}"#
        let answer = await bench.post(body, path: path, fields: [.cacheControl: "no-store"])
        #expect(answer.cache == "BYPASS")
        let reason = endpoint == "other" ? "path" : "requested"
        var exposition = Exposition()
        bench.metrics.write(to: &exposition)
        let series = "reprise_requests_total{endpoint=\"\(endpoint)\",outcome=\"bypass\",reason=\"\(reason)\"} 1"
        #expect(String(decoding: exposition.bytes, as: UTF8.self).contains(series))
    }

    @Test func otherPathsGoThroughUntouched() async throws {
        let bench = ProxyBench { _, body in .response(status: .created, fields: [.init("X-Up")!: "1"], chunks: [body, body]) }
        let answer = await bench.send(
            ProxyRequest(
                id: "r", method: .put, path: "/v1/files/a%20b?x=1&y=%2F",
                fields: [.acceptEncoding: "gzip", .contentType: "application/octet-stream"],
                body: .stream(ByteStream([[1, 2], [3]]), length: 3)))
        let call = try #require(bench.upstream.calls.first)
        #expect(answer.status == 201)
        #expect(answer.cacheStatus == "reprise; fwd=bypass; detail=path")
        #expect(answer.fields[.init("X-Up")!] == "1")
        #expect(call.request.target == "/files/a%20b?x=1&y=%2F")
        #expect(call.request.method == .put)
        #expect(call.request.fields[.acceptEncoding] == "gzip")
        #expect(call.body == [1, 2, 3])
    }

    /// The client's part of the conversation goes on as it comes, and nothing of the query that a key may stand in is lost.
    @Test func aSocketPassesThrough() async throws {
        let bench = ProxyBench { _, body in .response(status: .switchingProtocols, fields: [.init("Sec-WebSocket-Accept")!: "a"], chunks: [body]) }
        let answer = await bench.send(
            ProxyRequest(
                id: "r", method: .get, path: "/v1/responses?key=k", fields: [.init("Sec-WebSocket-Key")!: "b"],
                body: .stream(ByteStream([[1, 2], [3]]), length: nil), upgrade: "websocket"))
        let call = try #require(bench.upstream.calls.first)
        #expect(answer.status == 101 && answer.fields[.init("Sec-WebSocket-Accept")!] == "a" && answer.body == "\u{1}\u{2}\u{3}")
        #expect(answer.cacheStatus == "reprise; fwd=bypass; detail=websocket")
        #expect(call.request.upgrade == "websocket" && call.request.target == "/responses?key=k" && call.body == [1, 2, 3])
    }

    /// A key is the same key wherever it stands: in a field, in the query, and there in any place.
    @Test func aKeyInTheQueryIsACredential() async {
        let bench = ProxyBench { _, _ in
            .response(
                status: .ok, fields: [.contentType: "application/json"],
                chunks: [Array(#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#.utf8)])
        }
        let (path, body) = ("/v1beta/models/m:generateContent", #"{"contents":[{"parts":[{"text":"q"}]}]}"#)
        let asked: [(query: String, fields: HTTPFields, cache: String)] = [
            ("?key=one", [:], "MISS"), ("", [.init("x-goog-api-key")!: "one"], "HIT"), ("?alt=json&key=one", [:], "HIT"), ("?key=two", [:], "MISS"),
            ("", [:], "MISS"), ("", [.authorization: "Bearer one"], "MISS"), ("?access_token=one", [:], "HIT"),
        ]
        for (query, fields, cache) in asked {
            #expect(await bench.post(body, path: path + query, fields: fields).cache == cache, "\(query) \(fields)")
        }
        #expect(bench.upstream.calls.first?.request.target == path + "?key=one" && bench.upstream.calls.first?.request.isFromRoot == true)
    }

    @Test func aCompressedBodyPassesThrough() async {
        let bench = ProxyBench()
        #expect(await bench.ask("one", fields: [.contentEncoding: "gzip"]).reason == "encoded-body")
    }
}

struct AdministrationTests {
    @Test func flushBySelector() async throws {
        let bench = ProxyBench()
        for name in ["alpha", "beta", "gamma"] { _ = await bench.ask(name, fields: [.cacheTags: "t-\(name), all"]) }
        var selector = EntrySelector()
        selector.tag = "t-beta"
        #expect(try await bench.administration.flush(selector, isDryRun: true).matched == 1)
        #expect(bench.cache.count == 3)
        #expect(try await bench.administration.flush(selector, isDryRun: false).removed == 1)
        #expect(bench.cache.count == 2)
        #expect(bench.store.ids.count == 2)
        #expect(await bench.ask("beta").cache == "MISS")
        await #expect(throws: AdministrationError.self) { try await bench.administration.flush(EntrySelector(), isDryRun: false) }
    }

    @Test func similarTextIsFoundAcrossScopes() async throws {
        let bench = ProxyBench()
        _ = await bench.ask("how do i reset my account password please", fields: [.authorization: "Bearer one"])
        _ = await bench.ask("how do i reset my account password please", fields: [.authorization: "Bearer two"])
        _ = await bench.ask("completely different words here now listed")
        await bench.pipeline.settleVectors()
        var selector = EntrySelector()
        selector.similarTo = "please how do i reset my account password"
        #expect(try await bench.administration.flush(selector, isDryRun: false).removed == 2)
    }

    @Test func pagesCoverEverythingOnce() async throws {
        let bench = ProxyBench(embedder: nil)
        for number in 0..<25 { _ = await bench.ask("question \(number)") }
        var seen: [EntryID] = []
        var cursor: EntryID?
        repeat {
            let page = try await bench.administration.list(EntrySelector(), after: cursor, limit: 10)
            seen += page.entries.map(\.id)
            cursor = page.next
        } while cursor != nil
        #expect(seen.count == 25)
        #expect(Set(seen).count == 25)
    }
}

/// Embeds one prompt at once, and takes longer than anyone should wait for any other.
private struct StallingEmbedder: Embedder {
    private let words = HashingEmbedder()
    var dimension: Int { words.dimension }
    let fingerprint = "stalling"
    let maximumBatchSize = 1

    func embed(_ texts: [String]) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>] {
        guard texts != ["red green blue"] else { return try await words.embed(texts) }
        do { try await Task.sleep(for: .seconds(30)) } catch { throw .runtime("cancelled") }
        return texts.map { _ in .failure(.empty) }
    }
}

/// Embeds nothing until it is opened.
private actor GatedEmbedder: Embedder {
    private let words = HashingEmbedder()
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    nonisolated var dimension: Int { words.dimension }
    nonisolated let fingerprint = "gated"
    nonisolated let maximumBatchSize = 1

    func open() {
        isOpen = true
        for waiter in waiting { waiter.resume() }
        waiting = []
    }

    func embed(_ texts: [String]) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>] {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
        return try await words.embed(texts)
    }
}

/// Counts the texts that it embeds.
/// An exact index whose searches take their time.
private final class StallingIndex: VectorIndex {
    private let exact = FlatIndex(dimension: HashingEmbedder().dimension)
    private let stall: Duration

    init(stall: Duration) { self.stall = stall }

    var dimension: Int { exact.dimension }
    var count: Int { exact.count }
    var ids: [EntryID] { exact.ids }
    var unlinkedCount: Int { exact.unlinkedCount }
    var memoryBytes: Int { exact.memoryBytes }
    func count(in scope: Scope) -> Int { exact.count(in: scope) }
    func contains(_ id: EntryID, in scope: Scope) -> Bool { exact.contains(id, in: scope) }
    func insert(_ id: EntryID, _ vector: UnitVector, in scope: Scope) { exact.insert(id, vector, in: scope) }
    func remove(_ id: EntryID) -> Bool { exact.remove(id) }
    func removeAll() { exact.removeAll() }
    func all(atLeast threshold: Float, similarTo query: UnitVector, in scope: Scope) -> [Neighbour] {
        exact.all(atLeast: threshold, similarTo: query, in: scope)
    }

    func nearest(to query: UnitVector, in scope: Scope, count: Int) -> [Neighbour] {
        let end = ContinuousClock.now + stall
        while ContinuousClock.now < end {}
        return exact.nearest(to: query, in: scope, count: count)
    }
}

/// Counts the texts that it is given.
private final class CountingEmbedder: Embedder {
    private let words = HashingEmbedder()
    private let texts = Mutex(0)
    var dimension: Int { words.dimension }
    let fingerprint = "counting"
    let maximumBatchSize = 1
    var count: Int { texts.withLock { $0 } }

    func embed(_ texts: [String]) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>] {
        self.texts.withLock { $0 += texts.count }
        return try await words.embed(texts)
    }
}
