import HTTPTypes
import SemanticCache
import TestSupport
import Testing

@testable import WireFormats

@Suite struct GeminiTests {
    private static let streams = [
        "gemini-text.sse", "gemini-tools.sse", "gemini-thinking.sse", "gemini-candidates.sse", "gemini-search.sse", "gemini-logprobs.sse",
    ]

    private func read(_ path: String, _ body: String = #"{"contents":[{"parts":[{"text":"hi"}]}]}"#) throws -> CacheableRequest {
        guard case .cacheable(let request) = RequestReader.read(path: path[...], body: Array(body.utf8)) else { throw NotCacheable() }
        return request
    }

    // MARK: Paths

    @Test(arguments: [
        ("/v1beta/models/g-2:generateContent", "g-2", false), ("/v1beta/models/g-2:streamGenerateContent?alt=sse", "g-2", true),
        ("/v1beta/models/g-2:streamGenerateContent?key=k&alt=sse", "g-2", true),
        ("/v1alpha/tunedModels/t%20x:generateContent?alt=json", "t x", false),
        ("/v1/projects/p/locations/l/publishers/google/models/g-2:generateContent", "g-2", false),
        ("/v1beta/models/g-2%3AgenerateContent?$alt=json", "g-2", false),
    ])
    func thePathNamesModelAndForm(path: String, model: String, streams: Bool) throws {
        let target = try #require(WireTarget(path: path[...]))
        #expect(target.endpoint == .generateContent && target.model == model && target.streams == streams)
        #expect(try read(path).model == model && read(path).wantsStream == streams)
    }

    /// The array of a stream without events, other encodings, other methods, and what merely looks like a method.
    @Test(arguments: [
        "/v1beta/models/g-2:streamGenerateContent", "/v1beta/models/g-2:generateContent?alt=proto", "/v1beta/models/g-2:generateContent?alt=sse",
        "/v1beta/models/g-2:streamGenerateContent?alt=sse&alt=json", "/v1beta/models/g-2:countTokens", "/v1beta/models/:generateContent",
        "/v1beta/models/g-2:generateContent/x", "/v2/models/g-2:generateContent", "/v1beta/models/g-2", "/v1/models/ft:g:x:generateContents",
    ])
    func otherPathsAreNotItsOwn(path: String) {
        #expect(WireTarget(path: path[...]) == nil)
    }

