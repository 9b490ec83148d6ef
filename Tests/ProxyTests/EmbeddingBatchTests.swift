import Cache
import Foundation
import HTTPTypes
import Proxy
import SemanticCache
import Synchronization
import Telemetry
import Testing
import TestSupport
import WireFormats

struct EmbeddingBatchTests {
    /// An upstream whose embedding of a text is its letters, and of token numbers the numbers.
    private static func bench(options: PipelineOptions = .shipped, fails: @escaping @Sendable () -> Bool = { false }) -> ProxyBench {
        ProxyBench(options: options) { _, body in
            if fails() { return .failure(.unreachable("refused")) }
            guard let request = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] else { return ProxyBench.echo(body) }
            let input = request["input"]
            let items: [Any] = (input as? [Any]).map { $0.first is Int ? [$0] : $0 } ?? [input ?? ""]
            let data = items.enumerated().map { index, item in
                #"{"object":"embedding","index":\#(index),"embedding":\#((item as? [Int]) ?? (item as? String ?? "").utf8.map { Int($0) })}"#
            }
            let tokens = items.reduce(0) { $0 + (($1 as? [Int])?.count ?? ($1 as? String ?? "").utf8.count) }
            let text =
                #"{"object":"list","data":[\#(data.joined(separator: ","))],"model":"e","usage":{"prompt_tokens":\#(tokens),"total_tokens":\#(tokens)}}"#
            return .response(status: .ok, fields: [.contentType: "application/json"], chunks: [Array(text.utf8)])
        }
    }

    private struct Reply: Decodable {
        struct Item: Decodable {
            let index: Int
            let embedding: [Int]
        }
        struct Usage: Decodable { let promptTokens: Int }

        let data: [Item]
        let usage: Usage
    }

    private func ask(_ bench: ProxyBench, _ input: String, fields: HTTPFields = [:]) async throws -> (ProxyBench.Answer, Reply?) {
        let answer = await bench.post(#"{"model":"e","input":\#(input)}"#, path: "/v1/embeddings", fields: fields)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return (answer, try? decoder.decode(Reply.self, from: Data(answer.body.utf8)))
    }

    private func asked(_ bench: ProxyBench) -> [String] { bench.upstream.calls.map { String(decoding: $0.body, as: UTF8.self) } }

    @Test func aBatchMayReadAndNotStore() async throws {
        let bench = Self.bench()
        _ = try await ask(bench, #"["a","bb"]"#)
        let (answer, _) = try await ask(bench, #"["a","bb","ccc","dd"]"#, fields: [.cacheTTL: "0"])
        #expect(answer.cacheStatus == #"reprise; fwd=partial; detail="2/4""#)
        #expect(bench.cache.count == 2 && bench.metrics.snapshot.notStored[.forbidden] == 1)
    }

    @Test func asksForWhatIsMissingOnly() async throws {
        let bench = Self.bench()
        _ = try await ask(bench, #"["a","bb"]"#)
        let (answer, reply) = try await ask(bench, #"["ccc","a","bb","a"]"#)
        #expect(asked(bench) == [#"{"model":"e","input":["a","bb"]}"#, #"{"model":"e","input":["ccc"]}"#])
        #expect(reply?.data.map(\.index) == [0, 1, 2, 3])
        #expect(reply?.data.map(\.embedding) == [[99, 99, 99], [97], [98, 98], [97]])
        #expect(reply?.usage.promptTokens == 7)
        #expect(answer.cacheStatus == #"reprise; fwd=partial; stored; detail="3/4""#)
        #expect(answer.reason == "partial-batch")
        let (whole, again) = try await ask(bench, #"["a","bb","ccc"]"#)
        #expect(whole.cacheStatus == "reprise; hit; ttl=86400; detail=exact")
        #expect(again?.usage.promptTokens == 6)
        #expect(bench.upstream.calls.count == 2)
        #expect(bench.cache.count == 3)
        let counts = bench.metrics.snapshot
        #expect(counts.exactHits == 1 && counts.misses == 2 && counts.savedCalls == 1 && counts.savedPromptTokens == 6)
    }

    private final class Provider: Sendable {
        let isAway = Mutex(false)
    }

    /// While the provider is away an older answer may stand in for a part; what is known of the others is not lost by that.
    @Test func anOlderPartIsPutTogetherWithWhatIsKnown() async throws {
        let provider = Provider()
        let bench = Self.bench(fails: { provider.isAway.withLock { $0 } })
        _ = try await ask(bench, #""bb""#, fields: [.cacheTTL: "60"])
        bench.clock.advance(by: .seconds(80))
        _ = try await ask(bench, #""a""#)
        provider.isAway.withLock { $0 = true }
        let (answer, reply) = try await ask(bench, #"["a","bb","a"]"#)
        #expect(reply?.data.map(\.embedding) == [[97], [98, 98], [97]])
        #expect(answer.cache == "STALE" && answer.match == "exact" && answer.cacheStatus == "reprise; hit; ttl=-20; detail=stale")
        #expect(bench.metrics.snapshot.stale == 1)
        // A part that nothing can stand in for fails the whole.
        let (failed, _) = try await ask(bench, #"["a","ccc"]"#)
        #expect(failed.status == 502)
    }

    @Test func agesWithItsOldestInput() async throws {
        let bench = Self.bench()
        _ = try await ask(bench, #"["a","b"]"#, fields: [.cacheTTL: "100"])
        bench.clock.advance(by: .seconds(30))
        _ = try await ask(bench, #"["c","d"]"#)
        let (hit, _) = try await ask(bench, #"["a","c"]"#)
        #expect(hit.fields[.age] == "30")
        #expect(hit.cacheStatus == "reprise; hit; ttl=70; detail=exact")
        #expect(
            try await ask(bench, #"["a","c"]"#, fields: [.cacheControl: "max-age=10"]).0.cacheStatus == #"reprise; fwd=partial; stored; detail="1/2""#
        )
        bench.clock.advance(by: .seconds(80))
        _ = try await ask(bench, #"["b","c"]"#)
        #expect(asked(bench).last == #"{"model":"e","input":["b"]}"#)
    }

    @Test func aReadOnlyRequestAddsNothing() async throws {
        let bench = Self.bench()
        let field = try #require(HTTPField.Name("x-bf-cache-no-store"))
        _ = try await ask(bench, #"["a","b"]"#, fields: [field: "true"])
        #expect(bench.cache.count == 0)
    }

    @Test func aLargeBatchIsKeptThoughOneAnswerOfItsSizeWouldNotBe() async throws {
        var options = PipelineOptions.shipped
        options.maximumAnswerBytes = 400
        let bench = Self.bench(options: options)
        let texts = (0..<20).map { "\"text \($0)\"" }.joined(separator: ",")
        _ = try await ask(bench, "[\(texts)]")
        #expect(bench.cache.count == 20)
        #expect(try await ask(bench, "[\(texts)]").0.cache == "HIT")
    }

    @Test func anErrorIsTheUpstreams() async throws {
        let bench = ProxyBench { _, _ in
            .response(status: .tooManyRequests, fields: [.contentType: "application/json"], chunks: [Array(#"{"error":{}}"#.utf8)])
        }
        let (answer, _) = try await ask(bench, #"["a","a"]"#)
        #expect(answer.status == 429 && answer.body == #"{"error":{}}"#)
        #expect(bench.cache.count == 0)
    }
}

struct PeerAnswerTests {
    private func field(_ name: String, _ value: String) throws -> HTTPFields { [try #require(HTTPField.Name(name)): value] }

    private func value(_ answer: ProxyBench.Answer, _ name: String) throws -> String? { answer.fields[try #require(HTTPField.Name(name))] }

    @Test(arguments: [
        ("Helicone-Cache-Enabled", "Helicone-Cache", "MISS", "HIT", "HIT"), ("cf-aig-cache-ttl", "cf-aig-cache-status", "MISS", "HIT", "HIT"),
        ("X-OpenRouter-Cache-TTL", "X-OpenRouter-Cache-Status", "MISS", "HIT", "HIT"),
        ("x-portkey-cache-namespace", "x-portkey-cache-status", "MISS", "HIT", "SEMANTIC HIT"),
    ])
    func saysItInTheClientsWords(asked: String, said: String, miss: String, exact: String, semantic: String) async throws {
        let bench = ProxyBench()
        let fields = try field(asked, asked.hasPrefix("H") ? "true" : "60")
        let first = await bench.ask("how do i reset my account password please", fields: fields)
        let second = await bench.ask("how do i reset my account password please", fields: fields)
        let third = await bench.ask("please how do i reset my account password", fields: fields)
        #expect(try [first, second, third].map { try value($0, said) } == [miss, exact, semantic])
        #expect(third.match == "semantic")
        #expect(try bench.upstream.calls[0].request.fields[#require(HTTPField.Name(asked))] == nil)
    }

    @Test func aBypassIsSaidToo() async throws {
        let bench = ProxyBench()
        var fields = try field("cf-aig-skip-cache", "true")
        #expect(try value(await bench.ask("a", fields: fields), "cf-aig-cache-status") == "MISS")
        fields = try field("x-portkey-cache-namespace", "n")
        fields[.cacheControl] = "no-store"
        #expect(try value(await bench.ask("a", fields: fields), "x-portkey-cache-status") == "DISABLED")
    }
}

struct TenantFieldTests {
    private let resolver = TenantResolver(key: Array("0123456789abcdef".utf8))

    private func tenant(_ fields: [(String, String)]) -> TenantID {
        var all = HTTPFields()
        for (name, value) in fields { if let name = HTTPField.Name(name) { all.append(HTTPField(name: name, value: value)) } }
        return resolver.tenant(of: all)
    }

    @Test func everyCredentialKeepsApart() {
        let callers: [[(String, String)]] = [
            [], [("Authorization", "a")], [("Authorization", "b")], [("Authorization", "a"), ("x-api-key", "a")],
            [("Authorization", "a"), ("x-api-key", "b")],
            [("Authorization", "a"), ("OpenAI-Project", "p")], [("Authorization", "a"), ("OpenAI-Organization", "p")],
            [("Authorization", "a"), ("OpenAI-Organization", "p"), ("OpenAI-Project", "p")], [("OpenAI-Project", "p")], [("x-portkey-api-key", "a")],
            [("Authorization", "a"), ("x-portkey-virtual-key", "v")], [("Authorization", "a"), ("x-bf-vk", "v")],
        ]
        #expect(Set(callers.map(tenant)).count == callers.count)
    }

    @Test func orderAndSpellingOfNamesDoNot() {
        #expect(tenant([("Authorization", "a"), ("x-api-key", "b")]) == tenant([("X-API-Key", "b"), ("authorization", "a")]))
        #expect(tenant([("x-api-key", "a")]) == resolver.tenant(credential: "a"))
    }
}
