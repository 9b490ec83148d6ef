import Cache
import HTTPTypes
import Proxy
import SemanticCache
import Synchronization
import Telemetry
import Testing
import TestSupport
import WireFormats

/// An upstream that can be made to fail.
private final class Switch: Sendable {
    private let reply = Mutex<ScriptedUpstream.Reply?>(nil)

    func fail(with failure: ScriptedUpstream.Reply?) { reply.withLock { $0 = failure } }

    func answer(_ body: [UInt8]) -> ScriptedUpstream.Reply { reply.withLock { $0 } ?? ProxyBench.echo(body) }
}

struct StaleIfErrorTests {
    private let upstream = Switch()

    private func bench(_ change: (inout PipelineOptions) -> Void = { _ in }) -> ProxyBench {
        var options = PipelineOptions.shipped
        change(&options)
        return ProxyBench(options: options) { [upstream] _, body in upstream.answer(body) }
    }

    @Test(arguments: [
        ScriptedUpstream.Reply.failure(.unreachable("refused")), .failure(.timedOut(.firstByte, limit: .seconds(1))),
        .failure(.circuitOpen(retryAfter: .seconds(1))), .failure(.overloaded(retryAfter: .seconds(1))),
        .response(status: .init(code: 500), fields: [:], chunks: []),
        .response(status: .init(code: 429), fields: [:], chunks: []),
    ])
    func theOldAnswerStandsIn(failure: ScriptedUpstream.Reply) async {
        let bench = bench()
        let first = await bench.ask("one", fields: [.cacheTTL: "60"])
        bench.clock.advance(by: .seconds(80))
        _ = await bench.cache.sweep()
        upstream.fail(with: failure)
        let second = await bench.ask("one")
        #expect(second.status == 200)
        #expect(second.body == first.body)
        #expect(second.cacheStatus == "reprise; hit; ttl=-20; detail=stale")
        #expect(second.cache == "STALE")
        #expect(second.fields[.age] == "80")
        #expect(bench.metrics.snapshot.stale == 1)
        #expect(bench.metrics.snapshot.total == 2)
    }

    @Test(arguments: [
        ("stale-if-error=0", 80), ("max-age=10", 80), ("no-cache", 80), ("stale-if-error=10", 80), ("", 60 + 3600), ("only-if-cached", 80),
    ])
    func notWhereTheRequestOrTheTimeForbidsIt(control: String, seconds: Int) async {
        let bench = bench()
        _ = await bench.ask("one", fields: [.cacheTTL: "60"])
        bench.clock.advance(by: .seconds(seconds))
        upstream.fail(with: .failure(.unreachable("refused")))
        let second = await bench.ask("one", fields: control.isEmpty ? [:] : [.cacheControl: control])
        #expect(second.status >= 500)
        #expect(second.cache == "MISS")
        #expect(bench.metrics.snapshot.stale == 0)
    }

    @Test func aRequestMayInsistOnAFreshAnswerAndStillTakeAnOldOne() async {
        let bench = bench()
        let first = await bench.ask("one")
        upstream.fail(with: .failure(.unreachable("refused")))
        let second = await bench.ask("one", fields: [.cacheControl: "no-cache, stale-if-error=60"])
        #expect(second.body == first.body)
    }

    @Test func aRequestGetsNothingThatIsNotKeptAnyMore() async {
        let bench = bench { $0.staleIfError = .seconds(60) }
        _ = await bench.ask("one", fields: [.cacheTTL: "60"])
        bench.clock.advance(by: .seconds(130))
        upstream.fail(with: .failure(.unreachable("refused")))
        #expect(await bench.ask("one", fields: [.cacheControl: "stale-if-error=7200"]).status == 502)
    }

    @Test func theClientsOwnMistakesAreNotCoveredUp() async {
        let bench = bench()
        _ = await bench.ask("one", fields: [.cacheTTL: "60"])
        bench.clock.advance(by: .seconds(80))
        upstream.fail(with: .response(status: .unauthorized, fields: [:], chunks: []))
        #expect(await bench.ask("one").status == 401)
    }

    /// What was removed by hand never comes back, also when it had expired before.
    @Test func aFlushTakesTheStandInsToo() async throws {
        let bench = bench()
        _ = await bench.ask("one", fields: [.cacheTTL: "60", .cacheTags: "doc"])
        bench.clock.advance(by: .seconds(80))
        var selector = EntrySelector()
        selector.tag = "doc"
        _ = try await bench.administration.flush(selector, isDryRun: false)
        upstream.fail(with: .failure(.unreachable("refused")))
        #expect(await bench.ask("one").status == 502)
    }

    /// A dry run counts what a flush removes; each entry counts once among the evictions.
    @Test(arguments: [true, false])
    func aDryRunCountsTheStandInsToo(isAll: Bool) async throws {
        let bench = bench()
        _ = await bench.ask("one", fields: [.cacheTTL: "60", .cacheTags: "doc"])
        _ = await bench.ask("two", fields: [.cacheTags: "doc"])
        bench.clock.advance(by: .seconds(80))
        #expect(await bench.cache.sweep() == 1)
        var selector = EntrySelector()
        if isAll { selector.all = true } else { selector.tag = "doc" }
        #expect(try await bench.administration.flush(selector, isDryRun: true).matched == 2)
        #expect(try await bench.administration.flush(selector, isDryRun: false).removed == 2)
        #expect(bench.metrics.snapshot.expired == 1)
        #expect(bench.metrics.snapshot.flushed == 1)
    }

    @Test func otherTenantsGetNothing() async {
        let bench = bench()
        _ = await bench.ask("one", fields: [.cacheTTL: "60", .authorization: "Bearer a"])
        bench.clock.advance(by: .seconds(80))
        upstream.fail(with: .failure(.unreachable("refused")))
        #expect(await bench.ask("one", fields: [.authorization: "Bearer b"]).status == 502)
    }

    @Test func staleWhileRevalidateServesAtOnceAndFetches() async throws {
        let bench = bench { $0.staleWhileRevalidate = .seconds(30) }
        let first = await bench.ask("one", fields: [.cacheTTL: "60"])
        bench.clock.advance(by: .seconds(70))
        let second = await bench.ask("one")
        #expect(second.cache == "STALE")
        #expect(second.body == first.body)
        // The fresh answer came on its own.
        for _ in 0..<6000 where bench.cache.all.allSatisfy({ $0.isExpired(at: bench.clock.now()) }) { try await Task.sleep(for: .milliseconds(10)) }
        try await Task.sleep(for: .milliseconds(20))
        #expect(await bench.ask("one").cacheStatus == "reprise; hit; ttl=86400; detail=exact")
        #expect(bench.upstream.calls.count == 2)
        bench.clock.advance(by: .seconds(86_400 + 31))
        #expect(await bench.ask("one").cache == "MISS")
    }
}