    @Test func bothFormsAreOneEntry() throws {
        let paths = [
            "/v1beta/models/g-2:generateContent", "/v1beta/models/g-2:streamGenerateContent?alt=sse", "/v1beta/models/g-2:generateContent?alt=json",
            "/v1beta/models/g-2%3AstreamGenerateContent?alt=sse",
        ]
        let keys = try paths.map { try read($0).key(tenant: tenant, namespace: "", pathAndQuery: $0) }
        let scopes = try paths.map { try read($0).scope(tenant: tenant, namespace: "", pathAndQuery: $0) }
        #expect(Set(keys).count == 1 && Set(scopes).count == 1)
        #expect(GoogleMethod.keyed(paths[1] + "&x=1\nanthropic-beta: y") == paths[0] + "?x=1\nanthropic-beta: y")
        let others = ["/v1beta/models/g-3:generateContent", "/v1/models/g-2:generateContent", paths[0] + "?x=1"]
        for path in others { #expect(try read(path).key(tenant: tenant, namespace: "", pathAndQuery: path) != keys[0], "\(path)") }
        #expect(try read(paths[1]).standardPath == paths[0])
    }

    @Test func theModelIsKnownForOtherMethodsToo() {
        #expect(RequestModel.name(inPath: "/v1beta/models/g-2:countTokens") == "g-2")
        #expect(RequestModel.name(inPath: "/v1beta/models/g-2:streamGenerateContent?x=1") == "g-2")
        // A model's own name may have colons: whoever deletes it lets nothing run.
        #expect(RequestModel.name(inPath: "/v1/models/ft:gpt-4o:acme::1") == nil)
        #expect(RequestModel.name(inPath: "/openai/deployments/d-1/chat/completions?api-version=1") == "d-1")
        #expect(RequestModel.realtime(at: "/v1/realtime?model=gpt%2Drealtime") == "gpt-realtime")
        #expect(RequestModel.realtime(at: "/openai/realtime?api-version=1&deployment=d-1") == "d-1")
        #expect(RequestModel.realtime(at: "/v1/realtime?model=a&model=b") == nil && RequestModel.realtime(at: "/v1/responses?model=a") == nil)
    }

    // MARK: Requests

    @Test func theLastUsersTextsAreTheQuery() throws {
        let path = "/v1beta/models/g-2:generateContent"
        func query(_ contents: String) throws -> String? { try read(path, "{\"contents\":\(contents)}").query }
        #expect(try query(#"[{"parts":[{"text":"a"},{"text":"b"}]}]"#) == "a\nb")
        #expect(try query(#"{"role":"user","parts":{"text":"a"}}"#) == "a")
        #expect(try query(#"[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]}]"#) == "a")
        #expect(try query(#"[{"role":"user","parts":[{"text":"a"}]},{"role":"user","parts":[{"functionResponse":{"name":"f"}}]}]"#) == nil)
        #expect(try query(#""a""#) == nil && query("null") == nil && query("[7]") == nil)
    }

    /// Each differs from the first in one thing that the model sees, and none may share an answer with it.
    @Test(arguments: [
        #""contents":[{"role":"model","parts":[{"text":"x"}]},{"role":"user","parts":[{"text":"hi"}]}]"#,
        #""contents":[{"parts":[{"text":"hi"},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}]"#,
        #""contents":[{"parts":[{"text":"hi"}]}],"systemInstruction":{"parts":[{"text":"s"}]}"#,
        #""contents":[{"parts":[{"text":"hi"}]}],"tools":[{"googleSearch":{}}]"#,
        #""contents":[{"parts":[{"text":"hi"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}"#,
        #""contents":[{"parts":[{"text":"hi"}]}],"safetySettings":[{"category":"c","threshold":"BLOCK_NONE"}]"#,
        #""contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"temperature":0}"#,
        #""contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"responseMimeType":"application/json"}"#,
        #""contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"thinkingConfig":{"thinkingLevel":"high"}}"#,
        #""contents":[{"parts":[{"text":"hi"}]}],"unheardOf":1"#,
    ])
    func whatTheModelSeesIsInKeyAndScope(members: String) throws {
        let path = "/v1beta/models/g-2:generateContent"
        let (one, other) = (try read(path), try read(path, "{\(members)}"))
        #expect(other.query == "hi" && one.plainKey != other.plainKey && one.plainScope != other.plainScope)
    }

    @Test func whatOnlyTheBillSeesIsInNeither() throws {
        let path = "/v1beta/models/g-2:generateContent"
        let labelled = try read(path, #"{"labels":{"team":"a"},"store":false,"contents":[{"parts":[{"text":"hi"}]}]}"#)
        #expect(try labelled.plainKey == read(path).plainKey)
        #expect(try read(path, #"{"contents":[],"tools":[{"googleSearch":{}}]}"#).hasTools)
        #expect(try read(path, #"{"generation_config":{"candidate_count":3}}"#).choiceCount == 3)
    }

    @Test(arguments: ["cachedContent", "cached_content"])
    func contentThatTheProviderHoldsIsState(name: String) {
        let body = Array("{\"\(name)\":\"cachedContents/1\",\"contents\":[]}".utf8)
        guard case .bypass(.stateful) = RequestReader.read(path: "/v1beta/models/g-2:generateContent", body: body) else {
            Issue.record("\(name) was read")
            return
        }
    }

    // MARK: Answers

    /// Cut anywhere into any number of pieces, the same bytes are kept, with the same count of tokens.
    @Test(arguments: streams)
    func howItWasCutDoesNotMatter(name: String) throws {
        let transcript = try Transcript(name)
        let whole = try transcript.record().get()
        var random = SeededGenerator(seed: 5)
        let lines = transcript.bytes.indices.filter { transcript.bytes[$0] == 0x0A }.map { $0 + 1 }
        var cuts = [lines, Array(1..<transcript.bytes.count)]
        for _ in 0..<20 { cuts.append((1..<transcript.bytes.count).filter { _ in Int.random(in: 0..<40, using: &random) == 0 }) }
        for cut in cuts {
            let recorded = try transcript.record(cuts: cut.filter { $0 < transcript.bytes.count }).get()
            guard case .events(let events) = recorded.recording else {
                Issue.record("not recorded as events")
                return
            }
            #expect(events.bytes == transcript.bytes && recorded.usage == whole.usage)
        }
    }

    /// Without the reason why the last candidate ended, nothing is kept.
    @Test(arguments: streams)
    func aCutStreamIsNeverKept(name: String) throws {
        let transcript = try Transcript(name)
        let reason = Array("\"finishReason\"".utf8)
        let end = try #require(transcript.bytes.indices.last { transcript.bytes[$0...].starts(with: reason) })
        for length in 0...end {
            var recorder = AnswerRecorder(
                request: try transcript.request(stream: true), status: 200, fields: [.contentType: "text/event-stream"], limit: 1 << 20)
            recorder.append(Array(transcript.bytes[..<length]), milliseconds: 0)
            guard case .failure = recorder.finish() else {
                Issue.record("kept \(length) bytes")
                return
            }
        }
    }

    @Test(arguments: [
        (
            "gemini-text.sse",
            #"[{"content":{"parts":[{"text":"Paris is the capital of France 🇫🇷.\n\"Voilà\", data: [DONE]"}],"role":"model"},"finishReason":"STOP","index":0}]"#
        ),
        (
            "gemini-thinking.sse",
            #"[{"content":{"parts":[{"text":"First, think.","thought":true},{"text":"Then speak."},{"text":"","thoughtSignature":"c2ln"}],"role":"model"},"finishReason":"STOP","index":0}]"#
        ),
        (
            "gemini-tools.sse",
            #"[{"content":{"parts":[{"text":"Let me look.","thought":true},{"functionCall":{"name":"get_weather","args":{"city":"São Paulo"}},"thoughtSignature":"c2lnbmVk"},{"functionCall":{"name":"get_time","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}]"#
        ),
        (
            "gemini-candidates.sse",
            #"[{"content":{"parts":[{"text":"one two"}],"role":"model"},"finishReason":"STOP","index":0},{"content":{"parts":[{"text":"uno due"}],"role":"model"},"finishReason":"STOP","index":1}]"#
        ),
        (
            "gemini-search.sse",
            #"[{"content":{"parts":[{"text":"It rains today. Cold, too."}],"role":"model"},"finishReason":"STOP","index":0,"citationMetadata":{"citationSources":[{"endIndex":8,"uri":"https://example.com/a"},{"endIndex":9,"uri":"https://example.com/c"}]},"groundingMetadata":{"webSearchQueries":["weather"],"groundingChunks":[{"web":{"uri":"https://example.com/b"}}],"searchEntryPoint":{"renderedContent":"<b>x</b>"}}}]"#
        ),
        (
            "gemini-logprobs.sse",
            #"[{"content":{"parts":[{"text":"jaja"}],"role":"model"},"finishReason":"STOP","index":0,"logprobsResult":{"chosenCandidates":[{"token":"ja","logProbability":-0.5},{"token":"ja","logProbability":-0.5}]}}]"#
        ),
    ])
    func aStreamAsAPlainAnswer(name: String, candidates: String) throws {
        let transcript = try Transcript(name)
        let rendered = try #require(AnswerRenderer.render(transcript.answer(), for: transcript.request(stream: false)))
        let root = try JSONDocument(rendered.bytes).root
        #expect(try canonicalText(Array(#require(root["candidates"]).source)) == canonicalText(Array(candidates.utf8)))
        #expect(root["modelVersion"]?.string == "gemini-test" && root["responseId"]?.string == "r-1")
    }

    /// Of the counts the last word counts, and what the last chunk leaves out stays.
    @Test func theUsageOfAStream() throws {
        let transcript = try Transcript("gemini-text.sse")
        let usage = try #require(transcript.record().get().usage)
        #expect(usage.prompt == 7 && usage.completion == 14 && usage.cachedPrompt == 3)
        let thinking = try #require(Transcript("gemini-tools.sse").record().get().usage)
        #expect(thinking.prompt == 20 && thinking.completion == 20)
        let plain = try #require(Transcript("gemini-all.json").record().get().usage)
        #expect(plain.prompt == 35 && plain.completion == 50)
        let rendered = try #require(AnswerRenderer.render(transcript.answer(), for: transcript.request(stream: false)))
        #expect(try JSONDocument(rendered.bytes).root["usageMetadata"]?["totalTokenCount"]?.int == 21)
    }

    @Test(arguments: ["gemini-text.json", "gemini-all.json"])
    func aPlainAnswerAsAStream(name: String) throws {
        let transcript = try Transcript(name)
        let rendered = try #require(AnswerRenderer.render(transcript.answer(), for: transcript.request(stream: true)))
        #expect(rendered.contentType.hasPrefix("text/event-stream"))
        var parser = SSEParser()
        let events = try parser.append(rendered.bytes)
        #expect(events.count == 1 && !parser.isWithinEvent)
        #expect(try canonicalText(events[0].data) == canonicalText(transcript.bytes))
        // And there and back again: put together it is what it was.
        let back = try #require(GeminiFormat().message(from: events))
        #expect(try canonicalText(back) == canonicalText(transcript.bytes))
    }

    /// Arguments in pieces are a stream's own; a plain answer is asked for instead of made up.
    @Test func argumentsInPiecesAreNotPutTogether() throws {
        let transcript = try Transcript("gemini-partial-arguments.sse")
        #expect(try AnswerRenderer.render(transcript.answer(), for: transcript.request(stream: false)) == nil)
        #expect(try AnswerRenderer.render(transcript.answer(), for: transcript.request(stream: true))?.bytes == transcript.bytes)
    }

    @Test func theNumberOfCandidatesIsKeptTo() throws {
        let transcript = try Transcript("gemini-text.sse")
        guard case .failure(.truncated) = try transcript.record(choices: 2) else {
            Issue.record("one candidate of two was kept")
            return
        }
    }

    @Test(arguments: [
        ("gemini-text.sse", "Paris is the capital of France 🇫🇷.\n\"Voilà\", data: [DONE]"), ("gemini-thinking.sse", "Then speak."),
        ("gemini-tools.sse", "get_weather({\"city\":\"São Paulo\"})\nget_time({})"),
        ("gemini-all.json", "Here is code and a picture.\nprint(6 * 7)\npay({\"sum\":1.5,\"to\":\"é\"})"),
        ("geminiembeddings-one.json", "1 embeddings"), ("geminiembeddings-batch.json", "2 embeddings"),
    ])
    func whatItSays(name: String, expected: String) throws {
        let transcript = try Transcript(name)
        #expect(try AnswerText.preview(transcript.answer(), endpoint: transcript.endpoint, limit: 1000) == expected)
    }

    @Test func anAnswerIsMadeOfAText() throws {
        let line = #"{"url":"https://x.example/v1beta/models/g-2:generateContent","body":{"contents":[{"parts":[{"text":"q"}]}]},"answer":"a\"b"}"#
        let record = try WarmRecord.read(line: Array(line.utf8), defaultModel: "other")
        #expect(record.request.model == "g-2" && record.request.endpoint == .generateContent)
        #expect(!String(decoding: record.body, as: UTF8.self).contains("other"))
        guard case .message(let bytes) = try #require(record.answer).recording else { throw NotCacheable() }
        #expect(GeminiFormat().text(of: try JSONDocument(bytes).root) == "a\"b")
    }

    // MARK: Errors

    @Test(arguments: [
        ("/v1beta/models/g-2:generateContent", true), ("/v1beta/models/g-2:countTokens?x=1", true), ("/v1beta/files", true),
        ("/v1/models/g-2:embedContent", true), ("/upload/v1beta/files", true), ("/v1/chat/completions", false), ("/v1/models", false), ("/x", false),
    ])
    func errorsAreInTheFormOfThePath(path: String, isGoogles: Bool) throws {
        let body = ErrorBody.bytes(message: "m\"", type: "upstream_error", code: "upstream_timeout", status: 504, path: path[...])
        let error = try #require(JSONDocument(body).root["error"])
        #expect(error["message"]?.string == "m\"")
        #expect((error["status"]?.string == "DEADLINE_EXCEEDED") == isGoogles && (error["code"]?.int == 504) == isGoogles)
        #expect((error["details"]?.elements.map { $0["reason"]?.string } == ["UPSTREAM_TIMEOUT"]) == isGoogles)
    }
}
