import Foundation
import Testing

@testable import reprise

/// The live screen, drawn from answers given by hand.
struct StatsScreenTests {
    private func statistics(total: Int, hits: Int, bypassed: Int = 0) throws -> Statistics {
        let json = """
            {"version": "0.1.0", "uptime_seconds": 61, "hit_ratio": 0.5, "entries": 4, "memory_bytes": 2048,
             "requests": {"total": \(total), "exact_hits": \(hits), "semantic_hits": 0, "misses": \(total - hits - bypassed), "bypassed": \(bypassed)},
             "saved": {"upstream_calls": \(hits), "usd": 0.25}, "latency_ms": {"exact_hit": {"p50": 0.2, "p95": 0.4, "p99": 0.9}}}
            """
        return try ScriptedUpstream { _, _ in (200, "") }.client.decode(Statistics.self, from: Array(json.utf8))
    }

    @Test func ratesAndRatiosAreThoseSinceTheFormerAnswer() throws {
        var screen = StatsScreen(server: "http://a:1")
        screen.add(try statistics(total: 100, hits: 10), at: 0)
        screen.add(try statistics(total: 120, hits: 25), at: 2)
        let lines = screen.lines(width: 100, height: 40)
        #expect(lines[0].hasPrefix("Reprise 0.1.0 at http://a:1, up 1m 1s"))
        #expect(lines[2].contains("120") && lines[2].contains("10.0/s"))
        #expect(lines[3].contains("50.0 %") && lines[3].contains("now 75.0 %"))
        #expect(lines.contains { $0.contains("25 calls") && $0.contains("$0.25") })
        #expect(lines.contains { $0.contains("exact hit") && $0.contains("0.9") })
    }

    @Test func requestsThatWereNotLookedUpAreNoMisses() throws {
        var screen = StatsScreen(server: "s")
        screen.add(try statistics(total: 0, hits: 0), at: 0)
        screen.add(try statistics(total: 10, hits: 5, bypassed: 5), at: 1)
        #expect(screen.lines(width: 100, height: 40)[3].contains("now 100.0 %"))
    }

    @Test func aProxyStartedAnewCountsFromNothing() throws {
        var screen = StatsScreen(server: "s")
        screen.add(try statistics(total: 1000, hits: 10), at: 0)
        screen.add(try statistics(total: 5, hits: 0), at: 1)
        #expect(!screen.lines(width: 100, height: 40).joined().contains("-99"))
    }

    @Test(arguments: [(20, 3), (40, 8), (80, 24), (200, 60)])
    func itFitsTheTerminal(width: Int, height: Int) throws {
        var screen = StatsScreen(server: "s")
        for step in 0..<200 { screen.add(try statistics(total: step * 10, hits: step * 4), at: Double(step)) }
        let lines = screen.lines(width: width, height: height, trouble: String(repeating: "no proxy ", count: 40))
        #expect(lines.count < height && lines.allSatisfy { $0.count <= width }, "\(lines)")
    }

    @Test func aSharedTierIsShownWhereThereIsOne() throws {
        func lines(_ shared: String) throws -> (screen: [String], table: [String]) {
            let json = """
                {"version": "0.1.0", "uptime_seconds": 61, "entries": 4,
                 "requests": {"total": 1, "exact_hits": 0, "semantic_hits": 0, "misses": 1, "bypassed": 0}\(shared)}
                """
            let statistics = try ScriptedUpstream { _, _ in (200, "") }.client.decode(Statistics.self, from: Array(json.utf8))
            var screen = StatsScreen(server: "s")
            screen.add(statistics, at: 0)
            return (screen.lines(width: 120, height: 40, style: .init(bad: { "bad: \($0)" })), statistics.lines())
        }
        let works = try lines(
            #", "shared": {"kind": "redis", "state": "works", "exact_hits": 3, "semantic_hits": 2, "misses": 4, "late": 1, "errors": 0, "waiting": 9}"#
        )
        #expect(works.screen.contains { $0.hasPrefix("shared    redis, works   hits 5   misses 4   late 1") })
        #expect(works.table.contains("Shared tier") && works.table.contains { $0.contains("waiting") && $0.hasSuffix("9") })
        let down = try lines(#", "shared": {"kind": "redis", "state": "down", "reason": "cannot be reached: refused"}"#)
        #expect(down.screen.contains { $0.hasPrefix("bad: shared    redis, down: cannot be reached: refused") })
        #expect(try !lines("").table.contains("Shared tier"))
    }

    @Test func troubleIsSaid() throws {
        var screen = StatsScreen(server: "s")
        #expect(screen.lines(width: 80, height: 24) == ["waiting for s"])
        screen.add(try statistics(total: 1, hits: 0), at: 0)
        #expect(screen.lines(width: 80, height: 24, trouble: "no proxy answers")[1] == "no proxy answers")
    }
}
