import SemanticCache

/// Allows a number of requests a minute, saved up to one minute's worth. Pure; its owner brings the time.
struct TokenBucket: Sendable {
    private let perMinute: Double
    private var tokens: Double
    private var filledAt: Timestamp

    init(perMinute: Int, at now: Timestamp) {
        self.perMinute = Double(perMinute)
        tokens = Double(perMinute)
        filledAt = now
    }

    /// Takes a token; when there is none, how long until there is.
    mutating func take(at now: Timestamp) -> Duration? {
        tokens = min(perMinute, tokens + max(0, (now - filledAt).inSeconds) * perMinute / 60)
        filledAt = now
        guard tokens >= 1 else { return .seconds((1 - tokens) * 60 / perMinute) }
        tokens -= 1
        return nil
    }
}
