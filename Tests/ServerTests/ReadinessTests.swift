import HTTPTypes
@testable import Server
import Testing

struct ReadinessTests {
    @Test func aDegradedPartIsReadyAndSaysSo() async throws {
        let client = RouterClient()
        client.readiness.set("store", .starting)
        #expect(try await client.send(.get, "/readyz").status == 503)
        client.readiness.set("store", .ready)
        client.readiness.set("embedder", .degraded("model.onnx is missing"))
        let answer = try await client.send(.get, "/readyz")
        #expect(answer.status == 200)
        #expect((answer.json["parts"] as? [String: String])?["embedder"] == "degraded: model.onnx is missing")
    }

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
