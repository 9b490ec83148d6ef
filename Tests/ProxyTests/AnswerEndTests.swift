import HTTPTypes
import Proxy
import SemanticCache
import TestSupport
import Testing

/// A stream's last event and its connection's end are two things: what comes in between is recorded, and nobody is held up by it.
struct AnswerEndTests {
    private static let question = #"{"model":"gpt-test","stream":true,"messages":[{"role":"user","content":"tell me a story"}]}"#
    private static let isEvents: HTTPFields = [.contentType: "text/event-stream"]
    private static let messages = """
        event: message_start
        data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"model":"c","usage":{"input_tokens":3}}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"event: message_stop"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":4}}

        event: message_stop
        data: {"type":"message_stop"}


        """

    /// Each line in a chunk of its own, and the last line feed too.
    private static func lines(_ text: String) -> [[UInt8]] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { Array("\($0)\n".utf8) }.dropLast()
    }

    @Test(arguments: [
        ("/v1/chat/completions", String(decoding: ProxyBench.events(["Once", " upon", "data: [DONE]"]).joined(), as: UTF8.self)),
        ("/v1/messages", messages),
        ("/v1/chat/completions", ProxyBench.events(["a"]).map { String(decoding: $0, as: UTF8.self) }.joined().replacing("\n", with: "\r\n") + "\n"),
    ])
    func streamsThatAreCutAtLinesAreRepeatedExactly(path: String, text: String) async {
        for chunks in [Self.lines(text), text.utf8.map { [$0] }] {
            let bench = ProxyBench { _, _ in .response(status: .ok, fields: Self.isEvents, chunks: chunks) }
            let first = await bench.post(Self.question, path: path)
            let second = await bench.post(Self.question, path: path)
            #expect(first.body == text && second.body == text)
            #expect(second.cache == "HIT")
        }
    }

    /// The client has every byte while the connection is open still; who has left by then cuts nothing off, and who asks again gets the whole.
    @Test func whatFollowsTheLastEventIsRecordedThoughItsClientHasLeft() async throws {
        let (upstreamMayGoOn, open) = Gate.make()
        let bench = ProxyBench { _, _ in
            .streamed(fields: Self.isEvents, Self.body(ProxyBench.events(["Once"]), then: upstreamMayGoOn, rest: [Array(": bye\n\n".utf8)]))
        } sleep: { _ in
            try await Gate.never()
        }
        try await Self.leaveAtTheEnd(of: bench)
        async let again = bench.post(Self.question)
        open()
        let answer = await again
        #expect(answer.cache == "HIT" && answer.body.hasSuffix("data: [DONE]\n\n: bye\n\n"))
        #expect(bench.upstream.calls.count == 1)
    }

    /// A connection that never ends is waited for so long and no longer; then the call is given up.
    @Test func aConnectionThatStaysOpenIsGivenUp() async throws {
        let (timeIsUp, pass) = Gate.make()
        let (never, isCancelled) = (Gate(), AsyncStream<Void>.makeStream())
        let bench = ProxyBench { _, _ in
            let body = Self.body(ProxyBench.events(["Once"]), then: never, rest: [])
            return .streamed(fields: Self.isEvents, ByteStream(next: { try await body.next() }, cancel: { isCancelled.continuation.finish() }))
        } sleep: { _ in
            await timeIsUp.wait()
        }
        try await Self.leaveAtTheEnd(of: bench)
        async let again = bench.post(Self.question)
        async let plain = bench.post(Self.question.replacing(#""stream":true,"#, with: ""))
        pass()
        #expect(await again.body.hasSuffix("data: [DONE]\n\n"))
        #expect(await again.cache == "HIT")
        #expect(await plain.cache == "HIT")
        for await _ in isCancelled.stream {}
        #expect(bench.upstream.calls.count == 1)
    }

    /// Whoever still reads goes on reading after the answer was kept.
    @Test func aReaderIsNotCutOffWhenTimeIsUp() async throws {
        let (upstreamMayGoOn, open) = Gate.make()
        let bench = ProxyBench { _, _ in
            .streamed(fields: Self.isEvents, Self.body(ProxyBench.events(["Once"]), then: upstreamMayGoOn, rest: [Array(": late\n\n".utf8)]))
        } sleep: { _ in
        }
        let stream = try await Self.ask(bench)
        var seen = ""
        while !seen.hasSuffix("data: [DONE]\n\n"), let chunk = try await stream.next() { seen += String(decoding: chunk, as: UTF8.self) }
        #expect(await bench.post(Self.question).body == seen)
        open()
        while let chunk = try await stream.next() { seen += String(decoding: chunk, as: UTF8.self) }
        #expect(seen.hasSuffix("data: [DONE]\n\n: late\n\n"))
    }

    @Test func aBreakAfterTheLastEventCostsNothing() async {
        let bench = ProxyBench { _, _ in .broken(fields: Self.isEvents, chunks: ProxyBench.events(["Once"])) }
        let first = await bench.post(Self.question)
        #expect(first.isBroken)
        let second = await bench.post(Self.question)
        #expect(second.cache == "HIT" && second.body == first.body && !second.isBroken)
    }

    /// A request that insists on a fresh answer does not wait for another one's end.
    @Test func aRefreshWaitsForNobody() async throws {
        let never = Gate()
        let bench = ProxyBench { _, body in
            String(decoding: body, as: UTF8.self).contains("true")
                ? .streamed(fields: Self.isEvents, Self.body(ProxyBench.events(["Once"]), then: never, rest: [])) : ProxyBench.echo(body)
        } sleep: { _ in
            try await Gate.never()
        }
        try await Self.leaveAtTheEnd(of: bench)
        let plain = Self.question.replacing(#""stream":true,"#, with: "")
        #expect(await bench.post(plain, fields: [.cacheControl: "no-cache"]).reason == "refresh-requested")
    }

    // MARK: - A provider that takes its time

    private static func ask(_ bench: ProxyBench) async throws -> ByteStream {
        let response = await bench.pipeline.handle(
            ProxyRequest(id: "r", method: .post, path: "/v1/chat/completions", fields: [:], body: .bytes(Array(question.utf8))))
        guard case .stream(let stream) = response.body else { throw UpstreamError.broken("expected a stream") }
        return stream
    }

    private static func leaveAtTheEnd(of bench: ProxyBench) async throws {
        let stream = try await ask(bench)
        var seen = ""
        while !seen.hasSuffix("data: [DONE]\n\n"), let chunk = try await stream.next() { seen += String(decoding: chunk, as: UTF8.self) }
        #expect(seen.hasSuffix("data: [DONE]\n\n"))
    }

    private static func body(_ first: [[UInt8]], then gate: Gate, rest: [[UInt8]]) -> ByteStream {
        ByteStream(first + rest, gatedAt: first.count, gate)
    }
}

/// Shut until it is opened, once; a task that waits at it may be cancelled.
private final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream<Void>.makeStream() }

    static func make() -> (Gate, open: @Sendable () -> Void) {
        let gate = Gate()
        return (gate, { gate.continuation.finish() })
    }

    /// Waits until the gate is open, or the task cancelled.
    func wait() async { for await _ in stream {} }

    /// Waits until the task is cancelled.
    static func never() async throws {
        await Gate().wait()
        throw CancellationError()
    }
}

extension ByteStream {
    /// These chunks; the gate stands before the one at `position`, or before the end.
    fileprivate init(_ chunks: [[UInt8]], gatedAt position: Int, _ gate: Gate) {
        self.init(state: 0) { next in
            if next == position {
                await gate.wait()
                try Task.checkCancellation()
            }
            guard next < chunks.count else { return nil }
            defer { next += 1 }
            return chunks[next]
        }
    }
}
