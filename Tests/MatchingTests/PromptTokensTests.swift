@testable import Matching
import Testing

@Suite struct PromptTokensTests {
    @Test func tokensKeepTheirPlaceInThePrompt() throws {
        let prompt = "Écoute: where's order A-1234?"
        let bytes = Array(prompt.utf8)
        let tokens = try PromptTokens(prompt).tokens
        #expect(tokens.map(\.text) == ["écoute", "where", "order", "a1234"])
        #expect(tokens.map { String(decoding: bytes[$0.range], as: UTF8.self) } == ["Écoute", "where's", "order", "A-1234"])
    }

    @Test(arguments: [
        ("don't", ["do", "not"]), ("can’t", ["can", "not"]), ("won't", ["will", "not"]), ("cannot", ["can", "not"]), ("France's", ["france"]),
        ("O'Brien", ["o'brien"]), ("in-store", ["in", "store"]), ("a.m.", ["am"]),
    ])
    func contractionsAreTakenApart(_ written: String, _ words: [String]) throws {
        #expect(try PromptTokens(written).tokens.map(\.text) == words)
    }

    @Test(arguments: [
        ("refunds", "refund"), ("refunded", "refund"), ("stopping", "stop"), ("included", "includ"), ("include", "includ"), ("companies", "company"),
        ("boxes", "box"), ("passing", "pass"), ("glass", "glass"), ("bus", "bus"), ("this", "this"), ("日本", "日本"), ("copied", "copy"),
    ])
    func endingsAreFolded(_ word: String, _ stem: String) { #expect(Stem.of(word) == stem) }

    @Test(arguments: [
        ("address", "adress", true), ("change", "chnage", true), ("pool", "gyms", false), ("same", "same", false), ("station", "staions", false),
    ])
    func slipsAreOneEditApart(_ a: String, _ b: String, _ isSlip: Bool) {
        #expect(Slip.isOne(Array(a.utf8), Array(b.utf8)) == isSlip)
        #expect(Slip.isOne(Array(b.utf8), Array(a.utf8)) == isSlip)
    }

    @Test func timelessPromptsAreNotTimeSensitive() {
        for prompt in ["How do I knowingly tip?", "who wrote it", "nowhere", "what is the capital of France", ""] {
            #expect(TimeSensitivity.phrase(in: prompt) == nil)
        }
        #expect(TimeSensitivity.phrase(in: "What's the LATEST version?") == "latest")
        #expect(TimeSensitivity.phrase(in: "What is on this week?") == "this week")
    }
}
