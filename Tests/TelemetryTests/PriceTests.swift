import SemanticCache
@testable import Telemetry
import Testing

struct PriceTests {
    @Test func theBuiltInTableIsDatedAndWhole() {
        let table = PriceTable.builtIn
        #expect(table.date.wholeMatch(of: /20\d\d-\d\d-\d\d/) != nil)
        #expect(table.models.count > 40)
        for model in table.models {
            guard let price = table.price(of: model) else {
                Issue.record("\(model) has no price")
                continue
            }
            #expect(price.input > 0 && price.cachedInput > 0 && price.cachedInput <= price.input && price.output >= 0, "\(model)")
        }
    }

    @Test(arguments: [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"), ("openai/gpt-4o-mini", "gpt-4o-mini"), ("gpt-4-0613", "gpt-4"),
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku"), ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"), ("GPT-4o", "gpt-4o"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"), ("openrouter/deepseek/deepseek-chat:free", "deepseek-chat"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"), ("gpt-5-chat-latest", "gpt-5-chat"), ("models/gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("mistral-large-2512", "mistral-large"), ("xai/grok-4-0709", "grok-4"), ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet"), ("anthropic.claude-3-sonnet-20240229-v1:0:200k", "claude-3-sonnet"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"), ("us-gov.anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku"),
        ("bedrock/global.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"), ("bedrock/converse/anthropic.claude-opus-4-7", "claude-opus-4-7"),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet"), ("claude-opus-4-6@default", "claude-opus-4-6"),
        ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"), ("google/gemini-2.5-flash-lite-preview-09-2025", "gemini-2.5-flash-lite"),
        ("gemini-3-flash-preview-12-2025", "gemini-3-flash-preview"), ("mistralai/mistral-small:nitro", "mistral-small"),
    ])
    func aReleaseHasThePriceOfItsModel(name: String, model: String) {
        #expect(PriceTable.builtIn.price(of: name) != nil)
        #expect(PriceTable.builtIn.price(of: name) == PriceTable.builtIn.price(of: model))
    }

    @Test(arguments: [
        "gpt-4o-maxi", "gpt-4o-mini-fine-tuned", "gpt", "", "-", "/", "ft:gpt-4o", "2024-05-13", "llama-3.1-70b", "openai/gpt-oss-120b",
        "ft:gpt-4o-mini:acme::9aBc", "gpt-4o@beta", "gpt-4o-v2", "gemini-2.5-flash-preview", "gemini-2.5-flash-preview-13-2025", "anthropic.",
        "us.anthropic", "anthropic.claude", "mistral.mistral-large-2402-v1:0", "meta.llama3-1-70b-instruct-v1:0", "openai/gpt-4o/",
    ])
    func anotherModelHasNone(name: String) {
        #expect(PriceTable.builtIn.price(of: name) == nil)
    }

    /// A model of the same name on one's own machine is not the provider's.
    @Test(arguments: [
        "mistral-small:24b", "mistral-small:latest", "codestral:22b-v0.1-q4_K_M", "registry.ollama.ai/library/mistral-small:24b",
        "ollama/mistral-small", "ollama_chat/mistral-small", "hosted_vllm/mistral-small",
    ])
    func whatRunsAtHomeHasNoPriceButTheOperators(name: String) {
        #expect(PriceTable.builtIn.price(of: name) == nil)
        #expect(PriceTable.builtIn.overridden(by: [name: ModelPrice(input: 1, output: 2)]).price(of: name)?.output == 2)
    }

    @Test func theOperatorsPriceComesFirst() {
        let table = PriceTable.builtIn.overridden(by: ["gpt-4o": ModelPrice(input: 1, output: 1), "mine": ModelPrice(input: 3, output: 4)])
        #expect(table.price(of: "gpt-4o-2024-08-06")?.input == 1)
        #expect(table.price(of: "mine")?.output == 4)
        #expect(table.price(of: "gpt-4o-mini") == PriceTable.builtIn.price(of: "gpt-4o-mini"))
    }

    @Test func cachedInputCostsLess() {
        let price = ModelPrice(input: 2, cachedInput: 0.5, output: 8)
        #expect(price.cost(of: TokenUsage(prompt: 1000, completion: 100)) == Money(nanodollars: 2_800_000))
        #expect(price.cost(of: TokenUsage(prompt: 1000, completion: 100, cachedPrompt: 600)) == Money(nanodollars: 1_900_000))
        #expect(price.cost(of: TokenUsage(prompt: 10, completion: 0, cachedPrompt: 600)) == Money(nanodollars: 5000))
        #expect(ModelPrice(input: 0.02, output: 0).cost(of: TokenUsage(prompt: 1, completion: 0)) == Money(nanodollars: 20))
    }
}
