import Synchronization

/// Names for requests: unique within a run, and hardly ever equal between runs.
enum RequestIDs {
    private static let prefix = String(UInt32.random(in: .min ... .max), radix: 36)
    private static let counter = Atomic<UInt64>(0)

    /// A new id such as `req_1k3v9x_2f`.
    static func make() -> String {
        "req_" + prefix + "_" + String(counter.add(1, ordering: .relaxed).newValue, radix: 36)
    }
}
