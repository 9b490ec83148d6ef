import HTTPTypes
import SemanticCache
import TestSupport
import Testing

@testable import WireFormats

/// Answers in the shapes in which providers send them, streamed and plain. Of a pair of files the plain one is what the stream amounts to, member by member.
@Suite struct ProviderTranscriptTests {
    private static let folder = "Providers/"
    static let streams = try! Transcript.named(in: folder).filter { $0.hasSuffix(".sse") }  // The repository has them.
    static let plains = try! Transcript.named(in: folder).filter { $0.hasSuffix(".json") }  // The same.

    private func events(_ bytes: [UInt8]) throws -> [ReadJSON] {
        var parser = SSEParser()
        return try parser.append(bytes).filter { !$0.isDoneMarker }.map { ReadJSON(try JSONDocument($0.data).root) }
    }

    private func render(_ answer: Answer, _ request: CacheableRequest) throws -> [UInt8] {
        try #require(AnswerRenderer.render(answer, for: request)).bytes
    }

    private func canonical(_ value: ReadJSON) throws -> String { try canonicalText(Array(value.json.utf8)) }

    private static func plain(of stream: String) throws -> Transcript { try Transcript(stream.dropLast(".sse".count) + ".json") }

    /// In one piece, by events, by lines, by bytes and at random: the same entry.
    @Test(arguments: streams) func cutsDoNotMatter(name: String) throws {
        let transcript = try Transcript(name)
        let bytes = transcript.bytes
        let lines = bytes.indices.filter { bytes[$0] == 0x0A }.map { $0 + 1 }
        let ends = lines.filter { $0 > 1 && bytes[$0 - 2] == 0x0A }
        var ways = [ends, lines, Array(1..<bytes.count)].map { $0.filter { $0 < bytes.count } }
        var random = SeededGenerator(seed: UInt64(bytes.count))
        for _ in 0..<12 {
            ways.append((0..<Int.random(in: 1...40, using: &random)).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted())
        }
        let whole = try transcript.record().get()
        for cuts in ways {
            let recorded = try transcript.record(cuts: cuts).get()
            guard case .events(let recording) = recorded.recording else {
                Issue.record("no events")
                return
            }
            #expect(recording.bytes == bytes)
            #expect(recorded.usage == whole.usage && recorded.fields == whole.fields)
        }
    }

    /// A recorded stream, asked for plainly, is the provider's plain answer; and that, streamed and put together again, is itself.
    @Test(arguments: streams) func aStreamIsThePlainAnswer(name: String) throws {
        let transcript = try Transcript(name)
        let body = try render(transcript.answer(), transcript.request(stream: false))
        #expect(try canonicalText(body) == canonicalText(Self.plain(of: name).bytes))
        let answer = Answer(recording: .message(body), fields: [:], usage: nil, upstreamTime: .zero)
        let again = try render(answer, transcript.request(stream: true, usage: true))
        let streamed = Answer(recording: .events(EventRecording(bytes: again, marks: [])), fields: [:], usage: nil, upstreamTime: .zero)
        #expect(try canonicalText(render(streamed, transcript.request(stream: false))) == canonicalText(body))
    }

    /// Who reads pieces alone has what the plain answer says.
    @Test(arguments: plains) func piecesSayTheWhole(name: String) throws {
        let transcript = try Transcript(name)
        let stream = try render(transcript.answer(), transcript.request(stream: true, usage: true))
        let events = try events(stream)
        let plain = ReadJSON(try JSONDocument(transcript.bytes).root)
        switch transcript.endpoint {
        case .messages: #expect(try canonical(PieceReader.message(events)) == canonical(plain))
        case .responses:
            let items = try PieceReader.items(events)
            let end = try #require(events.last?["response"])
            #expect(try canonical(ReadJSON(list: items)) == canonical(#require(end["output"])))
            #expect(PieceReader.ends(events) == [])
            // Items that came without an id have one in the stream.
            for (item, original) in zip(end["output"]?.elements ?? [], plain["output"]?.elements ?? []) where original["id"]?.text == nil {
                #expect(item["id"]?.text?.isEmpty == false)
                item["id"] = original["id"]
            }
            #expect(try canonical(end) == canonical(plain))
            #expect(events.enumerated().allSatisfy { $0.element["sequence_number"]?.int == $0.offset })
        default:
            let choices = try PieceReader.choices(events)
            for choice in plain["choices"]?.elements ?? [] {
                choice["delta"] = nil
                #expect(try canonical(#require(choices[choice["index"]?.int ?? 0])) == canonical(choice))
            }
            // Every name stands once in an object.
            #expect(!String(decoding: stream, as: UTF8.self).split(separator: "\n").contains { $0.split(separator: "\"delta\":").count > 2 })
        }
    }

