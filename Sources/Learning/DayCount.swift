import SemanticCache

/// Counts what may be done so often in a day (UTC).
struct DayCount: Sendable {
    private static let dayMilliseconds: Int64 = 86_400_000

    private var day: Int64 = 0
    private var count = 0

    /// Takes one of today's; `false` where there is none left.
    mutating func take(at now: Timestamp, limit: Int) -> Bool {
        let today = now.milliseconds / Self.dayMilliseconds
        if today != day { (day, count) = (today, 0) }
        guard count < limit else { return false }
        count += 1
        return true
    }
}
