package import Matching
package import SemanticCache

/// Names one kind of traffic: the tenant, the endpoint, the namespace, the model and the instructions (system prompt), not one history; and the class of
/// text where that is one of its own.
package struct PopulationKey: Hashable, Sendable, CustomStringConvertible {
    /// FNV-1a over all parts, each with its length, in two different starts: 128 bits, so that no two kinds meet by chance.
    let high: UInt64
    let low: UInt64

    package init(tenant: TenantID, endpoint: Endpoint, namespace: String, model: String, instructions: UInt64, text: TextClass? = nil) {
        // Every exact hit asks for it, so the parts are read where they are.
        var (high, low): (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x6c62_272e_07bb_0142)
        func mix(_ value: UInt64) {
            high = (high ^ value) &* 0x100_0000_01b3
            low = (low ^ value) &* 0x100_0000_01b3
        }
        func take(_ part: some Collection<UInt8>) {
            mix(UInt64(part.count))
            for byte in part { mix(UInt64(byte)) }
        }
        take(tenant.digest.bytes)
        take(endpoint.rawValue.utf8)
        take(namespace.utf8)
        take(model.utf8)
        mix(8)
        for place in 0..<8 { mix(instructions >> UInt64(8 * place) & 0xFF) }
        if let text { take(text.description.utf8) }
        self.high = high
        self.low = low
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
    package var description: String { Digest256.hex(high) + Digest256.hex(low) }
}
