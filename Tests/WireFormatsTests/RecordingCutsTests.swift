import HTTPTypes
import SemanticCache
import TestSupport
import Testing

@testable import WireFormats

/// However a network cuts a stream into chunks, the recording and the verdict are the same, and so is the place at which the stream has said its last.
struct RecordingCutsTests {
    private struct Reading: Equatable {
        let verdict: Result<[UInt8], NotStoredReason>
        let usage: TokenUsage?
        /// How many bytes had come when the recorder saw the end, rounded up to the chunk in which it lies; `nil` where it saw none.
        let end: Int?
    }

    private func read(_ transcript: Transcript, _ bytes: [UInt8], cuts: [Int]) throws -> Reading {
        let fields: HTTPFields = [.contentType: transcript.isEvents ? "text/event-stream" : "application/json"]
        var recorder = AnswerRecorder(request: try transcript.request(stream: transcript.isEvents), status: 200, fields: fields, limit: 1 << 20)
        var (start, end): (Int, Int?) = (0, nil)
        for cut in cuts + [bytes.count] where cut > start {
            recorder.append(Array(bytes[start..<cut]), milliseconds: UInt32(start))
            start = cut
            if recorder.isComplete { end = end ?? cut }
        }
        let finished = recorder.finish()
        let verdict = finished.map { recorded in
            switch recorded.recording {
            case .message(let bytes): bytes
            case .events(let events): events.bytes
            }
        }
        return Reading(verdict: verdict, usage: try? finished.get().usage, end: end)
    }

    /// In one piece, by events, by lines, by bytes, and anywhere.
    private func cuttings(of bytes: [UInt8], using random: inout SeededGenerator) -> [(name: String, cuts: [Int])] {
        let lines = bytes.indices.filter { bytes[$0] == 0x0A || bytes[$0] == 0x0D }.map { $0 + 1 }
        var parser = SSEParser()
        let events = ((try? parser.append(bytes)) ?? []).map(\.end)
        var cuttings = [("events", events), ("lines", lines), ("before line ends", lines.map { $0 - 1 }), ("bytes", Array(1...max(1, bytes.count)))]
        for round in 0..<12 {
            let count = Int.random(in: 1...12, using: &random)
            cuttings.append(("random \(round)", (0..<count).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()))
        }
        return cuttings
    }

    @Test(arguments: try Transcript.all + Transcript.named(in: "Providers/").map { try Transcript($0) })
    func cutsDoNotMatter(transcript: Transcript) throws {
        var random = SeededGenerator(seed: UInt64(transcript.bytes.count))
        // Streams often go on after their last event: with a line feed, a comment, a blank line more.
        for more in ["", "\n", "\r\n", ": bye\n\n"] where transcript.isEvents || more.isEmpty {
            let bytes = transcript.bytes + Array(more.utf8)
            let whole = try read(transcript, bytes, cuts: [])
            let exactEnd = try read(transcript, bytes, cuts: Array(1...max(1, bytes.count))).end
            if case .success(let kept) = whole.verdict { #expect(kept == bytes) }
            #expect((whole.end == nil) == (exactEnd == nil))
            for (name, cuts) in cuttings(of: bytes, using: &random) {
                let cut = try read(transcript, bytes, cuts: cuts)
                #expect(cut.verdict == whole.verdict && cut.usage == whole.usage, "\(name)")
                #expect(cut.end == exactEnd.map { exact in (cuts + [bytes.count]).first { $0 >= exact } ?? 0 }, "\(name)")
            }
        }
    }

    /// The end is an event, not a text that looks like one: neither in the middle of a stream nor at the end of a chunk.
    @Test(
        arguments: [
            ("chat-text.sse", #"data: {"choices":[{"index":0,"delta":{"content":"data: [DONE]\n\n"}}]}"#),
            ("chat-text.sse", #"data: {"choices":[{"index":0,"delta":{"content":"x"}}],"note":"data:[DONE]"#),
            ("chat-text.sse", ": data: [DONE]\n\n"), ("chat-text.sse", "data: [DONE]"), ("chat-text.sse", "data: [DONE]\n"),
            ("chat-text.sse", "data: x\ndata: [DONE]\n\n"), ("chat-text.sse", "event: [DONE]\n\n"), ("chat-text.sse", "id: 1\ndata: \"[DONE]\"\n\n"),
            ("messages-text.sse", "event: message_stop"), ("messages-text.sse", "event: message_stop\n"),
            ("messages-text.sse", "event: message_stop\n\n"),
            ("messages-text.sse", "event: message_stop\ndata: {\"type\":\"message_stop\"}\n"),
            ("messages-text.sse", "event: x\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"event: message_stop\"}}\n\n"),
            ("messages-text.sse", "event: message_stop\ndata: {\"type\":\"ping\"}\n\n"),
            ("responses-text.sse", "data: {\"type\":\"response.output_text.delta\",\"delta\":\"response.completed\"}\n\n"),
            ("responses-text.sse", "event: response.completed\n"),
        ])
    func whatSaysTheEndIsNoEnd(name: String, text: String) throws {
        let transcript = try Transcript(name)
        var recorder = AnswerRecorder(
            request: try transcript.request(stream: true), status: 200, fields: [.contentType: "text/event-stream"], limit: 1 << 20)
        for byte in text.utf8 {
            recorder.append([byte], milliseconds: 0)
            #expect(!recorder.isComplete, "\(text)")
        }
    }

    /// What comes after the end is kept with it, and read no more.
    @Test func whatFollowsTheEndBelongsToTheRecording() throws {
        let transcript = try Transcript("chat-text.sse")
        var recorder = AnswerRecorder(
            request: try transcript.request(stream: true), status: 200, fields: [.contentType: "text/event-stream"], limit: 1 << 20)
        recorder.append(transcript.bytes, milliseconds: 0)
        #expect(recorder.isComplete)
        let rest = Array("\n: bye\n\ndata: {\"error\":\"late\"}\n\n".utf8)
        recorder.append(rest, milliseconds: 9)
        guard case .success(let soFar) = recorder.soFar, case .events(let before) = soFar.recording else {
            Issue.record("not kept")
            return
        }
        recorder.append([0x0A], milliseconds: 10)
        guard case .events(let kept) = try recorder.finish().get().recording else {
            Issue.record("no stream")
            return
        }
        #expect(before.bytes == transcript.bytes + rest && kept.bytes == transcript.bytes + rest + [0x0A])
        #expect(kept.marks.map(\.milliseconds) == [0, 9, 10])
    }

    /// A limit holds for all that came, whatever was read before it was reached.
    @Test(arguments: try ["chat-length.sse", "chat-error.sse", "chat-text.sse"].map { try Transcript($0) })
    func theLimitDoesNotDependOnCuts(transcript: Transcript) throws {
        for cuts in [[], [transcript.bytes.count - 1], Array(1..<transcript.bytes.count)] {
            #expect(throws: NotStoredReason.tooLarge) { try transcript.record(cuts: cuts, limit: transcript.bytes.count - 1).get() }
        }
    }
}
