/// What a call to an upstream meets that may have failed too often. The names stand in statistics and metrics.
package enum CircuitCondition: String, CaseIterable, Sendable {
    /// Calls go out.
    case closed
    /// One call tries whether the upstream is back, or the next one will; all others are refused meanwhile.
    case halfOpen = "half_open"
    /// Calls are refused.
    case open
}
