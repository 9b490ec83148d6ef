import SemanticCache
import TestSupport
import Testing

@testable import WireFormats

@Suite struct RequestReaderTests {
    @Test func readsAChatRequest() throws {
        let chat = try request(
            #"{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"tools":[{}],"messages":[{"role":"user","content":"hi"}]}"#
        )
        #expect(chat.model == "gpt-4o-mini")
        #expect(chat.wantsStream)
        #expect(chat.wantsUsage)
        #expect(chat.hasTools)
        #expect(chat.query == "hi")
        #expect(chat.noScopeReason == nil)
        let bare = try request(#"{"stream":true,"tools":[],"functions":null,"messages":[{"role":"user","content":"hi"}]}"#)
        #expect(bare.model == "")
        #expect(!bare.wantsUsage)
        #expect(!bare.hasTools)
        #expect(try request(#"{"messages":[{"role":"user","content":"hi"}]}"#).wantsUsage)
    }

    @Test(
        arguments: [
            (#"[{"type":"text","text":"a"},{"type":"image_url","image_url":{}},{"type":"text","text":"b"}]"#, "a\nb"), (#""a""#, "a"),
            (#"[{"type":"image_url","image_url":{}}]"#, nil), ("null", nil), (#"" \n""#, nil), ("[]", nil),
            (#"[{"type":"tool_result","content":"x"}]"#, nil),
        ] as [(String, String?)])
    func findsTheQuery(content: String, expected: String?) throws {
        let chat = try request(#"{"messages":[{"role":"user","content":"earlier"},{"role":"user","content":\#(content)},{"role":"assistant"}]}"#)
        #expect(chat.query == expected)
        #expect(chat.noScopeReason == (expected == nil ? .notText : nil))
        #expect((chat.plainScope == nil) == (expected == nil))
    }

    @Test(
        arguments: [
            (Endpoint.responses, #"{"input":"q"}"#, "q"),
            (.responses, #"{"input":[{"role":"user","content":"p"},{"role":"user","content":[{"type":"input_text","text":"q"}]}]}"#, "q"),
            (.responses, #"{"input":[{"type":"function_call_output","output":"x"}]}"#, nil), (.completions, #"{"prompt":"q"}"#, "q"),
            (.completions, #"{"prompt":["q"]}"#, "q"), (.completions, #"{"prompt":["q","r"]}"#, nil), (.completions, #"{"prompt":[1,2]}"#, nil),
            (.messages, #"{"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"q"}]}]}"#, "q"),
            (.embeddings, #"{"input":"q"}"#, nil),
        ] as [(Endpoint, String, String?)])
    func findsTheQueryOfEveryEndpoint(endpoint: Endpoint, body: String, expected: String?) throws {
        #expect(try request(body, endpoint: endpoint).query == expected)
    }

    @Test(
        arguments: [
            ("", nil), ("[]", nil), ("{}", "messages"), (#"{"messages":{}}"#, "messages"), (#"{"messages":[]}"#, "messages"),
            (#"{"messages":["a"]}"#, "messages[0]"),
            (#"{"messages":[{"role":"user"},{"content":"a"}]}"#, "messages[1].role"), (#"{"messages":[{"role":1}]}"#, "messages[0].role"),
            (#"{"model":1,"messages":[{"role":"user"}]}"#, "model"), (#"{"stream":"yes","messages":[{"role":"user"}]}"#, "stream"),
            (#"{"stream_options":1,"messages":[{"role":"user"}]}"#, "stream_options"),
            (#"{"stream_options":{"include_usage":1},"messages":[{"role":"user"}]}"#, "stream_options.include_usage"),
            (#"{"tools":{},"messages":[{"role":"user"}]}"#, "tools"), (#"{"n":"2","messages":[{"role":"user"}]}"#, "n"),
            (#"{"messages":[{"role":"user"}]"#, nil),
        ] as [(String, String?)])
    func refuses(body: String, param: String?) {
        guard case .invalid(let error) = RequestReader.read(endpoint: .chatCompletions, body: Array(body.utf8)) else {
            Issue.record("accepted \(body)")
            return
        }
        #expect(error.param == param)
        #expect(!error.message.isEmpty)
    }

    @Test(arguments: [
        #"{"model":"a","model":"b","messages":[{"role":"user","content":"q"}]}"#, #"{"messages":[{"role":"user","content":"q","content":"r"}]}"#,
        #"{"stream":true,"stream":false,"messages":[{"role":"user","content":"q"}]}"#,
    ])
    func passesRepeatedNamesThrough(body: String) {
        guard case .bypass(.unreadableBody) = RequestReader.read(endpoint: .chatCompletions, body: Array(body.utf8)) else {
            Issue.record("not passed through: \(body)")
            return
        }
    }

    @Test(arguments: [#"{"input":"q","background":true}"#, #"{"input":"q","previous_response_id":"r"}"#, #"{"input":"q","conversation":"c"}"#])
    func passesStateThrough(body: String) {
        guard case .bypass(.stateful) = RequestReader.read(endpoint: .responses, body: Array(body.utf8)) else {
            Issue.record("not passed through: \(body)")
            return
        }
    }

    @Test func stripsWhatSpeaksToACache() throws {
        let body = #"{"cache": {"ttl":1}, "messages": [ {"role":"user","content":"q"} ],"caching":true}"#
        let chat = try request(body)
        #expect(chat.controlFields == ["cache", "caching"])
        #expect(chat.strippedBody.map { String(decoding: $0, as: UTF8.self) } == #"{"messages":[ {"role":"user","content":"q"} ]}"#)
        #expect(try request(#"{"messages":[{"role":"user","content":"q"}]}"#).strippedBody == nil)
    }

    private static func controls(_ families: Set<PeerFamily> = [], _ change: (inout RequestControls) -> Void = { _ in }) -> RequestControls {
        var controls = RequestControls()
        controls.families = families
        change(&controls)
        return controls
    }

    @Test(
        arguments: [
            (#""cache":{"no-cache":true}"#, controls([.liteLLM]) { $0.noCache = true }),
            (#""cache":{"no-store":true,"use-cache":true}"#, controls([.liteLLM]) { $0.noStore = true }),
            (
                #""cache":{"ttl":60,"s-maxage":30,"namespace":"a"}"#,
                controls([.liteLLM]) { ($0.ttl, $0.maxAge, $0.namespace) = (.seconds(60), .seconds(30), "a") }
            ),
            (#""cache":{"s-max-age":1.5}"#, controls([.liteLLM]) { $0.maxAge = .milliseconds(1500) }),
            (#""caching":false"#, controls([.liteLLM]) { $0.mode = .off }),
            (#""caching":true"#, controls([.liteLLM])), (#""cache_options":{"enabled":"off"}"#, controls { $0.mode = .off }),
            (#""cache_options":{"enabled":"write_only"}"#, controls { $0.mode = .refresh }),
            (#""cache_options":{"enabled":"read_only"}"#, controls { $0.isReadOnly = true }),
            (#""tensorzero::cache_options":{"enabled":"off"}"#, controls { $0.mode = .off }),
            (#""cache_options":{"enabled":"on","max_age_s":5}"#, controls { $0.maxAge = .seconds(5) }),
            (#""cache":null,"cache_options":null"#, RequestControls()),
        ] as [(String, RequestControls)])
    func readsWhatPeersPutInTheBody(member: String, expected: RequestControls) throws {
        #expect(try request(#"{\#(member),"messages":[{"role":"user","content":"q"}]}"#).bodyControls == expected)
    }

    @Test(arguments: [
        (#""cache":{"ttl":"soon"}"#, "cache.ttl"), (#""cache":{"ttl":-1}"#, "cache.ttl"),
        (#""cache":{"no-cache":1}"#, "cache.no-cache"),
        (#""cache":{"namespace":"a b"}"#, "cache.namespace"),
        (#""cache_options":{"enabled":"maybe"}"#, "cache_options.enabled"),
    ])
    func refusesWhatPeersWouldNotPutThere(member: String, param: String) {
        let body = Array(#"{\#(member),"messages":[{"role":"user","content":"q"}]}"#.utf8)
        guard case .invalid(let error) = RequestReader.read(endpoint: .chatCompletions, body: body) else {
            Issue.record("accepted \(member)")
            return
        }
        #expect(error.param == param)
    }

    @Test func headersComeBeforeTheBody() throws {
        var header = RequestControls()
        header.ttl = .seconds(1)
        header.maxAge = .seconds(90)
        var body = RequestControls()
        body.ttl = .seconds(2)
        body.maxAge = .seconds(30)
        body.noStore = true
        body.namespace = "n"
        let both = header.merging(body)
        #expect(both.ttl == .seconds(1))
        #expect(both.maxAge == .seconds(30))
        #expect(both.noStore)
        #expect(both.namespace == "n")
    }

    /// Whatever comes, reading ends and says something; what is cacheable has a key.
    @Test func survivesMutatedBodies() throws {
        var random = SeededGenerator(seed: 2026)
        let seeds = [
            #"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"h\u00e9\ud83d\ude00"}]}],"n":1e0}"#,
            #"{"messages":[{"role":"user","content":"é😀"}],"tools":[{"a":[[[{}]]]}],"seed":-12.50e+3}"#,
        ].map { Array($0.utf8) }
        var cacheable = 0
        for _ in 0..<20_000 {
            var body = seeds.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<body.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: body[place] = UInt8.random(in: 0...255, using: &random)
                case 1: body.remove(at: place)
                case 2: body.insert(Array("\"\\{}[]:,0e-.u".utf8).randomElement(using: &random)!, at: place)
                default: body.swapAt(place, Int.random(in: 0..<body.count, using: &random))
                }
                if body.isEmpty { body = [0x7B] }
            }
            if case .cacheable(let request) = RequestReader.read(endpoint: .chatCompletions, body: body) {
                cacheable += 1
                #expect(request.plainKey.digest != request.plainScope?.digest)
            }
        }
        #expect(cacheable > 100)
    }
}
