import SemanticCache
import Testing

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("24h", .seconds(86_400)), ("7d", .seconds(604_800)),
        ("0s", .zero), ("007s", .seconds(7)),
    ])
    func reads(text: String, expected: Duration) throws {
        #expect(try Duration.parse(text) == expected)
    }

    @Test(arguments: ["", "s", "30", "-1s", "+1s", "1.5h", "1h30m", " 1s", "1 s", "1S", "1w", "１s", "1s\n"])
    func refuses(text: String) {
        #expect(throws: DurationTextError.malformed(text)) { try Duration.parse(text) }
    }

    @Test(arguments: ["99999999999999999999s", "9223372036854775807d"])
    func refusesWhatOverflows(text: String) {
        #expect(throws: DurationTextError.tooLarge(text)) { try Duration.parse(text) }
    }

    @Test(arguments: ["250ms", "30s", "5m", "36h", "7d", "0s", "1500ms"])
    func writesWhatItReads(text: String) throws {
        #expect(try Duration.parse(text).text == text)
    }
}
