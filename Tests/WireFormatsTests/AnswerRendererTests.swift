import HTTPTypes
import SemanticCache
import Testing

@testable import WireFormats

@Suite struct AnswerRendererTests {
    private static let messages = [
        "chat-text.json", "chat-tools.json", "chat-n2.json", "chat-logprobs.json", "chat-refusal.json", "chat-reasoning.json", "chat-unknown.json",
        "chat-function-call.json", "chat-custom-tool.json", "chat-audio.json", "completion-text.json", "messages-all.json", "responses-all.json",
    ]
    private static let streams = [
        "chat-text.sse", "chat-crlf.sse", "chat-tool.sse", "chat-parallel-tools.sse", "chat-n2.sse", "chat-logprobs.sse", "chat-refusal.sse",
        "chat-reasoning.sse",
        "chat-azure.sse", "completion-text.sse", "messages-text.sse", "messages-tools.sse", "responses-text.sse",
    ]

    private func render(_ answer: Answer, _ request: CacheableRequest) throws -> RenderedAnswer {
        try #require(AnswerRenderer.render(answer, for: request))
    }

    @Test(arguments: try (messages + streams).map { try Transcript($0) })
    func theSameFormIsTheVerySameBytes(transcript: Transcript) throws {
        let answer = try transcript.answer()
        let rendered = try render(answer, transcript.request(stream: transcript.isEvents, usage: transcript.isEvents))
        #expect(rendered.bytes == transcript.bytes)
        #expect(rendered.contentType == answer.fields[.contentType])
        if case .events(let events) = rendered.content { #expect(Recording.events(events) == answer.recording) }
    }

    /// Message, events, message: equal member by member.
    @Test(arguments: try messages.map { try Transcript($0) })
    func streamingLosesNothing(transcript: Transcript) throws {
        let streamed = try render(transcript.answer(), transcript.request(stream: true, usage: true))
        #expect(streamed.contentType.hasPrefix("text/event-stream"))
        guard case .events(let events) = streamed.content else {
            Issue.record("no events")
            return
        }
        let back = try #require(AnswerRenderer.message(from: events, endpoint: transcript.endpoint))
        #expect(try canonicalText(back) == canonicalText(transcript.bytes))
        #expect(events.chunks.count > 2)
        #expect(events.chunks.flatMap { Array($0.bytes) } == events.bytes)

        // What is synthesised is itself a complete stream.
        var recorder = AnswerRecorder(
            request: try transcript.request(stream: true), status: 200, fields: [.contentType: "text/event-stream"], limit: 1 << 20)
        recorder.append(events.bytes, milliseconds: 0)
        #expect(try recorder.finish().get().usage == transcript.answer().usage)
    }

    /// Events, message, events, message: the second message is the first.
    @Test(arguments: try streams.map { try Transcript($0) })
    func aggregatingIsStable(transcript: Transcript) throws {
        let first = try render(transcript.answer(), transcript.request(stream: false))
        let answer = Answer(recording: .message(first.bytes), fields: [:], usage: nil, upstreamTime: .zero)
        let streamed = try render(answer, transcript.request(stream: true, usage: true))
        guard case .events(let events) = streamed.content else {
            Issue.record("no events")
            return
        }
        let second = try #require(AnswerRenderer.message(from: events, endpoint: transcript.endpoint))
        #expect(try canonicalText(second) == canonicalText(first.bytes))
    }

    @Test(arguments: [
        ("chat-text.sse", #"{"role":"assistant","content":"Paris is the capital of France 🇫🇷.\n\"Voilà\"","refusal":null}"#, "stop"),
        ("chat-crlf.sse", #"{"role":"assistant","content":"Paris is the capital of France 🇫🇷.\n\"Voilà\"","refusal":null}"#, "stop"),
        (
            "chat-parallel-tools.sse",
            #"""
            {"role":"assistant","content":null,"refusal":null,"tool_calls":[
             {"id":"call_a1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}},
             {"id":"call_b2","type":"function","function":{"name":"get_time","arguments":"{\"tz\":\"CET\"}"}}]}
            """#, "tool_calls"
        ), ("chat-refusal.sse", #"{"role":"assistant","content":"","refusal":"I'm sorry, no."}"#, "stop"),
        ("chat-reasoning.sse", #"{"role":"assistant","content":"4","reasoning_content":"Two and two."}"#, "stop"),
    ])
    func putsMessagesTogether(name: String, message: String, reason: String) throws {
        let transcript = try Transcript(name)
        let body = try JSONDocument(render(transcript.answer(), transcript.request(stream: false)).bytes).root
        let choice = try #require(body["choices"]?.elements.first { _ in true })
        #expect(try canonicalText(Array(#require(choice["message"]).source)) == canonicalText(Array(message.utf8)))
        #expect(choice["finish_reason"]?.string == reason)
        #expect(choice["index"]?.int == 0)
        #expect(body["object"]?.string == "chat.completion")
        #expect(body["id"]?.string == "chatcmpl-A1b2")
        #expect(body["created"]?.int == 1_760_000_000)
        #expect(body["model"]?.string == "gpt-4o-mini-2024-07-18")
        #expect(body["system_fingerprint"]?.string == "fp_44709d6fcb")
        #expect(body["usage"] == nil)
    }

    @Test func putsEverythingElseTogether() throws {
        func plain(_ name: String) throws -> JSONNode {
            let transcript = try Transcript(name)
            return try JSONDocument(render(transcript.answer(), transcript.request(stream: false)).bytes).root
        }
        #expect(try plain("chat-usage.sse")["usage"]?["total_tokens"]?.int == 23)
        #expect(try plain("chat-azure.sse")["prompt_filter_results"]?.count == 1)
        #expect(try plain("chat-reasoning.sse")["x_groq"]?["id"]?.string == "req_1")
        #expect(try plain("chat-reasoning.sse")["choices"]?.elements.map { $0["matched_stop"]?.int } == [7])
        let logprobs = try plain("chat-logprobs.sse")["choices"]?.elements.map { $0["logprobs"]?["content"]?.elements.map { $0["token"]?.string } }
        #expect(logprobs == [["Hel", "lo"]])
        #expect(try plain("chat-n2.sse")["choices"]?.elements.map { $0["message"]?["content"]?.string } == ["Red.", "Blue"])
        #expect(try plain("completion-text.sse")["choices"]?.elements.map { $0["text"]?.string } == ["Once upon a time"])
        let message = try plain("messages-tools.sse")
        #expect(message["stop_reason"]?.string == "tool_use")
        #expect(message["usage"]?["output_tokens"]?.int == 15)
        #expect(message["usage"]?["input_tokens"]?.int == 25)
        #expect(message["content"]?.elements.map { $0["type"]?.string } == ["thinking", "text", "tool_use"])
        #expect(message["content"]?.elements.map { $0["input"]?["city"]?.string } == [nil, nil, "San José"])
        #expect(message["content"]?.elements.map { $0["signature"]?.string } == ["EqQB", nil, nil])
        #expect(try plain("responses-text.sse")["status"]?.string == "completed")
    }

    @Test func streamsInTheProtocolsOrder() throws {
        let transcript = try Transcript("chat-tools.json")
        let rendered = try render(transcript.answer(), transcript.request(stream: true, usage: true))
        var parser = SSEParser()
        let events = try parser.append(rendered.bytes)
        #expect(events.last?.isDoneMarker == true)
        let chunks = try events.dropLast().map { try JSONDocument($0.data).root }
        #expect(chunks.allSatisfy { $0["object"]?.string == "chat.completion.chunk" && $0["id"]?.string == "chatcmpl-A1b2" })
        let deltas = chunks.compactMap { $0["choices"]?.elements.first { _ in true }?["delta"] }.map { String(decoding: $0.source, as: UTF8.self) }
        #expect(
            deltas == [
                #"{"role":"assistant","content":null,"refusal":null}"#,
                #"{"tool_calls":[{"index":0,"id":"call_a1","type":"function","function":{"name":"get_weather","arguments":""}}]}"#,
                #"{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Paris\"}"}}]}"#,
                #"{"tool_calls":[{"index":1,"id":"call_b2","type":"function","function":{"name":"get_time","arguments":""}}]}"#,
                #"{"tool_calls":[{"index":1,"function":{"arguments":"{\"tz\":\"CET\"}"}}]}"#, "{}",
            ])
        #expect(chunks.last?["choices"]?.count == 0)
        #expect(chunks.last?["usage"]?["total_tokens"]?.int == 23)
        #expect(chunks.dropLast().allSatisfy { $0["usage"]?.isNull ?? false })
    }

    @Test func leavesTheUsageChunkToThoseWhoAsked() throws {
        let transcript = try Transcript("chat-usage.sse")
        let answer = try transcript.answer()
        #expect(try render(answer, transcript.request(stream: true, usage: true)).bytes == transcript.bytes)
        let without = String(decoding: try render(answer, transcript.request(stream: true)).bytes, as: UTF8.self)
        #expect(!without.contains(#""choices":[]"#))
        #expect(without.hasSuffix("data: [DONE]\n\n"))
        #expect(without.count < transcript.bytes.count - 100)
        let message = try Transcript("chat-text.json")
        #expect(!String(decoding: try render(message.answer(), message.request(stream: true)).bytes, as: UTF8.self).contains("usage"))
        // Azure's first chunk has no choices either, but it is no usage chunk.
        let azure = try Transcript("chat-azure.sse")
        #expect(try render(azure.answer(), azure.request(stream: true)).bytes == azure.bytes)
    }

    @Test func keepsMarksTrueWhenBytesGo() {
        let marks = [4, 8, 12, 20].map { EventRecording.Mark(end: UInt32($0), milliseconds: UInt32($0)) }
        let cut = EventRecording(bytes: Array(0..<20), marks: marks).without([2..<3, 6..<13])
        #expect(cut.bytes == [0, 1, 3, 4, 5, 13, 14, 15, 16, 17, 18, 19])
        #expect(cut.marks == [EventRecording.Mark(end: 3, milliseconds: 4), .init(end: 5, milliseconds: 8), .init(end: 12, milliseconds: 20)])
    }

    @Test(arguments: ["", "{", "[]", "{}", "null", "{\"choices\":7}", "{\"choices\":[1]}", "{\"content\":3,\"output\":4}"])
    func survivesWhatIsNoAnswer(body: String) throws {
        for endpoint in Endpoint.allCases {
            let streamed = try request(#"{"messages":[{"role":"user"}],"input":"q","stream":true}"#, endpoint: endpoint)
            let plain = try request(#"{"messages":[{"role":"user"}],"input":"q"}"#, endpoint: endpoint)
            let message = Answer(recording: .message(Array(body.utf8)), fields: [:], usage: nil, upstreamTime: .zero)
            let stream = Array("data: \(body)\n\n".utf8)
            let events = Answer(recording: .events(EventRecording(bytes: stream, marks: [])), fields: [:], usage: nil, upstreamTime: .zero)
            _ = AnswerRenderer.render(message, for: streamed)
            _ = AnswerRenderer.render(events, for: plain)
            _ = AnswerRenderer.render(events, for: streamed)
        }
    }

    /// Merging is linear: a quadratic one would take an hour here.
    @Test(.timeLimit(.minutes(20))) func putsLongStreamsTogether() throws {
        var bytes = Array(#"data: {"id":"a","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#.utf8) + [10, 10]
        let content =
            Array(#"data: {"id":"a","choices":[{"index":0,"delta":{"content":"token "},"logprobs":{"content":[{"token":"t"}]}}]}"#.utf8) + [10, 10]
        let call =
            Array(#"data: {"id":"a","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"x"}}]}}]}"#.utf8) + [10, 10]
        for _ in 0..<25_000 { bytes += content + call }
        bytes += Array(#"data: {"id":"a","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.utf8) + [10, 10]
        var recorder = AnswerRecorder(
            request: try request(#"{"stream":true,"messages":[{"role":"user"}]}"#), status: 200, fields: [:], limit: 1 << 30)
        for start in stride(from: 0, to: bytes.count, by: 100) {
            recorder.append(Array(bytes[start..<min(start + 100, bytes.count)]), milliseconds: 0)
        }
        let recorded = try recorder.finish().get()
        guard case .events(let events) = recorded.recording else {
            Issue.record("no events")
            return
        }
        let message = try JSONDocument(#require(AnswerRenderer.message(from: events, endpoint: .chatCompletions))).root
        let choice = try #require(message["choices"]?.elements.first { _ in true })
        #expect(choice["message"]?["content"]?.text?.count == 150_000)
        #expect(choice["message"]?["tool_calls"]?.elements.map { $0["function"]?["arguments"]?.text?.count } == [25_000])
        #expect(choice["logprobs"]?["content"]?.count == 25_000)
    }
}
