@testable import Matching
import Testing

@Suite struct FramedAskTests {
    private static let text = """
        The night train leaves Zagreb at 20:45 and arrives in Munich at 6:10. Bicycles may be taken along for 10 euros. Dogs need a ticket and a muzzle. \
        The dining car is closed on Mondays.
        """

    private static func canonical(_ message: String) -> [UInt8]? {
        guard let frame = FramedAsk(message).frame else { return nil }
        var bytes: [UInt8] = []
        frame.forEachCanonicalPiece(composed: { $0 == "e\u{301}" || $0.unicodeScalars.contains("\u{301}") ? "é" : $0 }) {
            bytes.append(contentsOf: $0)
        }
        return bytes
    }

    @Test(arguments: [
        "How do I pay?", "reset password", "Hi! How do I pay? Thanks a lot!", "Hello,\n\nhow do I pay?\n\nThank you very much",
        "I lost my card. How do I block it?",
        "I lost my card.\nHow do I block it?", "", "   ", "?", "Translate 'good night' into French", "List the states of the EU.\n",
        "Please summarise Hamlet in five words, and name the main characters.",
    ])
    func aMessageOfOneQuestionIsItsOwnAsk(_ message: String) {
        let split = FramedAsk(message)
        #expect(split.frame == nil && split.ask == message)
    }

    private static let forms: [(before: String, after: String)] = [
        ("Context: \(text)\nQuestion: ", ""), ("Context:\n\(text)\n\nQuestion:\n", "\n\nAnswer:"), ("\(text)\n\n", ""), ("", "\n\n\(text)"),
        ("", "\n---\n\(text)\n---"), ("", "\n\n\"\"\"\n\(text)\n\"\"\""), ("<doc>\n\(text)\n</doc>\n\n", ""), ("### Text\n\(text)\n\n### Task\n", ""),
        ("Use only this.\n\n\(text)\n\nQ: ", "\nA:"), ("Here it is:\n\(text)\nBased on it: ", ""), ("\(text) \(text) ", ""),
        ("```python\nfor i in x:\n    print(i)\n```\n", ""), ("", "\n```\nprint(1)\n```"), ("Email:\nDear Bob,\nsee you.\nAnn\n\nTask: ", ""),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\n", ""), ("12:01 ERROR disk full\n12:02 ERROR disk full\n\n", ""),
        ("Q: What is 2+2?\nA: 4\nQ: What is 3+3?\nA: 6\n\nQ: ", "\nA:"), ("Hi,\n\n\(text)\n\n", "\n\nThanks!"),
    ]

    @Test(arguments: forms.indices, ["What is the departure time?", "Translate it into Spanish.", "Who is it about?"])
    func theAskIsFoundInItsFrame(_ form: Int, _ ask: String) {
        let (before, after) = Self.forms[form]
        let message = before + ask + after
        let split = FramedAsk(message)
        #expect(split.ask == ask, "\(message.debugDescription)")
        #expect(split.frame.map { $0.before + split.ask + $0.after } == message[...])
    }

    @Test func onlyLineEndsBlanksAndUnicodeFormMayDiffer() {
        func framed(_ text: String) -> [UInt8]? { Self.canonical("Text: \(text)\n\nWho is it?") }
        let plain = framed("One\nTwo é\n\nThree")
        #expect(plain != nil)
        #expect(framed("One  \r\nTwo e\u{301}\t\n\r\nThree") == framed("One\nTwo é\n\nThree") || framed("One  \r\nTwo é\t\n\r\nThree") == plain)
        for other in [
            "One\nTwo é\nThree", "one\nTwo é\n\nThree", "One\n Two é\n\nThree", "One\nTwo  é\n\nThree", "One\nTwo e\n\nThree", "One Two é\n\nThree",
        ] {
            #expect(framed(other) != plain, "\(other.debugDescription)")
        }
    }

    @Test func beforeAndBehindAreTwoFrames() {
        let before = Self.canonical("\(Self.text)\n\nWho is it?")
        let behind = Self.canonical("Who is it?\n\n\(Self.text)")
        #expect(before != nil && behind != nil && before != behind)
    }

    /// Whatever is split, nothing of the message is lost between the ask and its frame.
    @Test func everythingIsAskOrFrame() {
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let pieces = [
            "\n", "\r\n", "\n\n", " ", "Q: ", "A:", "```", "---", "What is it?", "Hi", "é", "\u{301}", "日本", "Context: ", "a b c. ", "<x>", "\t", "🙂",
            ":",
        ]
        for _ in 0..<4000 {
            let message = (0..<next(24)).map { _ in pieces[next(pieces.count)] }.joined()
            let split = FramedAsk(message)
            if let frame = split.frame { #expect(frame.before + split.ask + frame.after == message[...]) } else { #expect(split.ask == message) }
        }
    }

    /// A frame of megabytes and a megabyte of marks are passed over, and no more than a line is held.
    @Test func longFramesTakeLinearTime() {
        let line = "2026-01-02 03:04:05 INFO served é in 12 ms\n"
        let long = String(repeating: line, count: 3 << 20 / line.utf8.count) + "\nWhich line is the slowest?"
        let marks = "a" + String(repeating: "\u{301}", count: 1 << 19) + "\n\nWhat is it?"
        for message in [long, marks] {
            let split = FramedAsk(message)
            #expect(split.frame != nil && split.ask.utf8.count < 40)
            var pieces = 0
            var largest = 0
            split.frame?.forEachCanonicalPiece(composed: { $0 }) {
                pieces += 1
                largest = max(largest, $0.count)
            }
            #expect(pieces > 1 && largest <= marks.utf8.count)
        }
    }

    @Test func sentencesFindTheirCounterparts() throws {
        let here = Sentences(try PromptTokens("Hi! I lost my card. How do I block it?"))
        let there = Sentences(try PromptTokens("How can I block it? My card is lost."))
        #expect(here.all == ["I lost my card. ", "How do I block it?"])
        let likeness = { (one: Int, other: Int) in one != other ? 1.0 : 0.0 }
        #expect(here.counterparts(in: there, likeness: likeness) == [1, 0])
        #expect(here.counterparts(in: Sentences(try PromptTokens("How do I block it?")), likeness: likeness) == nil)
    }

    @Test func sentencesThatAreEqualNeedNoVerdict() throws {
        func paired(_ asked: String, _ cached: String) throws -> [[String]]? {
            Sentences.paired(try PromptTokens(asked), try PromptTokens(cached))?.map { [$0.asked, $0.cached] }
        }
        let pairs = try paired("I lost my card. How do I block it?", "How can I freeze the card? I lost my card.")
        #expect(pairs == [["How do I block it?", "How can I freeze the card? "]])
        #expect(try paired("I lost my card. How do I block it?", "How do I block a lost card?") == nil)
        #expect(try paired("I lost my card. Block it.", "I lost my card. Block it.") == [])
    }
}
