import Testing

@testable import WireFormats

@Suite struct JSONDocumentTests {
    @Test func readsEveryKind() throws {
        let document = try JSONDocument(Array(#" {"a":[1,-2.5e3,true,false,null,"x\n\u00e9\ud83d\ude00"],"b":{},"é":"é"} "#.utf8))
        let elements = try Array(#require(document.root["a"]).elements)
        #expect(elements.map(\.kind) == [.number, .number, .true, .false, .null, .string])
        #expect(elements[0].int == 1)
        #expect(Array(elements[1].source) == Array("-2.5e3".utf8))
        #expect(elements[5].string == "x\né😀")
        #expect(document.root["é"]?.string == "é")
        #expect(document.root["b"]?.count == 0)
        #expect(document.root.members.map { $0.name.string } == ["a", "b", "é"])
        #expect(document.root["c"] == nil)
    }

    @Test(arguments: [
        ("", 0, "a value"), ("{", 1, "a member's name or '}'"), ("[1,]", 3, "a value"), ("{\"a\":1,}", 7, "a member's name"),
        ("[1 2]", 3, "',' or ']'"),
        ("01", 1, "the end after the value"), ("1.", 2, "a digit"), ("-", 1, "a digit"), ("1e", 2, "a digit"), ("+1", 0, "a value"),
        (".5", 0, "a value"),
        ("tru", 3, "'true'"), ("nul", 3, "'null'"), ("NaN", 0, "a value"), ("'a'", 0, "a value"), ("{a:1}", 1, "a member's name or '}'"),
        ("{\"a\" 1}", 5, "':'"), ("\"a", 2, "'\"' at the end of the string that began at byte 0"), ("\"\\x\"", 2, "one of \"\\/bfnrtu after '\\'"),
        ("\"\\u12g4\"", 5, "four hexadecimal digits"), ("\"\\ud800\"", 1, "a low surrogate after the high one"),
        ("\"\\ud800\\u0041\"", 1, "a low surrogate after the high one"), ("\"\\udc00\"", 1, "no lone low surrogate"),
        ("\"a\nb\"", 2, "no control characters within a string"), ("{} x", 3, "the end after the value"), ("\u{FEFF}{}", 0, "a value"),
        ("// c\n1", 0, "a value"),
    ])
    func refuses(text: String, offset: Int, expected: String) {
        do {
            _ = try JSONDocument(Array(text.utf8))
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.offset == offset)
            #expect(error.expected == expected)
        }
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80],
            [0xE2, 0x82], [0xC3, 0x28], [0xFF],
        ] as [[UInt8]])
    func refusesWhatIsNotUTF8(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONDocument([0x22] + bytes + [0x22]) }
        #expect(throws: JSONError.self) { try JSONDocument([0x22, 0x5C, 0x6E] + bytes + [0x22]) }
        #expect(throws: JSONError.self) { try JSONDocument([0x22] + bytes) }
    }

    @Test func namesTheLine() {
        do {
            _ = try JSONDocument(Array("{\n\"a\": 1,\n\"b\": ]\n}".utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.line == 3)
            #expect("\(error)" == "expected a value, got ']' at line 3, byte 15")
        }
    }

    @Test func boundsNesting() throws {
        let deepest = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        _ = try JSONDocument(Array(deepest.utf8))
        #expect(throws: JSONError.self) { try JSONDocument(Array("[\(deepest)]".utf8)) }
        #expect(throws: JSONError.self) { try JSONDocument([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)) }
    }
}
