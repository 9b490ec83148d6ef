import Foundation
import TestSupport
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

    /// RFC 8785, appendix B: every finite double of the table, from 17 digits and from its shortest text.
    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"), (0x8000_0000_0000_0001, "-5e-324"),
            (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"), (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"), (0xC340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"), (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"), (0x44B5_2D02_C7E1_4AF6, "1e+23"),
            (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"), (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"),
            (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"), (0x444B_1AE4_D6E2_EF50, "1e+21"), (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"),
            (0x3EB0_C6F7_A0B5_ED8D, "0.000001"), (0x41B3_DE43_5555_5553, "333333333.3333332"), (0x41B3_DE43_5555_5554, "333333333.33333325"),
            (0x41B3_DE43_5555_5555, "333333333.3333333"), (0x41B3_DE43_5555_5556, "333333333.3333334"), (0x41B3_DE43_5555_5557, "333333333.33333343"),
            (0xBECB_F647_612F_3696, "-0.0000033333333333333333"), (0x4314_3FF3_C1CB_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func writesTheDoublesOfTheRFC(bits: UInt64, expected: String) throws {
        let double = Double(bitPattern: bits)
        #expect(try canonical("\(double)") == expected)
        #expect(try canonical(expected) == expected)
        // Integers are kept to their last digit, so only fractions are the double's whatever digits name it.
        if double.magnitude < 0x1p53 { #expect(try canonical(String(format: "%.17g", double)) == expected) }
    }

    /// Random doubles: the text reads back as the same double, and is a fixed point.
    @Test func textsReadBackAsTheSameDouble() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<4000 {
            let double = Double(bitPattern: random.next())
            guard double.isFinite else { continue }
            let text = try #require(try canonical("\(double)"))
            #expect(Double(text) == double)
            #expect(try canonical(text) == text)
            let upper = "\(double)".uppercased()
            #expect(try canonical(upper) == text)
        }
    }

    /// A lone surrogate has no UTF-8 form, so no canonical one either; a pair, however it is escaped, has.
    @Test(arguments: [#""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\ud800""#, #""\udc00\ud800""#, #"{"\uDEAD":1}"#])
    func refusesLoneSurrogates(source: String) {
        #expect(throws: JSONError.self) { try canonical(source) }
    }

    @Test func pairsOfSurrogatesAreTheirCharacter() throws {
        #expect(try canonical(#""\uD83D\ude00""#) == "\"😀\"")
        #expect(try canonical("\"😀\"") == "\"😀\"")
    }

    /// Texts are not normalised: two ways of writing an accent are two texts, as RFC 8785 says.
    @Test func textsAreNotNormalised() throws {
        // Compared by their bytes: Swift holds the two texts for equal.
        #expect(try CanonicalJSON.bytes(of: Array("\"e\u{301}\"".utf8)) != CanonicalJSON.bytes(of: Array("\"\u{E9}\"".utf8)))
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
