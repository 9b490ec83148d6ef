import HTTPTypes
package import SemanticCache

/// Whether a failed call is made again, and when: exponential back-off with jitter, under the upstream's own `Retry-After`. Pure.
package struct RetryPolicy: Sendable {
    /// How a call ended.
    package enum Outcome: Sendable {
        /// A head came. `retryAfter` is what the upstream asked to wait, `isForbidden` whether it asked for no further try.
        case status(Int, retryAfter: Duration?, isForbidden: Bool = false)
        case failure(UpstreamError)
    }

    /// How often a call is made again; zero never does.
    package var retries: Int
    /// The pause before the first repeat; each further one is twice as long.
    package var firstDelay: Duration
    /// The longest pause. An upstream that asks for a longer one gets its answer passed on instead.
    package var longestDelay: Duration

    package init(retries: Int, firstDelay: Duration, longestDelay: Duration) {
        self.retries = retries
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
    }

    /// How long to wait before the call is made again; `nil` when it is not.
    ///
    /// - Parameters:
    ///   - attempt: how many repeats were made already.
    ///   - random: in 0..<1; spreads the pauses over the upper half of their range, so that callers who failed together do not return together.
    package func delay(after outcome: Outcome, attempt: Int, random: Double) -> Duration? {
        guard attempt < retries, Self.isWorthRepeating(outcome) else { return nil }
        let doubled = firstDelay * (1 << min(attempt, 20))
        let backOff = min(doubled, longestDelay) * (0.5 + random / 2)
        guard case .status(_, let asked?, _) = outcome else { return backOff }
        // Jitter goes on top: whoever was told the same moment must not come at the same moment.
        return asked > longestDelay ? nil : asked + min(backOff, firstDelay) * random
    }

    /// Whether the same call may well succeed a moment later.
    private static func isWorthRepeating(_ outcome: Outcome) -> Bool {
        switch outcome {
        case .status(let code, _, let isForbidden): !isForbidden && isTransient(code)
        case .failure(let error):
            switch error {
            case .unreachable, .broken, .timedOut(.connecting, _): true
            // A model that has thought for so long would think again, and the rest is not about the upstream's health.
            case .timedOut, .tls, .requestBody, .cancelled, .closed, .overloaded, .circuitOpen: false
            }
        }
    }

    /// Statuses that say "not now": 408, 429 and the server errors, without those that mean "never" (501, 505).
    package static func isTransient(_ status: Int) -> Bool {
        status == 408 || status == 429 || (500...599).contains(status) && status != 501 && status != 505
    }
}

extension RetryPolicy.Outcome {
    /// What a response's head says.
    init(_ response: UpstreamResponse, now: Timestamp) {
        let isForbidden = response.fields[.shouldRetry]?.lowercased() == "false"
        self = .status(response.status.code, retryAfter: RetryAfter.read(response.fields, now: now), isForbidden: isForbidden)
    }
}

extension HTTPField.Name {
    // Valid tokens, so they can be made.
    fileprivate static let shouldRetry = Self("x-should-retry")!
}
