import HTTPTypes
import Proxy
import TestSupport
import Testing

/// Streams of a provider that tells their cost whether or not it is asked for.
struct UnaskedUsageTests {
    private func bench(always: Bool) -> ProxyBench {
        var options = PipelineOptions.shipped
        options.asksForUsage = always
        return ProxyBench(options: options) { _, _ in
            var chunks = ProxyBench.events(["Once"], isDone: false)
            chunks.append(
                Array(#"data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}"#.utf8) + [10, 10])
            chunks.append(Array("data: [DONE]\n\n".utf8))
            return .response(status: .ok, fields: [.contentType: "text/event-stream"], chunks: chunks)
        }
    }

    private func tells(_ answer: ProxyBench.Answer) -> Bool { answer.body.contains("total_tokens") }

    private static let asking = #","stream":true,"stream_options":{"include_usage":true}"#
    private static let unasking = #","stream":true"#

    /// Whoever began, and whatever the operator asks for: a repeat is what the first answer was.
    @Test(arguments: [asking, unasking], [false, true]) func aRepeatTellsWhatTheFirstAnswerTold(extra: String, always: Bool) async {
        let bench = bench(always: always)
        let first = await bench.ask("a story", extra: extra)
        let again = await bench.ask("a story", extra: extra)
        #expect(first.cache == "MISS" && again.cache == "HIT" && again.body == first.body)
        // What the program asked for on its own behalf the client does not see.
        #expect(tells(first) == (extra == Self.asking || !always))
    }

    @Test func whatOneClientAskedForIsNotTheOthers() async {
        let asked = bench(always: false)
        #expect(tells(await asked.ask("a story", extra: Self.asking)))
        #expect(!tells(await asked.ask("a story", extra: Self.unasking)))
        #expect(tells(await asked.ask("a story")))

        let unasked = bench(always: false)
        _ = await unasked.ask("a story", extra: Self.unasking)
        for extra in [Self.asking, Self.unasking, ""] { #expect(tells(await unasked.ask("a story", extra: extra))) }
        #expect(unasked.upstream.calls.count == 1)
    }
}
