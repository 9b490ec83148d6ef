import Dispatch
import Synchronization

/// One job on its way through the thread. The first resolution counts; cancelling who waits is one.
final class Pending<Output: Sendable, Failure: Error>: Sendable {
    typealias Outcome = Result<Output, Failure>

    private struct State {
        var outcome: Outcome?
        var waiter: (@Sendable (Outcome) -> Void)?
    }

    private let cancelled: Failure
    private let state: Mutex<State>

    init(_ outcome: Outcome? = nil, cancelled: Failure) {
        self.cancelled = cancelled
        state = Mutex(State(outcome: outcome))
    }

    var isResolved: Bool { state.withLock { $0.outcome != nil } }

    func resolve(_ outcome: Outcome) {
        let waiter = state.withLock { state -> (@Sendable (Outcome) -> Void)? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?(outcome)
    }

    func value() async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in whenResolved { continuation.resume(returning: $0) } }
        } onCancel: {
            resolve(.failure(cancelled))
        }
    }

    /// Blocks the calling thread until the outcome is there.
    func wait() -> Outcome {
        let done = DispatchSemaphore(value: 0)
        let box = Mutex<Outcome>(.failure(cancelled))
        whenResolved { outcome in
            box.withLock { $0 = outcome }
            done.signal()
        }
        done.wait()
        return box.withLock { $0 }
    }

    private func whenResolved(_ waiter: @escaping @Sendable (Outcome) -> Void) {
        let known = state.withLock { state in
            if state.outcome == nil { state.waiter = waiter }
            return state.outcome
        }
        if let known { waiter(known) }
    }
}
