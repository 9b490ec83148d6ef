import Evaluation
import Testing

struct EvictionTrialTests {
    /// What hits save, against the least recently used going: at least five parts in a hundred more, popularity alone and with scans between.
    @Test(arguments: [(0.0, 0.9), (0.3, 0.9), (0.5, 0.8)], [0.05, 0.2])
    func savesMoreThanOthers(trace: (scans: Double, skew: Double), share: Double) {
        let requests = EvictionTrial.zipf(requests: 40_000, keys: 3000, skew: trace.skew, scans: trace.scans, seed: 7)
        var sizes: [UInt64: Int] = [:]
        for request in requests where request.key < 1 << 40 { sizes[request.key] = request.bytes }
        let trial = EvictionTrial(requests, capacity: Int(Double(sizes.values.reduce(0, +)) * share))
        let outcomes = Dictionary(uniqueKeysWithValues: EvictionTrial.Policy.allCases.map { ($0, trial.run($0).hitValue) })
        let (ours, lru, fifo) = (outcomes[.reprise] ?? 0, outcomes[.lru] ?? 1, outcomes[.fifo] ?? 1)
        #expect(ours >= 1.05 * lru, "\(ours) against \(lru)")
        #expect(ours >= 1.05 * fifo, "\(ours) against \(fifo)")
    }

    /// The plain policies do what their names say.
    @Test func plainPoliciesAreThemselves() {
        func trace(_ keys: String) -> [EvictionTrial.Request] { keys.utf8.map { .init(key: UInt64($0), bytes: 1, cost: 1) } }
        #expect(EvictionTrial(trace("abacab"), capacity: 2).run(.lru).hitRatio == 2.0 / 6)
        #expect(EvictionTrial(trace("abacab"), capacity: 2).run(.fifo).hitRatio == 1.0 / 6)
        #expect(EvictionTrial(trace("aaabca"), capacity: 2).run(.lfu).hitRatio == 3.0 / 6)
    }
}
