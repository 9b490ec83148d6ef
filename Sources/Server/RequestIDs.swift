import HTTPTypes
import Proxy
import SemanticCache
import Synchronization

/// Names for requests: the client's own, or one that is unique within a run and hardly ever equal between runs.
enum RequestIDs {
    private static let prefix = "req_" + String(UInt32.random(in: .min ... .max), radix: 36) + "_"
    private static let counter = Atomic<UInt64>(0)

    /// The client's `X-Request-Id` where it is fit for logs (1 to 128 visible ASCII characters), else a new id such as `req_1k3v9x_2f`.
    static func id(for fields: HTTPFields) -> String {
        if let given = fields.value(of: .xRequestID), (1...128).contains(given.utf8.count), given.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            return given
        }
        return prefix + String(counter.add(1, ordering: .relaxed).newValue, radix: 36)
    }
}
