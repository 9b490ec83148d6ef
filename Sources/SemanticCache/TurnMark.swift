/// Names one request of a conversation by all that the model was told when it came: tenant, namespace, settings, and the messages up to the user's last.
///
/// Half of a SHA-256: 128 bits, big-endian in two words.
package struct TurnMark: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
