import SemanticCache
import Testing

@testable import WireFormats

/// For every part of the scope, two requests that differ only there share nothing; for every excluded member, they share both.
@Suite struct IsolationTests {
    private static let base = #"""
        "model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"before"},{"role":"assistant","content":"a"},
        {"role":"user","content":"question"}]
        """#

    @Test(arguments: [
        #""temperature":0"#, #""temperature":0.7"#, #""top_p":0.5"#, #""n":2"#, #""max_tokens":5"#, #""max_completion_tokens":5"#, #""stop":["x"]"#,
        #""seed":1"#, #""seed":9007199254740992"#, #""seed":9007199254740993"#, #""presence_penalty":1"#, #""frequency_penalty":1"#,
        #""logit_bias":{"50256":-100}"#, #""logprobs":true"#, #""top_logprobs":3"#, #""response_format":{"type":"json_object"}"#,
        #""tools":[{"type":"function","function":{"name":"f"}}]"#, #""tool_choice":"none""#, #""parallel_tool_calls":false"#,
        #""functions":[{"name":"f"}]"#, #""modalities":["text"]"#, #""reasoning_effort":"low""#, #""prediction":null"#, #""verbosity":"low""#,
        #""web_search_options":{}"#, #""unknown_vendor_field":{"a":[1,2]}"#, #""unknown_vendor_field":{"a":[12]}"#, #""top_k":4"#, #""cache":true"#,
        #""caching":"x""#, #""cache_options":[1]"#,
    ])
    func membersAreInKeyAndScope(member: String) throws {
        let plain = try request("{\(Self.base)}")
        let other = try request("{\(Self.base),\(member)}")
        #expect(plain.plainKey != other.plainKey)
        #expect(plain.plainScope != other.plainScope)
        #expect(other.plainScope != nil)
    }

    /// The members of the other endpoints, beside those that all share.
    @Test(
        arguments: [
            (
                Endpoint.responses,
                [
                    #""instructions":"be brief""#, #""reasoning":{"effort":"low"}"#, #""text":{"format":{"type":"json_object"}}"#,
                    #""tools":[{"type":"web_search"}]"#,
                    #""tool_choice":"none""#, #""include":["reasoning.encrypted_content"]"#, #""truncation":"auto""#, #""max_output_tokens":9"#,
                    #""prompt":{"id":"p"}"#, #""temperature":0.1"#, #""parallel_tool_calls":false"#, #""store":false"#,
                ]
            ),
            (
                .messages,
                [
                    #""system":"be brief""#, #""system":[{"type":"text","text":"be brief"}]"#, #""max_tokens":9"#,
                    #""thinking":{"type":"enabled","budget_tokens":9}"#,
                    #""tools":[{"name":"f","input_schema":{}}]"#, #""tool_choice":{"type":"any"}"#, #""stop_sequences":["x"]"#, #""top_k":3"#,
                    #""mcp_servers":[]"#,
                ]
            ),
            (
                .completions,
                [#""suffix":"x""#, #""echo":true"#, #""best_of":2"#, #""logprobs":1"#, #""max_tokens":3"#, #""stop":"x""#]
            ),
        ] as [(Endpoint, [String])])
    func membersOfOtherEndpointsAreInKeyAndScope(endpoint: Endpoint, members: [String]) throws {
        let question =
            switch endpoint {
            case .responses: #""input":"question""#
            case .completions: #""prompt":"question""#
            default: #""messages":[{"role":"user","content":"question"}]"#
            }
        let base = #""model":"m",\#(question)"#
        let bodies = ["{\(base)}"] + members.map { "{\(base),\($0)}" }
        let requests = try bodies.map { try request($0, endpoint: endpoint) }
        #expect(Set(requests.map(\.plainKey)).count == bodies.count)
        #expect(Set(requests.compactMap(\.plainScope)).count == bodies.count)
        #expect(requests.allSatisfy { $0.query == "question" })
    }

    /// All of these are requests of the same last question; no two may share a scope.
    @Test func conversationsNeverShare() throws {
        let bodies = [
            #"{"model":"m","messages":[{"role":"user","content":"question"}]}"#,
            #"{"model":"m2","messages":[{"role":"user","content":"question"}]}"#,
            #"{"messages":[{"role":"user","content":"question"}]}"#,
            #"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"question"}]}"#,
            #"{"model":"m","messages":[{"role":"developer","content":"s"},{"role":"user","content":"question"}]}"#,
            #"{"model":"m","messages":[{"role":"system","content":"t"},{"role":"user","content":"question"}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":"s"},{"role":"user","content":"question"}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":"t"},{"role":"user","content":"question"}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":"question"},{"role":"assistant","content":"a"}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":"question"},{"role":"tool","tool_call_id":"1","content":"42"}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":"question"},{"role":"tool","tool_call_id":"1","content":"43"}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":"question","name":"anna"}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"question"}]}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"question","cache_control":{"type":"ephemeral"}}]}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"question"},{"type":"text","text":"question"}]}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"question"},{"type":"image_url","image_url":{"url":"u"}}]}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"question"},{"type":"image_url","image_url":{"url":"v"}}]}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}},{"type":"text","text":"question"}]}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"question"},{"type":"file","file":{"file_id":"f"}}]}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"question"},{"type":"text2","text":"other"}]}]}"#,
        ]
        let requests = try bodies.map { try request($0) }
        #expect(Set(requests.map(\.plainKey)).count == bodies.count)
        #expect(Set(requests.compactMap(\.plainScope)).count == bodies.count)
        let queries = Set(requests.compactMap(\.query))
        #expect(queries == ["question", "question\nquestion"])
    }

    @Test(arguments: [
        (#""stream":true"#, #""stream":false"#), (#""stream":true,"stream_options":{"include_usage":true}"#, #""stream":true"#),
        (#""user":"anna""#, #""user":"ben""#), (#""metadata":{"a":"1"}"#, #""metadata":null"#), (#""store":true"#, #""store":false"#),
        (#""service_tier":"flex""#, #""service_tier":"auto""#), (#""prompt_cache_key":"a""#, #""prompt_cache_key":"b""#),
        (#""safety_identifier":"a""#, #""safety_identifier":"b""#), (#""cache":{"ttl":5}"#, #""cache":{"no-cache":true}"#),
        (#""caching":true"#, #""caching":false"#), (#""cache_options":{"enabled":"on"}"#, #""cache_options":{}"#),
    ])
    func excludedMembersAreInNeither(first: String, second: String) throws {
        let plain = try request("{\(Self.base)}")
        for member in [first, second] {
            let other = try request("{\(member),\(Self.base)}")
            #expect(other.plainKey == plain.plainKey)
            #expect(other.plainScope == plain.plainScope)
        }
    }

    @Test func onlyTheOutermostMembersAreExcluded() throws {
        let one = try request(#"{"messages":[{"role":"user","content":"q","user":"a"}]}"#)
        let two = try request(#"{"messages":[{"role":"user","content":"q","user":"b"}]}"#)
        #expect(one.plainKey != two.plainKey)
        #expect(one.plainScope != two.plainScope)
    }

    @Test func wordingIsInTheKeyButNotInTheScope() throws {
        let one = try request(#"{"messages":[{"role":"user","content":"how are you?"}]}"#)
        let two = try request(#"{"messages":[{"role":"user","content":"how do you do?"}]}"#)
        #expect(one.plainKey != two.plainKey)
        #expect(one.plainScope == two.plainScope)
    }

    @Test func formIsInNeither() throws {
        let one = try request(#"{"temperature":1.0,"model":"m","messages":[{"role":"user","content":"é\n"}]}"#)
        let two = try request(
            "{ \"messages\" : [ {\"content\":\"\\u00e9\\u000a\",\"role\":\"\\u0075ser\"} ],\r\n\"model\":\"m\", \"temperature\":10e-1}")
        #expect(one.plainKey == two.plainKey)
        #expect(one.plainScope == two.plainScope)
        #expect(one.query == two.query)
    }

    @Test func whatStandsBesideTheBodyIsInBoth() throws {
        let body = try request("{\(Self.base)}")
        var keys: Set<CacheKey> = []
        var scopes: Set<Scope> = []
        let outside = [("", ""), ("a", ""), ("", "a"), ("ab", "c"), ("a", "bc"), ("", "abc")]
        for (namespace, path) in outside {
            for tenant in [tenant, otherTenant] {
                keys.insert(body.key(tenant: tenant, namespace: namespace, pathAndQuery: path))
                scopes.insert(try #require(body.scope(tenant: tenant, namespace: namespace, pathAndQuery: path)))
            }
        }
        #expect(keys.count == outside.count * 2)
        #expect(scopes.count == outside.count * 2)
        #expect(Set(keys.map(\.digest)).isDisjoint(with: scopes.map(\.digest)))
    }

    @Test func endpointsNeverShare() throws {
        let body = #"{"model":"m","messages":[{"role":"user","content":"q"}],"input":"q","prompt":"q","contents":[{"parts":[{"text":"q"}]}]}"#
        let requests = try Endpoint.allCases.map { try request(body, endpoint: $0) }
        #expect(Set(requests.map(\.plainKey)).count == Endpoint.allCases.count)
        #expect(Set(requests.compactMap(\.plainScope)).count == Endpoint.allCases.count - Endpoint.ofVectors.count)
        #expect(requests.last?.noScopeReason == .exactOnly)
    }

    /// The gap in the scope cannot be imitated by a text.
    @Test(arguments: ["", "\u{FF}", "ÿ", "\\u00ff", "\\u0000", "\\\"\\\""])
    func theGapIsNoText(text: String) throws {
        let user = try request(#"{"messages":[{"role":"user","content":"q"},{"role":"user","content":"\#(text)x"}]}"#)
        let other = try request(#"{"messages":[{"role":"user","content":"\#(text)x"},{"role":"user","content":"q"}]}"#)
        #expect(user.plainScope != other.plainScope)
    }
}
