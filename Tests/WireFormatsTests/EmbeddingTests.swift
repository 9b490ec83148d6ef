import SemanticCache
import TestSupport
import Testing

@testable import WireFormats

@Suite struct EmbeddingTests {
    private func read(_ input: String, _ more: String = "") throws -> CacheableRequest {
        try request(#"{"model":"e","input":\#(input)\#(more)}"#, endpoint: .embeddings)
    }

    private func keys(_ content: CacheableRequest) -> [CacheKey] { content.itemKeys(tenant: tenant, namespace: "", pathAndQuery: "") }

    /// A list of inputs has the keys of the requests that ask for one of them each.
    @Test(arguments: [
        (#"["a","b","a\n"]"#, [#""a""#, #""b""#, #"["a\u000a"]"#]), (#"[[1,2],[3]]"#, ["[1,2]", "[3]"]), (#"["only"]"#, [#""only""#]),
        ("[7,8]", ["[[7,8]]"]),
    ])
    func inputsHaveKeysOfTheirOwn(input: String, alone: [String]) throws {
        let batch = try read(input)
        #expect(try keys(batch) == alone.map { try read($0).plainKey })
        #expect(batch.items.count == alone.count)
        #expect(batch.plainScope == nil)
    }

    @Test(arguments: [
        #""a""#, #"["a","b"]"#, "[1,2]", "[[1],[2]]", #"["a",[1]]"#, "[]", #"[{"text":"a"}]"#, #"["1","2"]"#, "[[1,2]]", "[12]", #"["a,b"]"#,
    ])
    func differentInputsNeverShare(input: String) throws {
        let all = [#""a""#, #"["a","b"]"#, "[1,2]", "[[1],[2]]", #"["a",[1]]"#, "[]", #"[{"text":"a"}]"#, #"["1","2"]"#, "[12]", #"["a,b"]"#]
        let mine = try read(input)
        let others = try all.filter { $0 != input && !($0 == "[1,2]" && input == "[[1,2]]") }.map { try read($0) }
        #expect(others.allSatisfy { $0.plainKey != mine.plainKey })
    }

    @Test(arguments: [
        #","dimensions":256"#, #","dimensions":512"#, #","encoding_format":"base64""#, #","encoding_format":"float""#, #","input_type":"query""#,
    ])
    func whatChangesTheVectorIsInEveryKey(more: String) throws {
        let plain = try read(#"["a","b"]"#)
        let other = try read(#"["a","b"]"#, more)
        #expect(Set(keys(plain)).isDisjoint(with: keys(other)))
        #expect(try keys(read(#"["a","b"]"#, #","user":"anna""#)) == keys(plain))
    }

    @Test func countsWhatAnInputWeighs() throws {
        #expect(try read(#"["a","","four"]"#).items.map(\.weight) == [1, 1, 4])
        #expect(try read("[[1,2,3],[4]]").items.map(\.weight) == [3, 1])
        #expect(try read(#"["a",""]"#).items.map(\.text) == ["a", ""])
        #expect(try read("[[1],[2]]").items.allSatisfy { $0.text == nil })
        #expect(try read(#"["a"]"#).subject == "a")
    }

    @Test func selectsInputsAndLeavesTheRestAsItWas() throws {
        let body = Array("{ \"input\" : [ \"a\" , \"\\u0062\",\"c\" ],\n\"model\":\"e\", \"x\": 1.0 }".utf8)
        let selected = try #require(RequestReader.body(body, selecting: [1, 2]))
        #expect(String(decoding: selected, as: UTF8.self) == "{ \"input\" : [\"\\u0062\",\"c\"],\n\"model\":\"e\", \"x\": 1.0 }")
        #expect(RequestReader.body(body, selecting: [3]) == nil)
        #expect(RequestReader.body(Array(#"{"input":"a"}"#.utf8), selecting: [0]) == nil)
    }

    private static let answer = #"""
        {"object":"list","data":[{"object":"embedding","index":1,"embedding":[0.10,-2e-3],"x":{"y":1}},{"object":"embedding","embedding":"AACAPw==","index":0},
         {"index":2,"embedding":[3]}],"model":"e-1","usage":{"prompt_tokens":10,"total_tokens":11,"details":{"a":1}},"vendor":[null]}
        """#

    @Test func takesAnswersApartAndPutsThemTogether() throws {
        let body = Array(Self.answer.utf8)
        let parts = try #require(EmbeddingParts.split(body, weights: [1, 1, 2]))
        #expect(parts.count == 3)
        let roots = try parts.map { try JSONDocument($0).root }
        #expect(roots.map { $0["data"]?.first?["index"]?.int } == [0, 0, 0])
        #expect(
            roots.map { $0["data"]?.first?["embedding"].map { String(decoding: $0.source, as: UTF8.self) } } == [
                #""AACAPw==""#, "[0.10,-2e-3]", "[3]",
            ])
        #expect(roots.map { $0["usage"]?["prompt_tokens"]?.int } == [2, 3, 5])
        #expect(roots.allSatisfy { $0["model"]?.string == "e-1" && $0["vendor"]?.count == 1 && $0["usage"]?["details"]?["a"]?.int == 1 })
        let whole = try JSONDocument(#require(EmbeddingParts.merge(parts))).root
        #expect(whole["data"]?.elements.map { $0["index"]?.int } == [0, 1, 2])
        #expect(whole["usage"]?["prompt_tokens"]?.int == 10)
        #expect(whole["usage"]?["total_tokens"]?.int == 11)
        #expect(EmbeddingParts.usage(of: parts[2]) == TokenUsage(prompt: 5, completion: 0))
        // Apart and together again, in order, is the answer itself.
        let again = try #require(EmbeddingParts.split(Array(whole.source), weights: [1, 1, 2]))
        #expect(try again.map { try canonicalText($0) } == parts.map { try canonicalText($0) })
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"data":[]}"#, #"{"data":[{"index":0},{"index":0},{"index":1}]}"#, #"{"data":[{"index":0},{"index":1},{"index":3}]}"#,
        #"{"data":[{"index":0},{"index":1}]}"#, #"{"data":[1,2,3]}"#, #"{"data":[{"index":-1},{"index":1},{"index":2}]}"#,
    ])
    func refusesWhatDoesNotAnswerEachInputOnce(body: String) {
        #expect(EmbeddingParts.split(Array(body.utf8), weights: [1, 1, 1]) == nil)
    }

    @Test func countsThatAreNoCountsStayAsTheyAre() throws {
        let body = Array(#"{"data":[{"embedding":1},{"embedding":2}],"usage":{"prompt_tokens":9223372036854775807,"total_tokens":-3,"f":1.5}}"#.utf8)
        let parts = try #require(EmbeddingParts.split(body, weights: [Int.max, Int.max]))
        #expect(try parts.map { try JSONDocument($0).root["usage"]?["total_tokens"]?.int } == [-3, -3])
        #expect(EmbeddingParts.merge(parts) != nil)
        #expect(EmbeddingParts.split(Array(#"{"data":[{"embedding":1}]}"#.utf8), weights: [1])?.count == 1)
        #expect(EmbeddingParts.merge([]) == nil)
    }

    /// Whatever the weights and counts: shares are never negative and add up.
    @Test func sharesAddUp() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let weights = (0..<Int.random(in: 1...40, using: &random)).map { _ in Int.random(in: 1...5000, using: &random) }
            let total = Int.random(in: 0...(1 << 31), using: &random)
            let data = weights.indices.map { #"{"index":\#($0),"embedding":[\#($0)]}"# }.joined(separator: ",")
            let body = Array(#"{"data":[\#(data)],"usage":{"prompt_tokens":\#(total)}}"#.utf8)
            let parts = try #require(EmbeddingParts.split(body, weights: weights))
            let shares = try parts.map { try #require(try JSONDocument($0).root["usage"]?["prompt_tokens"]?.int) }
            #expect(shares.allSatisfy { $0 >= 0 } && shares.reduce(0, +) == total)
            #expect(try canonicalText(#require(EmbeddingParts.merge(parts))) == canonicalText(body))
        }
    }
}
