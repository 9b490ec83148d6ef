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
    func passesOnWhatItCannotRead(body: String, param: String?) {
        guard case .unreadable(let error) = RequestReader.read(endpoint: .chatCompletions, body: Array(body.utf8)) else {
            Issue.record("accepted \(body)")
            return
        }
        #expect(error.param == param)
        #expect(!error.message.isEmpty)
    }

    /// Bodies that other servers of the same paths take: nothing here may say that they are wrong.
    @Test(
        arguments: [
            (#"{"model":"m","messages":[{"role":"user","content":"q"}]}"#, .embeddings), (#"{"model":"m","prompt":"q"}"#, .chatCompletions),
            (#"{"prompt":{"prompt_string":"q","multimodal_data":[]}}"#, .completions), (#"{"model":"m","prompt":"q"}"#, .messages),
            (#"{"model":"m","input":{"text":"q"}}"#, .responses), (#"{"model":"m","input":{"image":"u"}}"#, .embeddings),
            (#"{"messages":[{"role":"user","content":"\ud83d"}]}"#, .chatCompletions), (#"{"input":"\uDE00 b"}"#, .embeddings),
            ("\u{FEFF}" + #"{"messages":[{"role":"user","content":"q"}]}"#, .chatCompletions), ("\u{FEFF}{\"input\":\"q\"}", .responses),
            (#"{'messages':[]}"#, .messages), (#"{"messages":[{"role":"user","content":NaN}]}"#, .chatCompletions),
            ("model=m&prompt=q", .completions),
        ] as [(String, Endpoint)])
    func passesOnWhatOtherServersTake(body: String, endpoint: Endpoint) {
        guard case .unreadable = RequestReader.read(endpoint: endpoint, body: Array(body.utf8)) else {
            Issue.record("not passed on: \(body)")
            return
        }
    }

    /// Which upstream gets such a body, and who may ask for its model, is told all the same.
    @Test(arguments: [
        "\u{FEFF}" + #"{"model":"a"}"#, #"{"model":"a","messages":[{"content":"\ud800 \udc00\ud800\u0041"}]}"#, #"{"x":"\uDFFF","model":"a"}"#,
        #"{"model":"a","x":"\ud83d\ude00"}"#,
    ])
    func modelsAreReadWhereOtherServersReadThem(body: String) {
        #expect(RequestModel.name(in: Array(body.utf8)) == "a")
        #expect(RequestModel.names(in: Array(body.utf8)) == ["a"])
    }

    @Test func modelsAreReadBesideWhatIsNoUTF8() {
        for wrong: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF0, 0x9F]] {
            let body = Array(#"{"x":""#.utf8) + wrong + Array(#"","model":"a"}"#.utf8)
            #expect(RequestModel.names(in: body) == ["a"], "\(wrong)")
        }
        #expect(RequestModel.names(in: Array(#"{"x":"\ud8"#.utf8)).isEmpty)
    }

    @Test(
        arguments: [
            #""web_search_options":{}"#, #""web_search_options":{"search_context_size":"low"}"#, #""search_parameters":{"mode":"auto"}"#,
            #""plugins":[{"id":"web"}]"#, #""enable_search":true"#, #""enable_web_search":"auto""#, #""web_search":{"enable":true}"#,
            #""search_recency_filter":"day""#, #""venice_parameters":{"enable_web_search":"on"}"#, #""extra_body":{"enable_search":true}"#,
            #""data_sources":[{"type":"azure_search"}]"#, #""tools":[{"type":"web_search"}]"#,
            #""tools":[{"type":"web_search_20250305","name":"s"}]"#,
            #""tools":[{"type":"builtin_function","function":{"name":"$web_search"}}]"#, #""tools":[{"googleSearch":{}}]"#,
            #""tools":[{"type":"function","function":{"name":"f"}},{"type":"x_search"}]"#, #""tools":[{"url_context":{}}]"#,
            #""tools":[{"type":"web_fetch_20250910","name":"web_fetch"}]"#, #""model":"gpt-4o-search-preview""#, #""model":"openai/gpt-4o:online""#,
            #""model":"perplexity/sonar-pro""#,
        ])
    func seesASearch(member: String) throws {
        #expect(try request(#"{\#(member),"messages":[{"role":"user","content":"q"}]}"#).asksForSearch)
    }

    @Test(
        arguments: [
            #""web_search_options":null"#, #""search_parameters":{"mode":"off"}"#, #""plugins":[]"#, #""plugins":[{"id":"web","enabled":false}]"#,
            #""enable_search":false"#, #""disable_search":true"#, #""use_beam_search":true"#, #""venice_parameters":{"enable_web_search":"off"}"#,
            #""tools":[{"type":"function","function":{"name":"web_search","parameters":{"search":1}}}]"#, #""functions":[{"name":"search"}]"#,
            #""tools":[{"name":"search","description":"search","input_schema":{"search":1}}]"#, #""tools":[{"type":"code_interpreter"}]"#,
            #""tools":[{"type":"tool_search_tool_regex_20251119","name":"t"}]"#, #""tools":[{"type":"web_search","web_search":{"enable":false}}]"#,
            #""metadata":{"search":"x"}"#, #""model":"o3-research""#, #""user":"search""#,
        ])
    func seesNoSearchWhereThereIsNone(member: String) throws {
        #expect(try !request(#"{\#(member),"messages":[{"role":"user","content":"q"}]}"#).asksForSearch)
    }

    @Test func vectorsAreNotSearchedFor() throws {
        #expect(try !request(#"{"model":"text-search-ada-doc-001","input":"q"}"#, endpoint: .embeddings).asksForSearch)
    }

    @Test(arguments: [#""container":"container_1""#, #""container":{"id":"c"}"#, #""container":{"skills":[{"type":"anthropic","skill_id":"xlsx"}]}"#])
    func passesContainersThrough(member: String) {
        let body = #"{"model":"m","max_tokens":9,\#(member),"messages":[{"role":"user","content":"q"}]}"#
        guard case .bypass(.stateful) = RequestReader.read(endpoint: .messages, body: Array(body.utf8)) else {
            Issue.record("not passed through: \(body)")
            return
        }
    }

    @Test func withoutAContainerNothingIsHeld() throws {
        let plain = try request(#"{"messages":[{"role":"user","content":"q"}]}"#, endpoint: .messages)
        #expect(try request(#"{"container":null,"messages":[{"role":"user","content":"q"}]}"#, endpoint: .messages).query == plain.query)
    }

    /// Where a later request may name the answer, one that was not stored is another answer.
    @Test func storingIsInTheKeyOfResponses() throws {
        let bodies = ["", #""store":true,"#, #""store":false,"#].map { #"{\#($0)"input":"q"}"# }
        #expect(try Set(bodies.map { try request($0, endpoint: .responses).plainKey }).count == 3)
        #expect(try Set(bodies.map { try request($0, endpoint: .responses).plainScope }).count == 3)
        let chat = try ["", #""store":false,"#].map { try request(#"{\#($0)"messages":[{"role":"user","content":"q"}]}"#) }
        #expect(chat[0].plainKey == chat[1].plainKey)
    }

    @Test func tagsThatRouteAreInTheKey() throws {
        func chat(_ member: String, _ endpoint: Endpoint = .chatCompletions) throws -> CacheableRequest {
            try request(#"{\#(member)"messages":[{"role":"user","content":"q"}],"input":"q"}"#, endpoint: endpoint)
        }
        let members = [
            "", #""metadata":{"tags":["free"]},"#, #""metadata":{"tags":["paid"]},"#, #""metadata":{"tags":["free","paid"]},"#,
            #""metadata":{"tags":"free"},"#,
        ]
        for endpoint in [Endpoint.chatCompletions, .responses, .messages, .completions] {
            #expect(try Set(members.map { try chat($0, endpoint).plainKey }).count == members.count)
            #expect(try Set(members.map { try chat($0, endpoint).key(tenant: tenant, namespace: "", pathAndQuery: "/a?b") }).count == members.count)
        }
        #expect(try Set(members.map { try chat($0).plainScope }).count == members.count)
        let embeddings = try members.map { try request(#"{\#($0)"input":["a","b"]}"#, endpoint: .embeddings) }
        #expect(Set(embeddings.flatMap { $0.itemKeys(tenant: tenant, namespace: "", pathAndQuery: "") }).count == 2 * members.count)
        for same in [#""metadata":{"user":"anna"},"#, #""metadata":{"tags":null},"#, #""metadata":{"tags":[]},"#, #""metadata":null,"#] {
            #expect(try chat(same).plainKey == chat("").plainKey)
        }
        #expect(try chat(#""metadata":{"user":"anna","tags":["free"]},"#).plainKey == chat(members[1]).plainKey)
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
        #expect(chat.strippedBody.map { String(decoding: $0, as: UTF8.self) } == #"{"messages": [ {"role":"user","content":"q"} ]}"#)
        #expect(try request(#"{"messages":[{"role":"user","content":"q"}]}"#).strippedBody == nil)
    }

    /// A provider's prompt cache knows a body by its beginning: what is not the cache's own goes on as the client wrote it.
    @Test(
        arguments: [
            (#"{ "cache" : {"ttl":1} ,"a": 1.0, "messages" : M }"#, #"{ "a": 1.0, "messages" : M }"#),
            (#"{ "messages": M , "cache" : {"ttl":1} , "b" : 2 }"#, #"{ "messages": M , "b" : 2 }"#),
            (#"{ "a": 1.0 , "messages" : M , "caching" : false }  "#, #"{ "a": 1.0 , "messages" : M }  "#),
            (#"{"cache":{"ttl":1},"caching":true,"messages":M,"cache_options":{}}"#, #"{"messages":M}"#),
            (#"{"messages":M,"cache":{"ttl":1},"caching":true}"#, #"{"messages":M}"#),
            (#"{"cache":null,"a":1,"caching":null,"messages":M}"#, #"{"a":1,"messages":M}"#),
        ])
    func cutsOutNothingElse(body: String, expected: String) throws {
        let messages = #"[ {"role":"user",  "content":"\u00fc/"} ]"#
        let stripped = try #require(request(body.replacing("M", with: messages)).strippedBody)
        #expect(String(decoding: stripped, as: UTF8.self) == expected.replacing("M", with: messages))
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
