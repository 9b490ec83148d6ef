@testable import Matching
import Testing

@Suite struct StatedFactsTests {
    /// What the guard lets through must be found by the hashes, whichever prompt is the asked one.
    @Test func theHashesAreNeverStricterThanTheGuard() throws {
        let prompts = Wordings.allPrompts
        let facts = prompts.map { StatedFacts($0) }
        let tokens = try prompts.map { try PromptTokens($0) }
        var count = 0
        for asked in prompts.indices where !facts[asked].required.isEmpty {
            for cached in prompts.indices where NumbersGuard().finding(in: PromptPair(asked: tokens[asked], cached: tokens[cached])) == nil {
                count += 1
                for keys in facts[asked].required {
                    #expect(keys.contains { facts[cached].stated.contains($0) }, "\(prompts[asked]) / \(prompts[cached])")
                }
            }
        }
        #expect(count > 100)
    }

    @Test(arguments: [("Where is order 48213?", "Where is order 48231?"), ("at 7am", "at 7pm")])
    func othersShareNoKey(asked: String, cached: String) {
        let stated = StatedFacts(cached).stated
        #expect(StatedFacts(asked).required.contains { keys in !keys.contains { stated.contains($0) } })
    }

    @Test(arguments: ["", "hello there", "is this the one", String(repeating: "7 ", count: 20_000)])
    func withoutStrongNumbersNothingIsRequired(prompt: String) {
        #expect(StatedFacts(prompt).required.isEmpty)
    }
}
