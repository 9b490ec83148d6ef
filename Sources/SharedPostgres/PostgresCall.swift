import Synchronization

/// Statements that are sent together, carried out as one transaction, and answered at once.
final class PostgresCall: Sendable {
    typealias Outcome = Result<[ResultRows], PostgresFault>

    private enum State {
        case pending
        case awaited(CheckedContinuation<Outcome, Never>)
        case finished(Outcome)
        case taken
    }

    let statements: [Statement]
    let deadline: ContinuousClock.Instant
    private let state = Mutex(State.pending)

    init(_ statements: [Statement], until deadline: ContinuousClock.Instant) {
        self.statements = statements
        self.deadline = deadline
    }

    /// Waits for ``finish(_:)``. To be called once. A task that is cancelled waits no longer; the engine may still carry out what it was sent.
    func outcome() async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = state.withLock { state -> Outcome? in
                    if case .finished(let outcome) = state {
                        state = .taken
                        return outcome
                    }
                    state = .awaited(continuation)
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            finish(.failure(.timedOut))
        }
    }

    /// The first of these counts.
    func finish(_ outcome: Outcome) {
        let waiting = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            switch state {
            case .pending: state = .finished(outcome)
            case .awaited(let continuation):
                state = .taken
                return continuation
            case .finished, .taken: break
            }
            return nil
        }
        waiting?.resume(returning: outcome)
    }

    /// Whether nobody waits for it any more.
    var isFinished: Bool {
        state.withLock { state in
            switch state {
            case .pending, .awaited: false
            case .finished, .taken: true
            }
        }
    }
}
