import Foundation
import HTTPTypes
import SemanticCache
import TestSupport
import Testing

@testable import WireFormats

/// Damaged input of every kind: nothing crashes, and what is understood is understood the same way each time.
struct WireFuzzTests {
    private static let words = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "null", "true", "-0", "1e999", "9007199254740993", "\"model\":",
        "\"messages\":",
        "\"role\":\"user\"", "\"content\":", "\"stream\":true", "\"tools\":[{}]", "\"n\":2", "data: ", "\n\n", "\r\n", "[DONE]", "event: ",
        "\u{FEFF}", "\u{2028}",
    ]
    private static let requests: [(Endpoint, String)] = [
        (
            .chatCompletions,
            #"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"hé\n"}]}],"stream":true,"n":2}"#
        ),
        (
            .chatCompletions,
            #"{"model":"m","messages":[{"role":"user","content":"q"}],"tools":[{"type":"function"}],"temperature":0.70,"cache":{"ttl":5}}"#
        ),
        (.messages, #"{"model":"m","max_tokens":9,"system":"s","messages":[{"role":"user","content":"q"}]}"#),
        (.responses, #"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"q"}]}],"instructions":"i"}"#),
        (.completions, #"{"model":"m","prompt":"q","stream_options":{"include_usage":true}}"#), (.embeddings, #"{"model":"m","input":["a","b"]}"#),
        (
            .generateContent,
            #"{"contents":[{"role":"user","parts":[{"text":"hé\n"},{"inlineData":{"data":"AA=="}}]}],"generationConfig":{"candidateCount":2},"tools":[{}]}"#
        ),
    ]

    private var environment: [String: String] { ProcessInfo.processInfo.environment }

    @Test(arguments: [11, 12])
    func requestsAreReadOrRefused(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<Mutation.rounds(environment, default: 1500) {
            let (endpoint, text) = Self.requests[round % Self.requests.count]
            let body = Mutation.mutated(Array(text.utf8), words: Self.words, using: &random)
            guard case .cacheable(let first) = RequestReader.read(endpoint: endpoint, body: body),
                case .cacheable(let second) = RequestReader.read(endpoint: endpoint, body: body)
            else { continue }
            #expect(first.plainKey == second.plainKey && first.plainScope == second.plainScope)
            _ = RequestModel.names(in: body)
        }
    }

    /// The canonical form of the canonical form is the same text.
    @Test(arguments: [21, 22])
    func canonicalFormsAreStable(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var understood = 0
        for round in 0..<Mutation.rounds(environment, default: 1500) {
            let body = Mutation.mutated(Array(Self.requests[round % Self.requests.count].1.utf8), words: Self.words, using: &random)
            guard let canonical = try? CanonicalJSON.bytes(of: body) else { continue }
            understood += 1
            #expect(try CanonicalJSON.bytes(of: canonical) == canonical)
        }
        #expect(understood > 50)
    }

    /// However a damaged stream is cut into chunks, the recorder says the same, and what it keeps can be given in both forms.
    @Test(arguments: [
        "chat-text.sse", "chat-n2.sse", "chat-parallel-tools.sse", "messages-tools.sse", "responses-text.sse", "completion-text.sse",
        "chat-text.json", "responses-all.json",
    ])
    func streamsAreRecordedOrRefused(name: String) throws {
        let whole = try Transcript(name)
        var random = SeededGenerator(seed: UInt64(name.utf8.count))
        for _ in 0..<Mutation.rounds(environment, default: 120) {
            let bytes = Mutation.mutated(whole.bytes, words: Self.words, using: &random)
            let cuts = (0..<Int.random(in: 0...6, using: &random)).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            let request = try whole.request(stream: whole.isEvents)
            let (one, other) = (record(bytes, [], request, whole), record(bytes, cuts, request, whole))
            switch (one, other) {
            case (.success(let a), .success(let b)):
                #expect(self.bytes(a) == bytes && self.bytes(b) == bytes)
                let answer = Answer(recording: b.recording, fields: b.fields, usage: b.usage, upstreamTime: .zero)
                for stream in [true, false] { _ = AnswerRenderer.render(answer, for: try whole.request(stream: stream, usage: true)) }
            case (.failure(let a), .failure(let b)): #expect(a == b)
            default: Issue.record("cut at \(cuts), it is \(other) and not \(one): \(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }

    private func record(_ bytes: [UInt8], _ cuts: [Int], _ request: CacheableRequest, _ like: Transcript) -> Result<RecordedAnswer, NotStoredReason> {
        let fields: HTTPFields = [.contentType: like.isEvents ? "text/event-stream" : "application/json"]
        var recorder = AnswerRecorder(request: request, status: 200, fields: fields, limit: 1 << 20)
        var start = 0
        for cut in cuts + [bytes.count] {
            recorder.append(Array(bytes[start..<cut]), milliseconds: UInt32(start))
            start = cut
        }
        return recorder.finish()
    }

    private func bytes(_ answer: RecordedAnswer) -> [UInt8] {
        switch answer.recording {
        case .message(let bytes): bytes
        case .events(let events): events.bytes
        }
    }
}
