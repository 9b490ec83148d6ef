/// Keeps calls away from an engine that fails or does not answer. A pure machine; its owner brings time and chance.
///
///     closed --three failures in a row, or ten timeouts within ten seconds--> open
///     open --its time is over--> half open: one may try     half open --success--> closed     half open --failure--> open, for twice as long
struct EngineBreaker: Sendable {
    typealias Instant = ContinuousClock.Instant

    enum State: Equatable, Sendable {
        case closed
        case open(until: Instant)
    }

    private static let failureLimit = 3
    private static let timeoutLimit = 10
    private static let window = Duration.seconds(10)
    private static let firstDelay = Duration.milliseconds(500)
    private static let longestDelay = Duration.seconds(30)

    private(set) var state = State.closed
    private var failures = 0
    private var timeouts: [Instant] = []
    private var delay = Self.firstDelay

    var isClosed: Bool { state == .closed }

    /// Whether an open one may be tried.
    func mayTry(at now: Instant) -> Bool {
        switch state {
        case .closed: true
        case .open(let end): now >= end
        }
    }

    /// A call was answered. A refusal is an answer as well.
    mutating func succeed() {
        guard isClosed else { return }
        failures = 0
    }

    /// The engine was tried from the beginning, and all is well.
    mutating func close() {
        self = EngineBreaker()
    }

    /// A call failed. Returns whether this opened it.
    ///
    /// - Parameter chance: a number in 0..<1: the engine's proxies should not all come back at once.
    mutating func fail(at now: Instant, chance: Double) -> Bool {
        guard isClosed else { return false }
        failures += 1
        guard failures >= Self.failureLimit else { return false }
        open(at: now, chance: chance)
        return true
    }

    /// A call was not answered in time. Returns whether this opened it.
    mutating func timeOut(at now: Instant, chance: Double) -> Bool {
        guard isClosed else { return false }
        timeouts.removeAll { now - $0 > Self.window }
        timeouts.append(now)
        guard timeouts.count >= Self.timeoutLimit else { return false }
        open(at: now, chance: chance)
        return true
    }

    /// A trial failed, or there is no use in trying: opens it, or leaves it open for longer.
    ///
    /// - Parameter isLasting: whether somebody must do something about it first.
    mutating func open(at now: Instant, chance: Double, isLasting: Bool = false) {
        if isLasting { delay = Self.longestDelay }
        state = .open(until: now + delay * (0.75 + chance / 2))
        delay = min(delay * 2, Self.longestDelay)
        failures = 0
        timeouts = []
    }
}
