@testable import Embedding
import SemanticCache
import Testing

extension WordPieceTokenizer {
    /// The words that become `[UNK]`.
    fileprivate func unread(_ text: String) -> [String] { readWords(in: text).filter { $0.seen == nil }.map(\.written) }
}

struct WordPieceTokenizerTests {
    private struct Line: Decodable {
        let text: String
        let ids: [Int64]
    }

    @Test func idsEqualTheReferences() throws {
        let tokenizer = try Fixtures.tokenizer()
        let lines = try Fixtures.lines("tokens.jsonl", as: Line.self)
        #expect(lines.count >= 500)
        for line in lines {
            // The reference gives an empty pair of brackets where nothing is left; here that is a refusal.
            let expected: Result<[Int64], ModelRefusal> = line.ids.count == 2 ? .failure(.empty) : .success(line.ids)
            #expect(
                tokenizer.ids(of: line.text) == expected,
                "\(line.text.debugDescription) \(line.text.unicodeScalars.map { String($0.value, radix: 16) })")
        }
    }

    @Test func wordsWithoutPiecesAreNamed() throws {
        let tokenizer = try Fixtures.tokenizer()
        #expect(tokenizer.unread("What does 🥑 mean in plain words, déjà vu?") == ["🥑"])
        #expect(tokenizer.unread("How do I reset my password? 2×3 ≥ 5").isEmpty)
        let (long, other) = (String(repeating: "ab", count: 60), String(repeating: "ac", count: 60))
        #expect(tokenizer.unread("the size of \(long)") == [long] && tokenizer.unread(other) == [other])
        // Words that differ where nobody reads on differ all the same.
        let endless = String(repeating: "x", count: 1500)
        #expect(tokenizer.unread(endless + "a") != tokenizer.unread(endless + "b"))
    }

    /// A vocabulary without one of the letters is asked for every word, ASCII or not.
    @Test func aGapInTheAlphabetIsSeen() throws {
        let alphabet = (UInt8(0x21)...0x7E).map { String(Unicode.Scalar($0)) }
        let whole = ["[UNK]", "[CLS]", "[SEP]"] + alphabet + alphabet.map { "##\($0)" }
        func unread(_ vocabulary: [String], _ text: String) throws -> [String] {
            try #require(WordPieceTokenizer(vocabulary: vocabulary.joined(separator: "\n"), limit: 10)).unread(text)
        }
        #expect(try unread(whole, "a quiz, é and an ox").isEmpty)
        #expect(try unread(whole.filter { $0 != "##x" }, "a quiz and an ox") == ["ox"])
        #expect(try unread(whole.filter { $0 != "q" }, "a quiz, ☂ and an ox") == ["quiz", "☂"])
        #expect(try unread(whole.filter { $0 != "?" }, "an ox?") == ["?"])
    }

    @Test func theWindowIsKept() throws {
        let vocabulary = "[UNK]\n[CLS]\n[SEP]\na\n"
        let tokenizer = try #require(WordPieceTokenizer(vocabulary: vocabulary, limit: 10))
        #expect(tokenizer.ids(of: String(repeating: "a ", count: 8)) == .success([1, 3, 3, 3, 3, 3, 3, 3, 3, 2]))
        guard case .failure(.tooLong(_, limit: 10)) = tokenizer.ids(of: String(repeating: "a ", count: 9)) else {
            Issue.record("nine words and two brackets do not fit into ten")
            return
        }
    }

    @Test func aVocabularyWithoutItsMarksIsRefused() {
        #expect(WordPieceTokenizer(vocabulary: "a\nb\n", limit: 10) == nil)
    }

    @Test func megabytesAreRefusedQuickly() throws {
        let vocabulary = "[UNK]\n[CLS]\n[SEP]\na\n"
        let tokenizer = try #require(WordPieceTokenizer(vocabulary: vocabulary, limit: 256))
        let started = ContinuousClock.now
        for text in [String(repeating: "a ", count: 500_000), String(repeating: "x", count: 1_000_000), String(repeating: "!", count: 1_000_000)] {
            _ = tokenizer.ids(of: text)
        }
        #expect(ContinuousClock.now - started < .seconds(30))
    }
}
