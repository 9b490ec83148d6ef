import DequeModule
import Synchronization

/// Lets a limited number of calls out at once; others wait in order of arrival, not too many and not too long.
final class CallQueue: Sendable {
    /// A place among the calls that are out; given back by ``release()``, at the latest when the last copy is gone.
    final class Place: Sendable {
        private let queue: CallQueue
        private let isHeld = Mutex(true)

        fileprivate init(_ queue: CallQueue) { self.queue = queue }

        /// Lets the next one out. Further calls do nothing.
        func release() {
            let wasHeld = isHeld.withLock { isHeld in
                defer { isHeld = false }
                return isHeld
            }
            if wasHeld { queue.leave() }
        }

        deinit { release() }
    }

    enum Admission: Sendable {
        case admitted(Place)
        /// As many wait already as may.
        case full
        case waitedTooLong
        case cancelled
    }

    private struct State {
        var out = 0
        var order: Deque<Int> = []
        var waiters: [Int: CheckedContinuation<Admission, Never>] = [:]
        var next = 0
    }

    private let limit: Int
    private let waitingLimit: Int
    private let patience: Duration
    private let sleep: @Sendable (Duration) async throws -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: calls out at once.
    ///   - waitingLimit: the most that wait.
    ///   - patience: the longest wait.
    init(limit: Int, waitingLimit: Int, patience: Duration, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.limit = max(1, limit)
        self.waitingLimit = waitingLimit
        self.patience = patience
        self.sleep = sleep
    }

    /// The calls that are out, and those that wait.
    var depth: (out: Int, waiting: Int) { state.withLock { ($0.out, $0.waiters.count) } }

    /// Waits for a place.
    func enter() async -> Admission {
        enum Step {
            case go
            case full
            case wait(Int)
        }
        let step: Step = state.withLock { state in
            if state.out < limit {
                state.out += 1
                return .go
            }
            guard state.waiters.count < waitingLimit else { return .full }
            state.next += 1
            return .wait(state.next)
        }
        switch step {
        case .go: return .admitted(Place(self))
        case .full: return .full
        case .wait(let id): return await wait(id)
        }
    }

    private func wait(_ id: Int) async -> Admission {
        let timer = Task { [sleep, patience] in
            try await sleep(patience)
            self.dismiss(id, .waitedTooLong)
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known: Admission? = state.withLock { state in
                    if Task.isCancelled { return .cancelled }
                    // A place may have become free since.
                    if state.out < limit {
                        state.out += 1
                        return .admitted(Place(self))
                    }
                    state.order.append(id)
                    state.waiters[id] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            dismiss(id, .cancelled)
        }
    }

    private func dismiss(_ id: Int, _ admission: Admission) {
        let waiter = state.withLock { state in
            state.order.removeAll { $0 == id }
            return state.waiters.removeValue(forKey: id)
        }
        waiter?.resume(returning: admission)
    }

    private func leave() {
        let next: CheckedContinuation<Admission, Never>? = state.withLock { state in
            while let id = state.order.popFirst() {
                if let waiter = state.waiters.removeValue(forKey: id) { return waiter }
            }
            state.out -= 1
            return nil
        }
        next?.resume(returning: .admitted(Place(self)))
    }
}
