import TestSupport
import Testing
import WireFormats

struct JSONTextTests {
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"b"}"#), (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"), (#"\u00fc\u60A3"#, "ü患"), (#"\ud83d\ude80!"#, "🚀!"),
        (#"\ud83d!"#, "\u{FFFD}!"), (#"\ud83d\u0041"#, "\u{FFFD}A"), (#"\\u0041"#, #"\u0041"#), (#"\u00"#, #"\u00"#), (#"\u+123"#, #"\u+123"#),
        (#"\"#, #"\"#),
        ("", ""),
    ])
    func escapesAreUndone(json: String, text: String) {
        #expect(String(decoding: JSONText.unescaped(Array(json.utf8)), as: UTF8.self) == text)
    }

    /// What is searched for patterns that forbid storing is what the strict reader stores.
    @Test(arguments: UInt64(1)...20) func whatTheReaderTakesReadsTheSame(seed: UInt64) throws {
        let pieces = [
            #"\u00fC"#, #"\uD83D\uDe80"#, #"\ud7ff"#, #"\uE000"#, #"\u0000"#, #"\u005c"#, #"\u0022"#, #"\\"#, #"\""#, #"\/"#, #"\b"#, #"\f"#, #"\n"#,
            #"\r"#, #"\t"#, "u0041", "x", "ü", "🚀",
        ]
        var random = SeededGenerator(seed: seed)
        let json = "\"" + (0..<60).map { _ in pieces.randomElement(using: &random) ?? "" }.joined() + "\""
        let text = try #require(try JSONDocument(Array(json.utf8)).root.string)
        #expect(JSONText.unescaped(Array(json.utf8)) == Array(("\"" + text + "\"").utf8))
    }
}
