/// A moment in wall-clock time, in milliseconds since 1970-01-01 00:00 UTC.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }

    /// The moment `duration` later, saturating at the ends of time.
    package static func + (a: Self, duration: Duration) -> Self {
        let (sum, overflow) = a.milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        return Timestamp(milliseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// The time from `b` to `a`.
    package static func - (a: Self, b: Self) -> Duration {
        .milliseconds(a.milliseconds.subtractingReportingOverflow(b.milliseconds).partialValue)
    }
}

extension Duration {
    /// Whole milliseconds, rounded toward zero, saturating.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? (seconds < 0 ? .min : .max) : milliseconds &+ attoseconds / 1_000_000_000_000_000
    }

    /// Seconds as a floating-point number.
    package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }

    /// Milliseconds as a floating-point number.
    package var inMilliseconds: Double { inSeconds * 1000 }
}

/// Where the house reads the wall clock, so that tests can move it.
package protocol WallClock: Sendable {
    func now() -> Timestamp
}
