@testable import Server
import Testing

struct ReadinessTests {
    /// A store that was set aside while the proxy ran is said after its successor has taken over: the fault in between ends within a moment.
    @Test func whatIsRememberedOutlivesAFault() {
        let readiness = Readiness()
        readiness.set("store", .ready)
        #expect(readiness.all["store"] == .ready)
        readiness.remember("store", "set aside as a")
        readiness.set("store", .degraded("entries are in memory only"))
        #expect(readiness.all["store"] == .degraded("entries are in memory only"))
        readiness.set("store", .ready)
        #expect(readiness.all["store"] == .degraded("set aside as a"))
        #expect(readiness.isReady)
    }
}
