import Evaluation

/// What `reprise evaluate --eviction` prints: the cache's own eviction beside others, on made-up traces.
struct EvictionReport {
    /// Requests a trace.
    var requests = 200_000
    var seed: UInt64 = 1

    private static let keys = 20_000
    private static let traces: [(name: String, skew: Double, scans: Double)] = [
        ("Zipf 0.7", 0.7, 0), ("Zipf 0.9", 0.9, 0), ("Zipf 1.1", 1.1, 0), ("Zipf 0.9, 30 % scans", 0.9, 0.3), ("Zipf 0.9, 60 % scans", 0.9, 0.6),
    ]
    /// Room for this share of all that is asked for more than by a scan.
    private static let shares = [0.02, 0.1, 0.3]

    /// A row for each trace and size: for each policy what the hits saved of all cost, and how much more the cache's own saved than LRU.
    func table() -> TextTable {
        var table = TextTable(
            columns: [.init(title: "trace")]
                + (["room"] + EvictionTrial.Policy.allCases.map(\.rawValue) + ["over lru"]).map {
                    .init(title: $0, alignment: .right)
                })
        for trace in Self.traces {
            let requests = EvictionTrial.zipf(requests: requests, keys: Self.keys, skew: trace.skew, scans: trace.scans, seed: seed)
            let sizes = Dictionary(requests.filter { $0.key < Self.keys }.map { ($0.key, $0.bytes) }) { first, _ in first }
            let total = sizes.values.reduce(0, +)
            for share in Self.shares {
                let trial = EvictionTrial(requests, capacity: Int(Double(total) * share))
                let values = EvictionTrial.Policy.allCases.map { trial.run($0).hitValue }
                let (ours, lru) = (values[0], values[1])
                table.rows.append(
                    [trace.name, percent(share)] + values.map(percent) + [lru > 0 ? percent(ours / lru - 1) : "-"])
            }
        }
        return table
    }

    private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}
