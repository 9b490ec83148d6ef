package import SemanticCache

/// Keeps calls away from an upstream that fails every time. A pure machine; its owner brings the time.
///
///     closed --failures in a row reach the limit--> open --cool-down over--> trial
///     trial --success--> closed        trial --failure--> open
///
/// During a trial one call goes out and all others are still refused.
package struct CircuitBreaker: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum State: Equatable, Sendable {
        case closed(failures: Int)
        case open(until: Instant)
        /// One call is out to see whether the upstream is back; `until` is when it counts as lost and another may try.
        case trial(until: Instant)
    }

    /// What to do with a call.
    package enum Verdict: Equatable, Sendable {
        case pass
        /// Do not call for so long.
        case refuse(Duration)
    }

    package private(set) var state: State = .closed(failures: 0)
    private let limit: Int
    private let coolDown: Duration
    private let trialTime: Duration

    /// - Parameters:
    ///   - limit: the failures in a row that open the circuit; zero never does.
    ///   - coolDown: how long it stays open.
    ///   - trialTime: after which a trial without a result is given up.
    package init(limit: Int, coolDown: Duration, trialTime: Duration = .seconds(60)) {
        self.limit = limit
        self.coolDown = coolDown
        self.trialTime = trialTime
    }

    /// A call wants to go out.
    package mutating func admit(at now: Instant) -> Verdict {
        switch state {
        case .closed: return .pass
        case .open(let end), .trial(let end):
            guard now >= end else {
                // While a trial is out its result may come any moment.
                if case .trial = state { return .refuse(min(coolDown, .seconds(1))) }
                return .refuse(end - now)
            }
            state = .trial(until: now + trialTime)
            return .pass
        }
    }

    /// What calls meet at `now`. A circuit whose cool-down is over is half open also while no call has tried it yet.
    package func condition(at now: Instant) -> CircuitCondition {
        switch state {
        case .closed: .closed
        case .open(let end): now >= end ? .halfOpen : .open
        case .trial: .halfOpen
        }
    }

    /// A call succeeded. Also one that went out before the circuit opened closes it: the upstream answers.
    package mutating func succeed() { state = .closed(failures: 0) }

    /// A call failed. Returns whether this opened the circuit.
    package mutating func fail(at now: Instant) -> Bool {
        switch state {
        case .closed(let failures):
            guard limit > 0, failures + 1 >= limit else {
                state = .closed(failures: failures + 1)
                return false
            }
            state = .open(until: now + coolDown)
            return true
        case .trial:
            state = .open(until: now + coolDown)
            return true
        // A straggler from before: the cool-down is not stretched by it.
        case .open: return false
        }
    }

    /// A call ended without saying anything about the upstream's health. A trial is free for the next one.
    package mutating func abandon(at now: Instant) {
        if case .trial = state { state = .open(until: now) }
    }
}
