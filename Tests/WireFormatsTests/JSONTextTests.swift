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
}
