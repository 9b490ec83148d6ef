import HTTPTypes
import SemanticCache
import TestSupport
import Testing

@testable import WireFormats

@Suite struct AnswerRecorderTests {
    private static let kept = [
        "chat-text.sse", "chat-usage.sse", "chat-crlf.sse", "chat-cr.sse", "chat-comments.sse", "chat-multiline.sse", "chat-no-done.sse",
        "chat-unterminated.sse",
        "chat-tool.sse", "chat-parallel-tools.sse", "chat-logprobs.sse", "chat-refusal.sse", "chat-reasoning.sse", "chat-azure.sse", "chat-n2.sse",
        "chat-text.json",
        "chat-tools.json", "chat-n2.json", "chat-unknown.json", "completion-text.sse", "completion-text.json", "messages-text.sse",
        "messages-tools.sse",
        "messages-all.json", "responses-text.sse", "responses-all.json", "embeddings.json", "gemini-text.sse", "gemini-text.json", "gemini-tools.sse",
        "gemini-thinking.sse", "gemini-all.json", "gemini-candidates.sse", "gemini-search.sse", "gemini-logprobs.sse", "gemini-partial-arguments.sse",
        "geminiembeddings-one.json", "geminiembeddings-batch.json",
    ]

    /// Every split, the same recording: byte for byte what came.
    @Test(arguments: try kept.map { try Transcript($0) })
    func keepsEveryByte(transcript: Transcript) throws {
        for cut in stride(from: 0, through: transcript.bytes.count, by: 1 + transcript.bytes.count / 400) {
            let recording = try transcript.record(cuts: [cut]).get().recording
            switch recording {
            case .message(let bytes): #expect(!transcript.isEvents && bytes == transcript.bytes)
            case .events(let events):
                #expect(transcript.isEvents && events.bytes == transcript.bytes)
                #expect(events.marks.map { Int($0.end) } == (cut == 0 ? [] : [cut]) + (cut == transcript.bytes.count ? [] : [transcript.bytes.count]))
            }
        }
    }

