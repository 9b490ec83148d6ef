import Foundation
import SemanticCache
import Settings
import Testing

@testable import reprise

/// What people see.
struct PrintTests {
    @Test func tablesAreAlignedAndCut() {
        var table = TextTable(columns: [.init(title: "ID"), .init(title: "HITS", alignment: .right), .init(title: "QUESTION")])
        table.rows = [["a1", "5", "short"], ["b", "12345", String(repeating: "x", count: 100)]]
        let lines = table.lines(width: 30)
        #expect(lines[0] == "ID   HITS  QUESTION")
        #expect(lines[1] == "a1      5  short")
        #expect(lines[2] == "b   12345  xxxxxxxxxxxxxxxxxx…" && lines[2].count == 30)
    }

    @Test func controlCharactersNeverReachATerminal() {
        #expect(printable("a\u{1B}[31mb\nc\u{9B}d\u{202E}e\u{2028}f é 日本 👩\u{200D}💻") == "a [31mb c d e f é 日本 👩\u{200D}💻")
    }

    @Test func timesAndSizes() {
        #expect(spokenTime(812.4) == "13m 32s" && spokenTime(4.14) == "4.1s" && spokenTime(90_000) == "1d 1h" && spokenTime(-20) == "-20s")
        #expect(spokenTime(.infinity) == "-" && spokenTime(3600) == "1h 0m")
        #expect(spokenSize(512) == "512 B" && spokenSize(40_960) == "40.0 KiB" && spokenSize(3 << 30) == "3.0 GiB")
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_790_000_000_123, "2026-09-21T14:13:20.123Z"), (951_782_400_007, "2000-02-29T00:00:00.007Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (253_402_300_800_000, "10000-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func momentsOfLogLines(milliseconds: Int64, text: String) {
        var line: [UInt8] = []
        LineText.append(time: Timestamp(milliseconds: milliseconds), to: &line)
        #expect(String(decoding: line, as: UTF8.self) == text)
        line = []
        LineText.append(milliseconds: .microseconds(1_234_005), to: &line)
        LineText.append(milliseconds: .microseconds(7), to: &line)
        #expect(String(decoding: line, as: UTF8.self) == "1234.0050.007")
    }

    @Test(arguments: [
        (0.0, "0.00"), (0.25, "0.25"), (0.0021, "0.0021"), (0.000_052_5, "0.000053"), (0.000_000_1, "0.00"), (-0.000_000_1, "0.00"), (-0.5, "-0.50"),
        (12.345_678, "12.3457"), (1234.0, "1234.00"), (0.999_999, "1.00"), (Double.infinity, "-"),
    ])
    func dollars(amount: Double, text: String) { #expect(spokenDollars(amount) == text) }

    @Test func progress() {
        let line = ProgressLine(records: 1200, start: 0, bytes: 450, total: 1000, elapsed: 4)
        #expect(line.bar(width: 80) == "[#################----------------------]  45 %  1200 records  300/s  4.9s left")
        #expect(line.plain == "45 %, 1200 records, 300/s, 4.9s left")
        for width in 1...120 { #expect(line.bar(width: width).count < max(width, 2) + 1, "\(width)") }
        let unknown = ProgressLine(records: 5, start: 0, bytes: 450, total: nil, elapsed: 2)
        #expect(unknown.plain == "5 records, 2.5/s" && unknown.bar(width: 80) == "5 records  2.5/s")
        #expect(ProgressLine(records: 0, start: 0, bytes: 0, total: 0, elapsed: 0).plain == "100 %, 0 records, 0.0/s")
    }

    @Test func statistics() throws {
        let json = """
            {"version": "0.1.0", "uptime_seconds": 812.4,
             "requests": {"total": 10, "exact_hits": 3, "semantic_hits": 2, "misses": 4, "bypassed": 1, "coalesced": 0, "stale": 0, "upstream_errors": 0},
             "hit_ratio": 0.5555, "entries": 4, "memory_bytes": 18230, "disk_bytes": 40960,
             "saved": {"upstream_calls": 5, "usd": 0.0021, "seconds": 4.1},
             "latency_ms": {"exact_hit": {"p50": 0.2, "p95": 0.4, "p99": 0.9}, "semantic_hit": {}},
             "models": {"gpt_4o-mini": {"requests": 10, "hits": 5, "saved_usd": 0.0021}}}
            """
        let client = ScriptedUpstream { _, _ in (200, "") }.client
        let lines = try client.decode(Statistics.self, from: Array(json.utf8)).lines()
        #expect(lines.first == "Reprise 0.1.0, up 13m 32s")
        #expect(lines.contains("  semantic hits         2") && lines.contains("  hit ratio             55.55 %"))
        #expect(lines.contains { $0.hasPrefix("  exact hit") && $0.hasSuffix("0.2  0.4  0.9") })
        #expect(!lines.contains { $0.hasPrefix("  semantic hit ") })
        #expect(lines.contains { $0.hasPrefix("  gpt_4o-mini") && $0.hasSuffix("0.0021") })
        #expect(!lines.contains { $0.hasPrefix("  own costs") || $0.hasPrefix("Tenants") || $0.hasPrefix("Namespaces") })
    }

    @Test func statisticsSayWhoSavedAndWhatTheCacheSpent() throws {
        let json = """
            {"version": "0.1.0", "uptime_seconds": 1, "requests": {"total": 4, "exact_hits": 2, "semantic_hits": 0, "misses": 2, "bypassed": 0},
             "entries": 2, "saved": {"upstream_calls": 2, "usd": 0.5, "gross_usd": 0.75}, "costs": {"judge_usd": 0.2, "exploration_usd": 0.05},
             "tenants": {"aa": {"requests": 1, "hits": 0, "saved_usd": -0.2}, "bb": {"requests": 3, "hits": 2, "saved_usd": 0.7}},
             "namespaces": {"team_a": {"requests": 4, "hits": 2, "saved_usd": 0.5}}}
            """
        let lines = try ScriptedUpstream { _, _ in (200, "") }.client.decode(Statistics.self, from: Array(json.utf8)).lines()
        #expect(lines.contains("  own costs             0.20 judge, 0.05 exploration, taken off 0.75"))
        #expect(lines.contains { $0.hasPrefix("  team_a") && $0.hasSuffix("0.50") })
        let tenants = lines.filter { $0.hasPrefix("  aa") || $0.hasPrefix("  bb") }
        #expect(tenants.count == 2 && tenants.first?.hasPrefix("  bb") == true && tenants.last?.hasSuffix("-0.20") == true)
    }

    @Test func checkPrintsTheNamesOfSecretsOnly() throws {
        let text = "upstream: {api_key_env: KEY, headers_env: {api-key: KEY}}\nadmin: {token_env: KEY}\ntenancy: {key_env: KEY}"
        let loaded = try Settings.load(text: text, file: "config.yaml", environment: { $0 == "KEY" ? "hush" : nil })
        let report = CheckCommand.report(on: loaded)
        #expect(!report.contains("hush") && report.contains("# admin.token_env: KEY is set, [redacted]"))
        #expect(try Settings.load(text: report, file: nil, environment: { $0 == "KEY" ? "hush" : nil }).settings == loaded.settings)
    }
}
