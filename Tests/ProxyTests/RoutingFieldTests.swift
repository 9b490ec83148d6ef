import HTTPTypes
import SemanticCache
import TestSupport
import Testing
import WireFormats

@testable import Proxy

/// What decides who answers, or how, in the request's head or in a body field that says nothing to the model.
@Suite struct RoutingFieldTests {
    private func fields(_ name: String, _ values: String...) throws -> HTTPFields {
        let name = try #require(HTTPField.Name(name))
        return HTTPFields(values.map { HTTPField(name: name, value: $0) })
    }

    @Test(arguments: [
        "x-portkey-config", "x-portkey-provider", "x-portkey-virtual-key", "x-portkey-custom-host", "x-portkey-azure-deployment-id",
        "Helicone-Target-Url", "Helicone-OpenAI-Api-Base", "Helicone-Fallbacks", "Helicone-LLM-Security-Enabled", "x-litellm-tags",
        "x-litellm-agent-id",
        "cf-aig-byok-alias", "X-BF-MCP-Include-Clients", "x-bf-provider", "X-OpenRouter-Provider", "x-ai-eg-model", "x-gateway-model-name",
        "x-ms-model-mesh-model-name", "azureml-model-deployment", "X-Amzn-Bedrock-GuardrailIdentifier", "anthropic-beta", "OpenAI-Beta",
    ])
    func anotherRouteIsAnotherAnswer(name: String) async throws {
        let bench = ProxyBench()
        #expect(await bench.ask("how do i reset my account password", fields: try fields(name, "a")).cache == "MISS")
        #expect(await bench.ask("how do i reset my account password", fields: try fields(name, "b")).cache == "MISS")
        #expect(await bench.ask("how do i reset my account password").cache == "MISS")
        #expect(await bench.ask("how do i reset my account password", fields: try fields(name, "a")).match == "exact")
        #expect(await bench.ask("please how do i reset my account password", fields: try fields(name, "c")).cache == "MISS")
        #expect(bench.upstream.calls.count == 4)
    }

    /// What watches, retries or names a call differs from call to call, and decides nothing.
    @Test(arguments: [
        "x-portkey-trace-id", "x-portkey-span-id", "x-portkey-request-timeout", "x-portkey-metadata", "Helicone-Session-Id", "Helicone-User-Id",
        "Helicone-Property-Feature", "Helicone-Retry-Num", "Helicone-Request-Id", "x-litellm-trace-id", "x-litellm-call-id", "x-litellm-num-retries",
        "cf-aig-event-id", "cf-aig-metadata", "cf-aig-collect-log", "x-bf-prom-team", "X-OpenRouter-Title", "x-request-id", "User-Agent",
        "traceparent",
        "X-Stainless-Retry-Count", "HTTP-Referer",
    ])
    func whatWatchesDecidesNothing(name: String) async throws {
        let bench = ProxyBench()
        _ = await bench.ask("one", fields: try fields(name, "a1"))
        #expect(await bench.ask("one", fields: try fields(name, "b2")).cache == "HIT")
    }

    @Test func theOrderOfFieldsDecidesNothingAndTheOrderOfValuesDoes() async throws {
        let bench = ProxyBench()
        let (config, tags) = (try fields("x-portkey-config", "a"), try fields("x-litellm-tags", "b"))
        _ = await bench.ask("one", fields: HTTPFields(Array(config) + Array(tags)))
        #expect(await bench.ask("one", fields: HTTPFields(Array(tags) + Array(config))).cache == "HIT")
        _ = await bench.ask("two", fields: try fields("x-litellm-tags", "a", "b"))
        #expect(await bench.ask("two", fields: try fields("x-litellm-tags", "b", "a")).cache == "MISS")
    }

    @Test func operatorsNameMore() async throws {
        var options = PipelineOptions.shipped
        options.routingFields = RoutingFields(also: ["X-Region"])
        let bench = ProxyBench(options: options)
        _ = await bench.ask("one", fields: try fields("x-region", "north"))
        #expect(await bench.ask("one", fields: try fields("X-REGION", "south")).cache == "MISS")
        #expect(await bench.ask("one", fields: try fields("X-Region", "north")).cache == "HIT")
        #expect(await ProxyBench().ask("one", fields: try fields("x-region", "north")).cache == "MISS")
    }

    @Test func tagsInTheBodyRouteToo() async {
        let bench = ProxyBench()
        _ = await bench.ask("one", extra: #","metadata":{"tags":["free"]}"#)
        #expect(await bench.ask("one", extra: #","metadata":{"tags":["paid"]}"#).cache == "MISS")
        #expect(await bench.ask("one", extra: #","metadata":{"tags":["free"],"trace":"7"}"#).cache == "HIT")
    }
}

/// Answers that come from a search made for them: yesterday's news is a wrong answer.
@Suite struct SearchedAnswerTests {
    private static let question = "how do i reset my account password"

    @Test(arguments: [
        #","web_search_options":{}"#, #","search_parameters":{"mode":"auto"}"#, #","plugins":[{"id":"web"}]"#, #","enable_search":true"#,
        #","tools":[{"type":"web_search"}]"#, #","venice_parameters":{"enable_web_search":"on"}"#,
    ])
    func exactOnlyAndForMinutes(member: String) async {
        let bench = ProxyBench()
        _ = await bench.ask(Self.question, extra: member)
        #expect(await bench.ask(Self.question, extra: member).cacheStatus == "reprise; hit; ttl=300; detail=exact")
        let reworded = await bench.ask("please " + Self.question, extra: member)
        #expect(reworded.reason == (member.contains("tools") ? "tools" : "time-sensitive"))
        // Nor may the request ask for more.
        _ = await bench.ask("another", extra: member, fields: [.cacheTTL: "1h"])
        #expect(await bench.ask("another", extra: member).cacheStatus == "reprise; hit; ttl=300; detail=exact")
        bench.clock.advance(by: .seconds(301))
        #expect(await bench.ask(Self.question, extra: member).reason == "expired")
    }

    @Test func aSearchThatIsSwitchedOffIsNone() async {
        let bench = ProxyBench()
        let off = #","search_parameters":{"mode":"off"}"#
        _ = await bench.ask(Self.question, extra: off)
        #expect(await bench.ask(Self.question, extra: off).cacheStatus == "reprise; hit; ttl=86400; detail=exact")
        #expect(await bench.ask("please " + Self.question, extra: off).match == "semantic")
    }

    /// As with questions of the moment, and with tools, that is the operator's to decide.
    @Test func operatorsMayDecideOtherwise() async {
        var options = PipelineOptions.shipped
        options.timeSensitive = .match
        let plain = ProxyBench(options: options)
        let member = #","enable_search":true"#
        _ = await plain.ask(Self.question, extra: member)
        #expect(await plain.ask(Self.question, extra: member).cacheStatus == "reprise; hit; ttl=86400; detail=exact")
        #expect(await plain.ask("please " + Self.question, extra: member).reason == "tools")
        options.semanticTools = true
        let semantic = ProxyBench(options: options)
        _ = await semantic.ask(Self.question, extra: member)
        #expect(await semantic.ask("please " + Self.question, extra: member).match == "semantic")
    }
}