    /// The recorded stream's own pieces and ends agree, so the readers read streams as they are.
    @Test(arguments: streams.filter { $0.contains("/messages-") || $0.contains("/responses-") })
    func theReadersReadRecordedStreams(name: String) throws {
        let transcript = try Transcript(name)
        var events = try events(transcript.bytes)
        let plain = ReadJSON(try JSONDocument(Self.plain(of: name).bytes).root)
        if transcript.endpoint == .messages {
            // The library takes these from the end as well.
            events.removeAll { $0["type"]?.text == "ping" }
            let message = try PieceReader.message(events)
            for unread in ["model", "input_transformations"] { message[unread] = plain[unread] }
            #expect(try canonical(message) == canonical(plain))
        } else {
            // vLLM has a name of its own for parts of a reasoning.
            for event in events where event["type"]?.text == "response.reasoning_part.added" {
                event["type"] = ReadJSON(text: "response.content_part.added")
            }
            #expect(try canonical(ReadJSON(list: PieceReader.items(events))) == canonical(#require(plain["output"])))
            #expect(PieceReader.ends(events) == [])
        }
    }

    /// The events of a recorded stream of responses, in their order, are all in the one that is made of the plain answer.
    @Test(arguments: streams.filter { $0.contains("/responses-") }) func noEventIsMissing(name: String) throws {
        func types(_ events: [ReadJSON]) -> [String] {
            var types: [String] = []
            for event in events {
                let type = "\(event["type"]?.text ?? "") \(event["output_index"]?.int ?? -1)"
                if types.last != type { types.append(type) }
            }
            return types
        }
        let transcript = try Self.plain(of: name)
        let made = types(try events(render(transcript.answer(), transcript.request(stream: true))))
        var rest = made[...]
        for type in types(try events(Transcript(name).bytes)) {
            let place = rest.firstIndex(of: type)
            #expect(place != nil, "\(type) is not in \(made)")
            rest = rest[((place ?? rest.startIndex - 1) + 1)...]
        }
    }

    /// Items of every kind, with texts that nobody wrote by hand.
    @Test(arguments: [1, 2, 3] as [UInt64]) func piecesOfMadeUpItemsSayTheWhole(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let request = try request(#"{"input":"q","stream":true}"#, endpoint: .responses)
        for _ in 0..<150 {
            let body = RandomResponse.make(using: &random)
            let answer = Answer(recording: .message(body), fields: [:], usage: nil, upstreamTime: .zero)
            let stream = try render(answer, request)
            let events = try events(stream)
            let plain = ReadJSON(try JSONDocument(body).root)
            #expect(try canonical(#require(events.last?["response"])) == canonical(plain))
            #expect(try canonical(ReadJSON(list: PieceReader.items(events))) == canonical(#require(plain["output"])))
            #expect(PieceReader.ends(events) == [])
        }
    }

    /// Members of other kinds than they should be: the stream is one, and its end is the answer.
    @Test(arguments: ["null", "7", "true", #""s""#, "[]", "[null]", #"["s",1,{"text":1}]"#, "{}", #"{"diff":null}"#, #"{"commands":{},"diff":[1]}"#])
    func survivesItemsOfAnotherForm(value: String) throws {
        let request = try request(#"{"input":"q","stream":true}"#, endpoint: .responses)
        let types = [
            "message", "reasoning", "function_call", "custom_tool_call", "mcp_call", "code_interpreter_call", "apply_patch_call", "shell_call",
            "shell_call_output", "tool_search_call", "image_generation_call", "web_search_call", "x",
        ]
        let members = ["content", "summary", "arguments", "input", "code", "operation", "action", "output", "result", "status", "error", "call_id"]
        let items =
            types.flatMap { type in members.map { #"{"type":"\#(type)","id":"i","\#($0)":\#(value)}"# } } + [value, #"{"type":\#(value),"id":"i"}"#]
        for output in ["[\(items.joined(separator: ","))]", value] {
            let body = Array(#"{"id":"r","status":"completed","output":\#(output)}"#.utf8)
            let answer = Answer(recording: .message(body), fields: [:], usage: nil, upstreamTime: .zero)
            let events = try events(render(answer, request))
            #expect(events.count > 2 && events.first?["type"]?.text == "response.created")
            // Objects among the items get an id.
            if !value.contains("{") { #expect(try canonical(#require(events.last?["response"])) == canonicalText(body)) }
        }
    }

    /// The model that answered, where it is named in the middle.
    @Test func theModelIsTheOneThatAnswered() throws {
        for (name, model) in [("messages-fallback.sse", "claude-haiku-5-20260901"), ("chat-openrouter-image.sse", "google/gemini-3-image")] {
            let transcript = try Transcript(Self.folder + name)
            let body = try JSONDocument(render(transcript.answer(), transcript.request(stream: false))).root
            #expect(body["model"]?.string == model)
        }
    }

    /// Usage that was not asked for is in the repeat for whoever does not ask, as in the first answer.
    @Test func usageThatNobodyAskedForStays() throws {
        let transcript = try Transcript(Self.folder + "chat-huggingface.sse")
        let recorded = try transcript.answer()
        let unasked = Answer(
            recording: recorded.recording, fields: recorded.fields, usage: recorded.usage, upstreamTime: .zero, tellsUsageRegardless: true)
        #expect(try render(unasked, transcript.request(stream: true)) == transcript.bytes)
        #expect(try render(unasked, transcript.request(stream: true, usage: true)) == transcript.bytes)
        #expect(try render(recorded, transcript.request(stream: true)) != transcript.bytes)
        #expect(CreationTimes.moved(unasked, by: 5).tellsUsageRegardless)
    }
}
