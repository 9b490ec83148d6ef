/// What an operator decides about a shared tier.
package struct SharedOptions: Sendable {
    /// The engine's kind, for people: `redis`, `postgres`.
    package var kind: String
    /// How long a request waits for the tier, a look-up by key and one by meaning each.
    package var lookupTimeout: Duration
    /// How long a call may take that no request waits for.
    package var callTimeout = Duration.seconds(5)
    /// The most bytes that additions may hold while the engine has not taken them; those beyond it are brought over from the store later.
    package var waitingBytes = 64 << 20

    package init(kind: String, lookupTimeout: Duration) {
        self.kind = kind
        self.lookupTimeout = lookupTimeout
    }
}