    /// Whatever the fixture, kept or refused: how it was cut into chunks does not matter.
    @Test(arguments: try Transcript.all)
    func splitsDoNotMatter(transcript: Transcript) throws {
        func verdict(_ cuts: [Int]) throws -> Result<[UInt8], NotStoredReason> {
            try transcript.record(cuts: cuts).map { recorded in
                switch recorded.recording {
                case .message(let bytes): bytes
                case .events(let events): events.bytes
                }
            }
        }
        let whole = try verdict([])
        for cut in stride(from: 1, to: transcript.bytes.count, by: 7) { #expect(try verdict([cut]) == whole, "cut at \(cut)") }
        #expect(try verdict(Array(1..<max(1, transcript.bytes.count))) == whole)
    }

    @Test(arguments: [
        ("chat-truncated.sse", NotStoredReason.truncated), ("chat-truncated-done.sse", .truncated), ("chat-cut-in-event.sse", .truncated),
        ("chat-length.sse", .lengthLimit), ("chat-filter.sse", .contentFilter), ("chat-error.sse", .errorEvent),
        ("chat-error-event.sse", .errorEvent),
        ("chat-garbage.sse", .unreadable), ("chat-empty.sse", .unreadable), ("chat-length.json", .lengthLimit), ("chat-filter.json", .contentFilter),
        ("chat-error.json", .errorStatus), ("chat-no-choices.json", .unreadable), ("chat-cut.json", .unreadable),
        ("completion-length.sse", .lengthLimit),
        ("messages-truncated.sse", .truncated), ("messages-max-tokens.sse", .lengthLimit), ("messages-error.sse", .errorEvent),
        ("responses-truncated.sse", .truncated),
        ("responses-incomplete.sse", .lengthLimit), ("responses-failed.sse", .errorEvent), ("responses-incomplete.json", .contentFilter),
        ("gemini-blocked.json", .contentFilter), ("gemini-blocked.sse", .contentFilter), ("gemini-safety.sse", .contentFilter),
        ("gemini-max-tokens.json", .lengthLimit), ("gemini-malformed.json", .truncated), ("gemini-empty.json", .emptyAnswer),
        ("gemini-truncated.sse", .truncated), ("gemini-error.sse", .errorEvent),
    ])
    func refuses(name: String, reason: NotStoredReason) throws {
        guard case .failure(let given) = try Transcript(name).record() else {
            Issue.record("kept \(name)")
            return
        }
        #expect(given == reason)
    }

    /// A stream that is cut anywhere before the last choice's end is never kept.
    @Test(arguments: [
        "chat-text.sse", "chat-usage.sse", "chat-n2.sse", "chat-parallel-tools.sse", "messages-tools.sse", "responses-text.sse",
        "completion-text.sse",
    ])
    func neverKeepsACutStream(name: String) throws {
        let transcript = try Transcript(name)
        let ending = try #require(
            [#""stop"}"#, #""tool_calls"}"#, #"message_stop"}"#, #"response.completed""#].compactMap { transcript.bytes.lastRange(of: $0) }.max())
        for length in 0..<ending {
            var recorder = AnswerRecorder(
                request: try transcript.request(stream: true, choices: name == "chat-n2.sse" ? 2 : 1), status: 200,
                fields: [.contentType: "text/event-stream"], limit: 1 << 20)
            recorder.append(Array(transcript.bytes[..<length]), milliseconds: 0)
            if case .success = recorder.finish() { Issue.record("kept the first \(length) bytes of \(name)") }
        }
    }

    @Test func asksForEveryChoice() throws {
        let half = try Transcript("chat-n2-half.sse")
        #expect(throws: NotStoredReason.truncated) { try half.record(choices: 2).get() }
        _ = try half.record(choices: 1).get()
    }

    @Test func readsTheCost() throws {
        #expect(try Transcript("chat-usage.sse").record().get().usage == TokenUsage(prompt: 14, completion: 9))
        #expect(try Transcript("chat-text.sse").record().get().usage == nil)
        #expect(try Transcript("chat-text.json").record().get().usage == TokenUsage(prompt: 14, completion: 9))
        #expect(try Transcript("messages-text.sse").record().get().usage == TokenUsage(prompt: 25, completion: 15))
        #expect(try Transcript("messages-all.json").record().get().usage == TokenUsage(prompt: 28, completion: 15, cachedPrompt: 3))
        #expect(try Transcript("responses-text.sse").record().get().usage == TokenUsage(prompt: 36, completion: 87))
        #expect(try Transcript("embeddings.json").record().get().usage == TokenUsage(prompt: 5, completion: 0))
    }

    @Test func holdsNothingBeyondTheLimit() throws {
        let transcript = try Transcript("chat-text.sse")
        let size = transcript.bytes.count
        _ = try transcript.record(cuts: [100, 200], limit: size).get()
        #expect(throws: NotStoredReason.tooLarge) { try transcript.record(cuts: [100, 200], limit: size - 1).get() }
        var recorder = AnswerRecorder(request: try transcript.request(stream: true), status: 200, fields: [.contentLength: "11"], limit: 10)
        #expect(recorder.refusal == .tooLarge)
        #expect(throws: NotStoredReason.tooLarge) { try recorder.finish().get() }
    }

    @Test(arguments: [
        (500, "identity", NotStoredReason.errorStatus), (429, "identity", .errorStatus), (204, "identity", .errorStatus), (200, "gzip", .encoded),
    ])
    func refusesByTheHead(status: Int, encoding: String, reason: NotStoredReason) throws {
        let transcript = try Transcript("chat-text.json")
        var recorder = AnswerRecorder(
            request: try transcript.request(stream: false), status: status, fields: [.contentType: "application/json", .contentEncoding: encoding],
            limit: 1 << 20)
        recorder.append(transcript.bytes, milliseconds: 0)
        #expect(throws: reason) { try recorder.finish().get() }
    }

    @Test func keepsTheFieldsOfTheAnswerAlone() throws {
        let transcript = try Transcript("chat-text.json")
        var fields: HTTPFields = [
            .contentType: "application/json", .contentLength: "5", .date: "now", .setCookie: "a=b", .server: "cloudflare", .cacheControl: "no-store",
        ]
        for (name, value) in [
            ("openai-version", "2020-10-01"), ("x-request-id", "r"), ("x-ratelimit-limit-requests", "1"), ("CF-RAY", "x"),
            ("openai-processing-ms", "9"),
        ] {
            fields[try #require(HTTPField.Name(name))] = value
        }
        var recorder = AnswerRecorder(request: try transcript.request(stream: false), status: 200, fields: fields, limit: 1 << 20)
        recorder.append(transcript.bytes, milliseconds: 0)
        #expect(try recorder.finish().get().fields.map(\.name.canonicalName).sorted() == ["content-type", "openai-version"])
    }

    /// Whatever an upstream sends, it is kept or refused; what is kept can be given in both forms.
    @Test func survivesMutatedAnswers() throws {
        var random = SeededGenerator(seed: 7)
        var kept = 0
        for name in Self.kept {
            let transcript = try Transcript(name)
            let plain = try transcript.request(stream: false)
            let streamed = try transcript.request(stream: true)
            for _ in 0..<150 {
                var bytes = transcript.bytes
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
                    case 2: bytes.insert(contentsOf: Array("9223372036854775807".utf8), at: place)
                    default: bytes.insert(Array("\n\r\"{}[]:,0null".utf8).randomElement(using: &random) ?? 0, at: place)
                    }
                    if bytes.isEmpty { bytes = [0x7B] }
                }
                var recorder = AnswerRecorder(
                    request: streamed, status: 200, fields: [.contentType: transcript.isEvents ? "text/event-stream" : "application/json"],
                    limit: 1 << 20)
                recorder.append(bytes, milliseconds: 0)
                guard case .success(let recorded) = recorder.finish() else { continue }
                kept += 1
                let answer = Answer(recording: recorded.recording, fields: recorded.fields, usage: recorded.usage, upstreamTime: .zero)
                _ = AnswerText.preview(answer, endpoint: transcript.endpoint, limit: 80)
                for request in [plain, streamed] {
                    guard let rendered = AnswerRenderer.render(answer, for: request), case .body(let body) = rendered.content else { continue }
                    #expect((try? JSONDocument(body)) != nil)
                }
            }
        }
        #expect(kept > 500)
    }

    @Test func finishesOnce() throws {
        let transcript = try Transcript("chat-text.json")
        var recorder = AnswerRecorder(request: try transcript.request(stream: false), status: 200, fields: [:], limit: 1 << 20)
        recorder.append(transcript.bytes, milliseconds: 0)
        _ = try recorder.finish().get()
        #expect(throws: NotStoredReason.abandoned) { try recorder.finish().get() }
    }
}

extension [UInt8] {
    /// Where the last occurrence of `text` begins.
    fileprivate func lastRange(of text: String) -> Int? {
        let pattern = Array(text.utf8)
        return (0...Swift.max(0, count - pattern.count)).last { self[$0...].starts(with: pattern) }
    }
}
