package import SemanticCache
import Synchronization

/// A wall clock that stands still until a test moves it.
package final class ManualClock: WallClock {
    private let time: Mutex<Timestamp>

    /// Starts at `start`, by default some day in 2026.
    package init(_ start: Timestamp = Timestamp(milliseconds: 1_790_000_000_000)) { time = Mutex(start) }

    package func now() -> Timestamp { time.withLock { $0 } }

    /// Moves the clock forward.
    package func advance(by duration: Duration) { time.withLock { $0 = $0 + duration } }
}
