import HTTPTypes
import SemanticCache
import Synchronization
import TestSupport
import Testing
import WireFormats

@testable import Proxy

/// An answer of another upstream than the one that was meant: kept while that one is away, and a minute at most beyond.
@Suite struct FallbackAnswerTests {
    /// Whether the provider is away; its fallback answers then.
    private final class Provider: Sendable {
        let isAway = Mutex(true)

        func reply(_ body: [UInt8]) -> ScriptedUpstream.Reply {
            let isAway = isAway.withLock { $0 }
            let text = isAway ? "the fallback's" : "the provider's"
            let isStream = String(decoding: body, as: UTF8.self).contains(#""stream":true"#)
            let chunks = isStream ? ProxyBench.events([text]) : [Array(ProxyBench.completion(text).utf8)]
            let fields: HTTPFields = [.contentType: isStream ? "text/event-stream" : "application/json"]
            return isAway ? .standIn(fields: fields, chunks: chunks) : .response(status: .ok, fields: fields, chunks: chunks)
        }

        func comesBack() { isAway.withLock { $0 = false } }
    }

    @Test(arguments: [("", nil), (#","stream":true"#, nil), ("", "7d"), ("", "30s")] as [(String, String?)])
    func itIsKeptForAMinute(extra: String, ttl: String?) async {
        let provider = Provider()
        let bench = ProxyBench { _, body in provider.reply(body) }
        let fields: HTTPFields = ttl.map { [.cacheTTL: $0] } ?? [:]
        _ = await bench.ask("one", extra: extra, fields: fields)
        let hit = await bench.ask("one", extra: extra)
        #expect(hit.cacheStatus == "reprise; hit; ttl=\(ttl == "30s" ? 30 : 60); detail=exact")
        #expect(hit.body.contains("fallback"))
        provider.comesBack()
        bench.clock.advance(by: .seconds(61))
        #expect(await bench.ask("one", extra: extra).body.contains("provider"))
        #expect(await bench.ask("one", extra: extra).cacheStatus == "reprise; hit; ttl=86400; detail=exact")
    }

    @Test func rewordingsFindItNoLonger() async {
        let provider = Provider()
        let bench = ProxyBench { _, body in provider.reply(body) }
        _ = await bench.ask("how do i reset my account password")
        provider.comesBack()
        bench.clock.advance(by: .seconds(61))
        #expect(await bench.ask("please how do i reset my account password").body.contains("provider"))
    }

    /// Given while a fresh one is fetched, it would be another model's answer from a provider that is there.
    @Test func itIsNotGivenWhileTheProviderIsAsked() async {
        var options = PipelineOptions.shipped
        options.staleWhileRevalidate = .seconds(3600)
        let provider = Provider()
        let bench = ProxyBench(options: options) { _, body in provider.reply(body) }
        _ = await bench.ask("one")
        provider.comesBack()
        bench.clock.advance(by: .seconds(61))
        let answer = await bench.ask("one")
        #expect(answer.cache == "MISS" && answer.body.contains("provider"))
        bench.clock.advance(by: .seconds(86_401))
        #expect(await bench.ask("one").cache == "STALE")
    }

    @Test func inputsOfABatchAreKeptAsLong() async {
        let provider = Provider()
        let body = #"{"object":"list","data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[2]}],"usage":{"prompt_tokens":2}}"#
        let bench = ProxyBench { _, _ in .standIn(fields: [.contentType: "application/json"], chunks: [Array(body.utf8)]) }
        _ = await bench.post(#"{"model":"e","input":["a","b"]}"#, path: "/v1/embeddings")
        #expect(await bench.post(#"{"model":"e","input":"b"}"#, path: "/v1/embeddings").cacheStatus == "reprise; hit; ttl=60; detail=exact")
        _ = provider
    }
}
