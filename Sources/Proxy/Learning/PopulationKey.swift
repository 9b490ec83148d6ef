import SemanticCache

/// Names one kind of traffic: the tenant, the endpoint, the namespace, the model and the instructions (system prompt), not one history.
struct PopulationKey: Hashable, Sendable, CustomStringConvertible {
    /// FNV-1a over all parts, each with its length, in two different starts: 128 bits, so that no two kinds meet by chance.
    let high: UInt64
    let low: UInt64

    init(tenant: TenantID, endpoint: Endpoint, namespace: String, model: String, instructions: UInt64) {
        let parts: [[UInt8]] = [
            tenant.digest.bytes, Array(endpoint.rawValue.utf8), Array(namespace.utf8), Array(model.utf8),
            (0..<8).map { UInt8(truncatingIfNeeded: instructions >> UInt64(8 * $0)) },
        ]
        func hash(_ start: UInt64) -> UInt64 {
            parts.reduce(start) { hash, part in
                part.reduce((hash ^ UInt64(part.count)) &* 0x100_0000_01b3) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            }
        }
        high = hash(0xcbf2_9ce4_8422_2325)
        low = hash(0x6c62_272e_07bb_0142)
    }

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads what ``description`` wrote.
    init?(_ text: some StringProtocol) {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16) else { return nil }
        self.init(high: high, low: low)
    }

    /// 32 hexadecimal digits.
    var description: String {
        [high, low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}
