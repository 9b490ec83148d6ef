import Synchronization

/// What one look-up at the shared tier came to.
package enum SharedLookUpResult: CaseIterable, Sendable {
    case exactHit
    case semanticHit
    case miss
    /// Not told in time.
    case late
    case error
    /// Not asked, because the engine is away.
    case down
}

/// What a proxy counts of the shared tier. All calls are safe from any thread and take constant time.
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
        package var state = State.down(reason: "not reached yet")
    }

    private struct Condition {
        var state = Snapshot().state
        var waiting = 0
    }

    /// The engine, by the word of `shared.kind`.
    package let kind: String
    /// How long the look-ups took that were made, whatever they came to.
    package let latency = LatencyHistogram()
    private let results = AtomicCounters(SharedLookUpResult.allCases.count)
    private let dropped = AtomicCounters(1)
    private let condition = Mutex(Condition())
    private let onChange: @Sendable (State) -> Void

    /// - Parameter onChange: told of each state that differs from the one before.
    package init(kind: String = "memory", onChange: @escaping @Sendable (State) -> Void = { _ in }) {
        self.kind = kind
        self.onChange = onChange
    }

    package func record(_ result: SharedLookUpResult, took: Duration) {
        results.add(at: Self.place(result))
        if result != .down { latency.record(took) }
    }

    /// Entries that the engine has not taken yet.
    package func setWaiting(_ count: Int) { condition.withLock { $0.waiting = count } }

    /// Entries that it will never take.
    package func recordDropped(_ count: Int) { dropped.add(count, at: 0) }

    package func setState(_ state: State) {
        let isNew = condition.withLock { condition in
            defer { condition.state = state }
            return condition.state != state
        }
        if isNew { onChange(state) }
    }

    package func snapshot() -> Snapshot {
        let condition = condition.withLock { $0 }
        return Snapshot(
            results: Dictionary(uniqueKeysWithValues: SharedLookUpResult.allCases.map { ($0, results[Self.place($0)]) }),
            waiting: condition.waiting, dropped: dropped[0], state: condition.state)
    }

    private static func place(_ result: SharedLookUpResult) -> Int {
        switch result {
        case .exactHit: 0
        case .semanticHit: 1
        case .miss: 2
        case .late: 3
        case .error: 4
        case .down: 5
        }
    }
}

extension SharedLookUpResult {
    /// As a label's value.
    var name: String {
        switch self {
        case .exactHit: "exact_hit"
        case .semanticHit: "semantic_hit"
        case .miss: "miss"
        case .late: "late"
        case .error: "error"
        case .down: "down"
        }
    }
}

extension SharedTierMetrics.State {
    /// Why the tier is not asked; `nil` while it works.
    package var reason: String? {
        switch self {
        case .works: nil
        case .down(let reason), .refused(let reason): reason
        }
    }
}

extension SharedTierMetrics {
    /// Writes what is counted here.
    func write(to out: inout Exposition) {
        let numbers = snapshot()
        out.family("reprise_shared_up", .gauge, "Whether the shared tier's engine is asked.")
        out.sample(numbers.state == .works ? 1 : 0, ["kind": kind])
        out.family(
            "reprise_shared_lookups_total", .counter, "Look-ups at the shared tier by what they came to; down: not asked, as the engine is away.")
        for result in SharedLookUpResult.allCases { out.sample(numbers.results[result] ?? 0, ["result": result.name]) }
        out.family("reprise_shared_lookup_duration_seconds", .histogram, "Time of a look-up at the shared tier.")
        out.histogram(latency)
        out.single("reprise_shared_waiting_entries", .gauge, "Entries that the shared tier's engine has not taken yet.", numbers.waiting)
        out.single("reprise_shared_dropped_entries_total", .counter, "Entries that the shared tier's engine will never take.", numbers.dropped)
    }
}
