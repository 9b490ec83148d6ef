@testable import Cache
import HTTPTypes
@testable import Learning
@testable import Proxy
import SemanticCache
import Synchronization
@testable import Telemetry
import TestSupport
import Testing

/// An explanation decides as a request would, and leaves everything as it was.
struct ExplanationTests {
    private static let known = "how do i reset my account password please"
    private static let reworded = "please how do i reset my account password"

    /// All that the parts of a pipeline hold: counters, histograms, tables of entries with their sketch and ranks, what was learned, and every cap.
    private func everything(_ bench: ProxyBench) throws -> [String: String] {
        func text(_ value: some Any) -> String {
            var text = ""
            dump(value, to: &text)
            return text
        }
        var out = Exposition()
        bench.metrics.write(to: &out)
        let learner = try #require(bench.pipeline.learner)
        return [
            "metrics": String(decoding: out.bytes, as: UTF8.self),
            // Made anew each time, and its dictionaries are in no order.
            "counts": text(bench.metrics.snapshot).split(separator: "\n").sorted().joined(separator: "\n"),
            "similarities": text([true, false].map { bench.metrics.similarities.counts(served: $0) }),
            "scores": text([true, false].map { bench.metrics.scores.counts(served: $0) }),
            "entries": bench.cache.resident.withLock { text($0) },
            "index": "\(bench.cache.index.count) \(bench.cache.index.memoryBytes) \(bench.cache.facts.memoryBytes)",
            "learned": learner.state.withLock { text($0) },
            "wordings": bench.pipeline.lessons.wordings.wordings.withLock { text($0) },
            "patience": bench.pipeline.lessons.patience.runs.withLock { text($0) },
            "calls": "\(bench.upstream.calls.count)",
            "rows": "\(bench.store.insertions) \(bench.writer.depth)",
        ]
    }

    private func request(_ question: String) -> ProxyRequest {
        let body = #"{"model":"gpt-test","messages":[{"role":"user","content":"\#(question)"}]}"#
        return ProxyRequest(id: "explain", method: .post, path: "/v1/chat/completions", fields: [:], body: .bytes(Array(body.utf8)))
    }

    @Test(arguments: [
        (known, "exact hit"), (reworded, "semantic hit"), ("account my reset do i password how please", "miss"),
        ("how do i not reset my account password please", "miss"), ("a question that nobody asked", "miss"), ("", "miss"),
    ])
    func nothingChanges(question: String, decision: String) async throws {
        var options = PipelineOptions.shipped
        options.maximumWordings = 1
        let bench = ProxyBench(options: options)
        _ = await bench.ask(Self.known)
        await bench.pipeline.settleVectors()
        #expect(await bench.ask(Self.reworded).match == "semantic")
        _ = await bench.ask("what is the weather like on the moon")
        await bench.pipeline.settleVectors()
        let before = try everything(bench)
        for _ in 0..<3 {
            let explanation = try await bench.pipeline.explain(request(question))
            #expect(explanation.decision == decision, "\(explanation)")
        }
        let after = try everything(bench)
        for (name, former) in before { #expect(after[name] == former, "explaining changed the \(name)") }
    }

    /// What the test above rests on: a request that is served changes what it compares.
    @Test func aRequestDoesChangeIt() async throws {
        let bench = ProxyBench()
        _ = await bench.ask(Self.known)
        await bench.pipeline.settleVectors()
        let before = try everything(bench)
        #expect(await bench.ask(Self.reworded).match == "semantic")
        let after = try everything(bench)
        for name in ["metrics", "counts", "similarities", "entries", "learned", "wordings", "patience"] {
            #expect(after[name] != before[name], "\(name) says nothing")
        }
    }
}
