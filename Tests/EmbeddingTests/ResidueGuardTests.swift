@testable import Embedding
import Matching
import SemanticCache
import Testing

/// What an uncased model cannot see, read by its own tokenizer.
@Suite struct ResidueGuardTests {
    private let residue: ResidueGuard

    init() throws {
        let tokenizer = try Fixtures.tokenizer()
        residue = ResidueGuard { tokenizer.readWords(in: $0) }
    }

    private func finding(_ a: String, _ b: String) throws -> String? {
        let there = residue.finding(in: PromptPair(asked: try PromptTokens(a), cached: try PromptTokens(b)))
        let back = residue.finding(in: PromptPair(asked: try PromptTokens(b), cached: try PromptTokens(a)))
        #expect((there == nil) == (back == nil), "\(a.debugDescription) / \(b.debugDescription)")
        return there
    }

    @Test(arguments: [
        // Capitals
        ("Is China fragile?", "Is china fragile?"), ("Where can I buy a mac?", "Where can I buy a Mac?"), ("What is AIDS?", "What is aids?"),
        ("What does grep -v do?", "What does grep -V do?"), ("Is 5 MW a lot?", "Is 5 mW a lot?"), ("What is pH?", "What is PH?"),
        ("What does r do in vim?", "What does R do in vim?"), ("Is setName valid here?", "Is SetName valid here?"),
        ("Where is $home defined?", "Where is $HOME defined?"), ("Open t.co/aBc9 for me", "Open t.co/AbC9 for me"),
        ("Decode aGVsbG8= please", "Decode AGVSBG8= please"), ("Which is it in 'McAdam'?", "Which is it in 'MCADAM'?"),
        // Marks
        ("¿Cuántos años tienes?", "¿Cuántos anos tienes?"), ("What is the HTML entity for é?", "What is the HTML entity for e?"),
        ("What does 'papá' mean?", "What does 'papa' mean?"), ("Was heißt schon?", "Was heißt schön?"), ("じしょはどこですか", "じじょはどこですか"),
        ("Co to jest kąt?", "Co to jest kat?"), ("Il a pêché hier à Caen", "Il a péché hier à Caen"), ("مَن هو", "مِن هو"),
        // White space
        ("How long is 'a b'?", "How long is 'a  b'?"), ("if a:\n    b()\n    c()", "if a:\n    b()\nc()"), ("a:\n  b: 1\n  c: 2", "a:\n  b: 1\nc: 2"),
        ("Is this right?\nall:\n\tcc x.c", "Is this right?\nall:\n    cc x.c"), ("What matches div .a?", "What matches div.a?"),
        ("Count them:\nred\nblue", "Count them:\nred blue"), ("What is 1 2 in words?", "What is 12 in words?"),
        // Punctuation between the same words
        ("Let's eat, grandma", "Let's eat grandma"), ("What does a[2:] give?", "What does a[:2] give?"), ("What is 7/2?", "What is 7-2?"),
        ("What does (x|y) match?", "What does [x|y] match?"), ("What is 6'1\" in metres?", "What is 6\"1' in metres?"), ("What is 5%?", "What is 5?"),
    ])
    func fires(_ a: String, _ b: String) throws {
        let found = try finding(a, b)
        #expect(found != nil, "\(a) / \(b)")
    }

    @Test(arguments: [
        ("Where is my order?", "where is my order"), ("Where is my order?", "WHERE IS MY ORDER"), ("Where is my order?", "Where Is My Order?"),
        ("who is the mayor of london", "Who is the mayor of London?"), ("How do I open a pdf file?", "How do I open a PDF file?"),
        ("Is typescript hard?", "Is TypeScript hard?"), ("Hi, where is my order?", "Where is my order?"), ("What's new?", "WHAT'S NEW?"),
        ("Where can I eat crème brûlée?", "Where can I eat creme brulee?"), ("How do I get to Zürich?", "How do I get to Zurich?"),
        ("¿Cómo cambio mi contraseña aquí?", "como cambio mi contrasena aqui"), ("كَيْفَ أدفع", "كيف أدفع"),
        ("Where  is   my order?", "Where is my order?"), ("Where is my order ?", "Where is my order?"),
        ("\tWhere is my order?\n", "Where is my order?"),
        ("Where\u{A0}is my\u{200B} order?", "Where is my order?"), ("What is 3+4?", "What is 3 + 4?"), ("One.\r\n\r\nTwo?", "One.\n\nTwo?"),
        ("What does 'pro rata' mean?", "What does “pro rata” mean?"), ("Where is my order???", "Where is my order!"),
        ("Is it a well-known brand?", "Is it a well known brand?"), ("whats the time in Rome", "What's the time in Rome?"),
        ("Où est la gare ?", "Où est la gare?"), ("e\u{301}tat civil", "état civil"),
    ])
    func staysQuiet(_ a: String, _ b: String) throws {
        let found = try finding(a, b)
        #expect(found == nil, "\(a) / \(b)")
    }

    /// Whatever only white space, capitals at the beginning or the end's marks distinguish is a repeat, in any language, learned about or not.
    @Test func aRepeatIsServedByWhoeverKnowsNothing() throws {
        func isServed(_ asked: String, _ cached: String) -> Bool {
            CalibratedPolicy(
                population: Population(prior: nil), errorBound: 0.01, profile: .default, floor: 0.5, draw: 1, prompts: PreparedPrompts(),
                residue: residue
            ).decide(query: asked, candidates: [Candidate(id: EntryID(rawValue: 1), query: cached, similarity: 0.99)]).isReplay
        }
        #expect(isServed("où est la gare", "Où est la gare ?"))
        #expect(isServed("где мой заказ", "Где  мой заказ?"))
        #expect(!isServed("где мой паспорт", "Где мой заказ?"))
        #expect(!isServed("where is my parcel", "where is my order"))
        #expect(!isServed("¿Qué significa ano?", "¿Qué significa año?"))
    }

    /// The quick way through ASCII and the way through everything give the same words.
    @Test func plainTextIsReadAsAnyOther() throws {
        let tokenizer = try Fixtures.tokenizer()
        struct Line: Decodable { let text: String }
        for line in try Fixtures.lines("tokens.jsonl", as: Line.self) {
            guard let plain = WordPieceTokenizer.plainWords(line.text) else { continue }
            #expect(plain == tokenizer.decomposedWords(line.text), "\(line.text.debugDescription)")
        }
        #expect(WordPieceTokenizer.plainWords("Is it\t5% of A-b?\r\n") != nil && WordPieceTokenizer.plainWords("é") == nil)
    }

    /// Nothing of a text is lost between what the words are and what stands before them.
    @Test(arguments: ["Ça  va\tbien?\n", "a\u{301}b c\u{200B}d", "東京 は 2", "x<=y && z", "\u{FEFF}hi\u{AD}ya", "ŐŐ--ő"])
    func wordsAndGapsAreTheText(_ text: String) throws {
        let words = try Fixtures.tokenizer().readWords(in: text)
        let whole = words.map { $0.gap + $0.written }.joined()
        #expect(text.hasPrefix(whole) && text.dropFirst(whole.count).allSatisfy(\.isWhitespace))
        #expect(words.allSatisfy { $0.seen.map { $0 == $0.lowercased() } ?? true })
    }
}
