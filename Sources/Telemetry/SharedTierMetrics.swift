import Synchronization

/// What one look-up at the shared tier came to.
package enum SharedLookUpResult: CaseIterable, Sendable {
    case exactHit, semanticHit, miss
    /// Not told in time.
    case late
    case error
    /// Not asked, because the engine is away.
    case down
}

/// What a proxy counts of the shared tier.
package final class SharedTierMetrics: Sendable {
    /// How the engine does.
    package enum State: Equatable, Sendable {
        case works
        /// It passes by itself.
        case down(reason: String)
        /// Somebody must do something about it.
        case refused(reason: String)
    }

    /// The numbers of one moment.
    package struct Snapshot: Sendable {
        package var results: [SharedLookUpResult: Int] = [:]
        package var waiting = 0
        package var dropped = 0
        package var state = State.down(reason: "not asked yet")
    }

    private let numbers = Mutex(Snapshot())

    package init() {}

    package func record(_ result: SharedLookUpResult, took: Duration) {
        numbers.withLock { $0.results[result, default: 0] += 1 }
    }

    /// Entries that the engine has not taken yet.
    package func setWaiting(_ count: Int) { numbers.withLock { $0.waiting = count } }

    /// Entries that it will never take.
    package func recordDropped(_ count: Int) { numbers.withLock { $0.dropped += count } }

    package func setState(_ state: State) { numbers.withLock { $0.state = state } }

    package func snapshot() -> Snapshot { numbers.withLock { $0 } }
}
