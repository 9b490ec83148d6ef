import SemanticCache
import Synchronization

/// Waits for `operation` until `deadline`, and not a moment longer, whatever it does then: an engine that hangs holds nobody up.
///
/// What is late is cancelled, and its result dropped when it comes.
func race<Value: Sendable>(
    until deadline: ContinuousClock.Instant, _ operation: @escaping @Sendable () async throws(SharedTierError) -> Value
) async throws(SharedTierError) -> Value {
    let race = Race<Value>()
    let runner = Task {
        let outcome: Result<Value, SharedTierError>
        do throws(SharedTierError) { outcome = .success(try await operation()) } catch { outcome = .failure(error) }
        race.end(outcome)
    }
    let timer = Task {
        guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
        race.end(.failure(.timedOut))
    }
    let outcome = await withTaskCancellationHandler {
        await withCheckedContinuation { race.await($0) }
    } onCancel: {
        race.end(.failure(.timedOut))
    }
    timer.cancel()
    runner.cancel()
    return try outcome.get()
}

/// The first of two ends.
private final class Race<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, SharedTierError>

    private struct State {
        var outcome: Outcome?
        var waiter: CheckedContinuation<Outcome, Never>?
    }

    private let state = Mutex(State())

    func end(_ outcome: Outcome) {
        let waiter = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            return state.waiter.take()
        }
        waiter?.resume(returning: outcome)
    }

    func await(_ waiter: CheckedContinuation<Outcome, Never>) {
        let outcome = state.withLock { state -> Outcome? in
            if state.outcome == nil { state.waiter = waiter }
            return state.outcome
        }
        if let outcome { waiter.resume(returning: outcome) }
    }
}
