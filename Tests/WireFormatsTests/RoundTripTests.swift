import HTTPTypes
import SemanticCache
import TestSupport
import Testing

@testable import WireFormats

/// What holds for every answer, tried on answers that nobody wrote by hand.
@Suite struct RoundTripTests {
    private func request(_ endpoint: Endpoint, stream: Bool) throws -> CacheableRequest {
        try WireFormatsTests.request(
            #"{"messages":[{"role":"user","content":"q"}],"stream":\#(stream),"stream_options":{"include_usage":true}}"#, endpoint: endpoint)
    }

    private func record(_ bytes: [UInt8], _ endpoint: Endpoint, stream: Bool, cuts: [Int] = []) throws -> Answer {
        var recorder = AnswerRecorder(
            request: try request(endpoint, stream: stream), status: 200, fields: [.contentType: stream ? "text/event-stream" : "application/json"],
            limit: 1 << 20)
        var start = 0
        for cut in cuts + [bytes.count] {
            recorder.append(Array(bytes[start..<cut]), milliseconds: UInt32(start))
            start = cut
        }
        let recorded = try recorder.finish().get()
        return Answer(recording: recorded.recording, fields: recorded.fields, usage: recorded.usage, upstreamTime: .zero)
    }

    private func render(_ answer: Answer, _ endpoint: Endpoint, stream: Bool) throws -> [UInt8] {
        try #require(AnswerRenderer.render(answer, for: request(endpoint, stream: stream))).bytes
    }

    @Test(arguments: [Endpoint.chatCompletions, .messages], [1, 2, 3] as [UInt64])
    func bothFormsSayTheSame(endpoint: Endpoint, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<120 {
            let made = RandomAnswer.make(endpoint, using: &random)
            let cuts = (0..<3).map { _ in Int.random(in: 0...made.stream.count, using: &random) }.sorted()
            let streamed = try record(made.stream, endpoint, stream: true, cuts: cuts)
            let plain = try record(made.body, endpoint, stream: false)
            #expect(streamed.usage == plain.usage)

            // The same form: the very same bytes.
            #expect(try render(streamed, endpoint, stream: true) == made.stream)
            #expect(try render(plain, endpoint, stream: false) == made.body)
            // A recorded stream, asked for plainly, is the plain answer.
            let aggregated = try render(streamed, endpoint, stream: false)
            #expect(try canonicalText(aggregated) == canonicalText(made.body))
            // A plain answer as a stream, recorded and asked for plainly again, is itself.
            let events = try record(render(plain, endpoint, stream: true), endpoint, stream: true)
            #expect(try canonicalText(render(events, endpoint, stream: false)) == canonicalText(made.body))
            #expect(events.usage == plain.usage)
        }
    }
}
