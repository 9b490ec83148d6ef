import Settings
import Testing

/// Durations and sizes as text.
struct UnitTextTests {
    @Test(arguments: [
        ("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("24h", 86_400_000), ("7d", 604_800_000), ("0s", 0), ("007s", 7000), ("90m", 5_400_000),
    ])
    func durations(text: String, milliseconds: Int) {
        #expect(Duration(unitText: text) == .milliseconds(milliseconds))
        #expect(Duration(unitText: Duration.milliseconds(milliseconds).unitText) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        "", "s", "30", "1.5h", "-1s", "+1s", "1 s", "1h30m", "1S", "1w", "99999999999999999999s", "9223372036854775807d", "40000d", "٣s",
    ])
    func notDurations(text: String) { #expect(Duration(unitText: text) == nil) }

    @Test func durationsAreWrittenAsOperatorsDo() {
        #expect(
            Duration.seconds(86_400).unitText == "24h" && Duration.seconds(172_800).unitText == "2d"
                && Duration.milliseconds(1500).unitText == "1500ms")
        #expect(Duration.seconds(75).unitText == "75s" && Duration.seconds(600).unitText == "10m" && Duration.zero.unitText == "0s")
    }

    @Test(arguments: [
        ("0", 0), ("1000", 1000), ("10B", 10), ("64KiB", 65_536), ("64MiB", 67_108_864), ("1GiB", 1_073_741_824), ("2TiB", 2_199_023_255_552),
        ("5MB", 5_000_000),
        ("1KB", 1000), ("1kB", 1000), ("3GB", 3_000_000_000),
    ])
    func sizes(text: String, bytes: Int) {
        #expect(ByteCount(unitText: text) == ByteCount(bytes))
        #expect(ByteCount(unitText: ByteCount(bytes).description) == ByteCount(bytes))
    }

    @Test(arguments: ["", "KiB", "1.5MiB", "-1", "1 KiB", "1kib", "1M", "1K", "9223372036854775807KiB", "99999999999999999999"])
    func notSizes(text: String) { #expect(ByteCount(unitText: text) == nil) }
}
