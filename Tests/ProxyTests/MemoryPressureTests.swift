import Cache
import Logging
import Proxy
import SemanticCache
import Synchronization
import Telemetry
import Testing
import TestSupport

struct MemoryPressureTests {
    @Test(arguments: [
        (0, MemoryPressure.Level.none), (899, .none), (900, .shedsCacheWork), (999, .shedsCacheWork), (1000, .shedsRequests), (5000, .shedsRequests),
    ])
    func cacheWorkGoesBeforeRequests(used: Int, level: MemoryPressure.Level) {
        #expect(MemoryPressure.level(used: used, limit: 1000) == level)
    }

    @Test func underPressureNothingNewIsKeptAndHitsGoOn() async {
        let bench = ProxyBench()
        let first = await bench.ask("how do i reset my account password please")
        bench.pressure.set(.shedsCacheWork)
        #expect(await bench.ask("how do i reset my account password please").body == first.body)
        let other = await bench.ask("please how do i reset my account password")
        #expect(other.status == 200)
        #expect(other.reason == "memory-short" && other.cacheStatus == "reprise; fwd=miss")
        #expect(bench.cache.count == 1)
        #expect(bench.metrics.snapshot.notStored[.memoryShort] == 1)
        bench.pressure.set(.none)
        _ = await bench.ask("what is the capital of france")
        #expect(bench.cache.count == 2)
    }

    @Test func theWatchLetsGoOfWhatWasUsedLeast() async {
        let bench = ProxyBench(embedder: nil)
        for number in 0..<40 { _ = await bench.ask("question \(number)") }
        let used = Mutex(950)
        let watch = MemoryWatch(
            pressure: bench.pressure, limit: 1000, cache: bench.cache, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { used.withLock { $0 } }
        watch.look()
        #expect(bench.cache.count == 38)
        used.withLock { $0 = 100 }
        watch.look()
        #expect(bench.pressure.level == .none)
        #expect(bench.cache.count == 38)
    }
}
