import HTTPTypes
import Matching
@testable import Proxy
import SemanticCache
import Testing
import WireFormats

/// What of a message may be worded otherwise, through the pipeline.
struct AskedTests {
    private static let asks = ("How do I reset my account password?", "How can I reset my account password?")
    private static func context(_ months: Int) -> String {
        #"Use only this context.\n\nContext:\nThe heater X200 has a warranty of \#(months) months. It is sold in two colours.\n\nQuestion: "#
    }

    private static func bench(_ split: AskSplit = .auto) -> ProxyBench {
        var options = PipelineOptions.shipped
        options.askSplit = split
        return ProxyBench(options: options)
    }

    private static func ask(_ bench: ProxyBench, _ message: String) async -> ProxyBench.Answer {
        let answer = await bench.ask(message)
        await bench.pipeline.settleVectors()
        return answer
    }

    @Test func aRewordedAskAboutTheSameTextHitsAndAnotherTextNeverMeetsIt() async {
        let bench = Self.bench()
        #expect(await Self.ask(bench, Self.context(24) + Self.asks.0).cache == "MISS")
        let reworded = await Self.ask(bench, Self.context(24) + Self.asks.1)
        #expect(reworded.cache == "HIT" && reworded.match == "semantic")
        let other = await Self.ask(bench, Self.context(36) + Self.asks.1)
        #expect(other.cache == "MISS" && other.reason == "empty-scope")
        #expect(await Self.ask(bench, Self.asks.1).cache == "MISS", "without its context it is another question")
    }

    @Test func lineEndsAndTrailingBlanksOfAContextAreNoDifference() async {
        let bench = Self.bench()
        _ = await Self.ask(bench, Self.context(24) + Self.asks.0)
        let other = Self.context(24).replacing(#"\n"#, with: #" \r\n"#) + Self.asks.1
        #expect(await Self.ask(bench, other).match == "semantic")
    }

    @Test func aDocumentOfAnyLengthMayStandBeforeTheAsk() async {
        let bench = Self.bench()
        let document = String(repeating: "The heater is warm and the house is large, as we said. ", count: 4000) + #"\n\n"#
        _ = await Self.ask(bench, document + Self.asks.0)
        #expect(await Self.ask(bench, document + Self.asks.1).match == "semantic")
        #expect(await Self.ask(bench, "A " + document + Self.asks.1).cache == "MISS")
    }

    @Test func entriesOfBeforeStayExactAndByMeaningWhereTheirQueryIsTheAsk() async {
        let live = Self.bench(.whole)
        _ = await Self.ask(live, Self.context(24) + Self.asks.0)
        _ = await Self.ask(live, Self.asks.0)
        var options = PipelineOptions.shipped
        options.askSplit = .auto
        options.lookupDeadline = .seconds(600)
        live.pipeline.exchange(options)
        #expect(await Self.ask(live, Self.context(24) + Self.asks.0).match == "exact")
        #expect(await Self.ask(live, Self.asks.1).match == "semantic")
        #expect(await Self.ask(live, Self.context(24) + Self.asks.1).cache == "MISS", "its scope is another one now")
    }

    @Test func whatIsOfTheMomentIsAskedAndNotReadAbout() async {
        let bench = Self.bench()
        let news = #"Context:\nThe shop is closed today, says the latest notice.\n\nQuestion: "#
        #expect(await Self.ask(bench, news + Self.asks.0).reason != "time-sensitive")
        #expect(await Self.ask(bench, news + Self.asks.1).match == "semantic")
        #expect(await Self.ask(bench, Self.context(24) + "What is the weather today?").reason == "time-sensitive")
    }

    /// Keys and scopes of messages without a frame are what they were; the golden file holds them, and this that the pipeline uses them.
    @Test func aMessageThatIsItsOwnAskHasTheScopeOfBefore() throws {
        let tenant = TenantResolver(key: Array("0123456789abcdef".utf8)).tenant(of: [:])
        func read(_ message: String) throws -> CacheableRequest {
            let body = #"{"model":"m","messages":[{"role":"user","content":"\#(message)"}]}"#
            guard case .cacheable(let content) = RequestReader.read(endpoint: .chatCompletions, body: Array(body.utf8)) else {
                throw RequestError("not read")
            }
            return content
        }
        func asked(_ message: String, _ split: AskSplit) throws -> Asked? {
            Asked(try read(message), splitting: split, tenant: tenant, namespace: "", pathAndQuery: "/v1/chat/completions")
        }
        for message in [Self.asks.0, "Hello! " + Self.asks.0 + " Thanks.", "I lost my card. How do I block it?"] {
            let scope = try read(message).scope(tenant: tenant, namespace: "", pathAndQuery: "/v1/chat/completions")
            #expect(try asked(message, .auto)?.scope == scope && asked(message, .auto)?.isFramed == false)
        }
        let framed = Self.context(24) + Self.asks.0
        let (split, whole) = (try #require(try asked(framed, .auto)), try #require(try asked(framed, .whole)))
        #expect(split.isFramed && split.query == Self.asks.0 && split.scope != whole.scope)
        #expect(!whole.isFramed && whole.query.hasPrefix("Use only"))
    }
}
