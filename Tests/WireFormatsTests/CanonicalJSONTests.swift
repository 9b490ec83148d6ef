import Testing

@testable import WireFormats

@Suite struct CanonicalJSONTests {
    private func canonical(_ text: String) throws -> String? {
        try CanonicalJSON.bytes(of: Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// RFC 8785, section 3.2.2, and appendix B where a double's text is given.
    @Test(arguments: [
        ("333333333.33333329", "333333333.3333333"), ("1E30", "1e+30"), ("4.50", "4.5"), ("2e-3", "0.002"),
        ("0.000000000000000000000000001", "1e-27"),
        ("0", "0"), ("-0", "0"), ("-0.0", "0"), ("5e-324", "5e-324"), ("-5e-324", "-5e-324"), ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("9007199254740992", "9007199254740992"), ("-9007199254740992", "-9007199254740992"), ("1e21", "1e+21"), ("1e20", "100000000000000000000"),
        ("9.999999999999997e22", "9.999999999999997e+22"), ("1e23", "1e+23"), ("0.000001", "0.000001"), ("0.0000001", "1e-7"), ("1e-6", "0.000001"),
        ("333333333.33333325", "333333333.33333325"), ("-0.0000033333333333333333", "-0.0000033333333333333333"),
        ("1424953923781206.2", "1424953923781206.2"), ("0.1", "0.1"), ("1.0", "1"), ("10", "10"), ("1e2", "100"), ("100e-2", "1"), ("0.70", "0.7"),
        ("0.30000000000000004", "0.30000000000000004"), ("0.1000000000000000055511151231257827", "0.1"), ("123456789012345.6", "123456789012345.6"),
    ])
    func writesNumbersAsECMAScript(source: String, expected: String) throws {
        #expect(try canonical(source) == expected)
    }

    /// Beyond what a double holds the digits are kept: servers with big integers read these apart.
    @Test(arguments: [
        ("9007199254740993", "9007199254740993"), ("123456789012345678901", "123456789012345678901"),
        ("1234567890123456789012345", "1.234567890123456789012345e+24"), ("1e400", "1e+400"), ("1e-400", "1e-400"), ("-12e999", "-1.2e+1000"),
    ])
    func keepsWhatADoubleLoses(source: String, expected: String) throws {
        #expect(try canonical(source) == expected)
    }

    /// RFC 8785, section 3.2.3.
    @Test func sortsByUTF16() throws {
        let source = #"""
            {"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face",
             "\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}
            """#
        let values = try #require(try canonical(source))
        let order = ["Carriage Return", "One", "Control", "Latin Small", "Euro Sign", "Emoji", "Hebrew"]
        let places = order.compactMap { values.firstRange(of: $0)?.lowerBound }
        #expect(places.count == order.count)
        #expect(places == places.sorted())
    }

    /// RFC 8785, section 3.2.2.2 and the example of 3.2.4.
    @Test func writesTheExampleOfTheRFC() throws {
        let source = #"""
            {"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
             "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}
            """#
        let expected =
            #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        #expect(try canonical(source) == expected)
    }

    @Test func sortsPrefixesFirstAndEscapedNamesByWhatTheyMean() throws {
        #expect(try canonical(#"{"ab":1,"a":2,"":3,"\u0061a":4}"#) == #"{"":3,"a":2,"aa":4,"ab":1}"#)
    }

    @Test(arguments: [#"{"a":1,"a":1}"#, #"{"a":1,"\u0061":2}"#, #"[{"b":{"x":1,"y":2,"x":3}}]"#])
    func reportsRepeatedNames(source: String) throws {
        #expect(try canonical(source) == nil)
    }

    @Test func marksWhereAStringStands() throws {
        let document = try JSONDocument(Array(#"{"z":"é","a":"\u0062"}"#.utf8))
        var canonical = CanonicalJSON()
        let marked = ["z", "a"].map { name in document.root.members.first { $0.name.string == name }!.value.index }
        canonical.append(document.root, marking: marked)
        #expect(canonical.markedRanges.map { String(decoding: canonical.output[$0], as: UTF8.self) } == [#""b""#, #""é""#])
    }
}
