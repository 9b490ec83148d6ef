import COnnxRuntime
import Foundation
import SemanticCache
import Synchronization

/// One thread that runs a model on one input after another, for callers that wait without blocking an executor.
///
/// What a request waits for goes before what nobody waits for. The latter is not starved: where both wait it gets a turn after ``patience`` others.
final class InferenceThread<Input: Sendable, Output: Sendable, Failure: Error>: Sendable {
    typealias Outcome = Result<Output, Failure>

    private struct Job {
        let input: Input
        let pending: Pending<Output, Failure>
        let isUrgent: Bool
    }

    /// What the thread does next.
    private enum Turn {
        case run(Job)
        /// Nothing, unless something comes, for this long.
        case rest(Duration)
        case wait
    }

    private struct Queue {
        var urgent: ArraySlice<Job> = []
        var background: ArraySlice<Job> = []
        /// Turns that background jobs were passed over.
        var passed = 0
        /// When the last job ended that a request waited for.
        var lastUrgent: ContinuousClock.Instant?
        var isClosed = false
        var hasEnded = false
        var closers: [CheckedContinuation<Void, Never>] = []

        mutating func next(at now: ContinuousClock.Instant, pause: Duration) -> Turn {
            let isDue = passed >= patience
            if urgent.isEmpty || isDue, !background.isEmpty {
                if !isDue, let lastUrgent, now - lastUrgent < pause { return .rest(pause - (now - lastUrgent)) }
                passed = 0
                return .run(background.removeFirst())
            }
            guard let job = urgent.popFirst() else { return .wait }
            if !background.isEmpty { passed += 1 }
            return .run(job)
        }
    }

    private let queue = Mutex(Queue())
    private let wake = DispatchSemaphore(value: 0)
    private let closed: Failure
    private let cancelled: Failure
    private let pause: Duration
    private let run: @Sendable (Input) -> Outcome
    private let unload: @Sendable () -> Void

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - closed: what a job after ``close()`` fails with.
    ///   - cancelled: what a job fails with whose waiter was cancelled.
    ///   - pause: how long no request must have waited for anything before a background job begins.
    ///   - run: called on the thread alone, one job at a time.
    ///   - unload: called on the thread as the last thing.
    init(
        name: String, closed: Failure, cancelled: Failure, pause: Duration = .milliseconds(10), run: @escaping @Sendable (Input) -> Outcome,
        unload: @escaping @Sendable () -> Void
    ) {
        self.closed = closed
        self.cancelled = cancelled
        self.pause = pause
        self.run = run
        self.unload = unload
        let thread = Thread { [self] in work() }
        thread.name = name
        thread.start()
    }

    /// Queues a job; its outcome is waited for with ``Pending/value()``.
    func submit(_ input: Input, inBackground: Bool = false) -> Pending<Output, Failure> {
        let pending = Pending<Output, Failure>(cancelled: cancelled)
        let isClosed = queue.withLock { queue in
            let job = Job(input: input, pending: pending, isUrgent: !inBackground)
            if !queue.isClosed { if inBackground { queue.background.append(job) } else { queue.urgent.append(job) } }
            return queue.isClosed
        }
        if isClosed { pending.resolve(.failure(closed)) } else { wake.signal() }
        return pending
    }

    /// An outcome that is known without a run.
    func known(_ output: Output) -> Pending<Output, Failure> { Pending(.success(output), cancelled: cancelled) }

    /// Ends the thread and unloads the model. Jobs that wait fail.
    func close() async {
        await withCheckedContinuation { continuation in
            let hasEnded = queue.withLock { queue in
                queue.isClosed = true
                if !queue.hasEnded { queue.closers.append(continuation) }
                return queue.hasEnded
            }
            if hasEnded { continuation.resume() } else { wake.signal() }
        }
    }

    private func work() {
        // A request that needs no model must not wait because another one does.
        cort_stand_back()
        // Each signal says that something changed, not that one job waits: the queue is looked at until it has nothing to do.
        while true {
            let (turn, isClosed) = queue.withLock { queue in (queue.isClosed ? Turn.wait : queue.next(at: .now, pause: pause), queue.isClosed) }
            if isClosed { break }
            switch turn {
            case .run(let job):
                // Nobody waits any more for what was cancelled: its turn costs nothing.
                if !job.pending.isResolved { job.pending.resolve(run(job.input)) }
                if job.isUrgent { queue.withLock { $0.lastUrgent = .now } }
            case .rest(let time): _ = wake.wait(timeout: .now() + time / .seconds(1))
            case .wait: wake.wait()
            }
        }
        let (jobs, closers) = queue.withLock { queue in
            queue.hasEnded = true
            defer { (queue.urgent, queue.background, queue.closers) = ([], [], []) }
            return (queue.urgent + queue.background, queue.closers)
        }
        for job in jobs { job.pending.resolve(.failure(closed)) }
        unload()
        for closer in closers { closer.resume() }
    }
}

extension InferenceThread where Failure == ModelError {
    /// Starts a thread that runs a session's model, and unloads it at the end.
    ///
    /// - Parameter run: one run of the model on an input.
    convenience init(
        name: String, session: OnnxSession, run: @escaping @Sendable (OnnxSession, Input) throws(OnnxSession.Fault) -> Output
    ) {
        self.init(
            name: name, closed: .runtime("the \(name) is closed"), cancelled: .runtime("cancelled"),
            run: { input in
                do throws(OnnxSession.Fault) { return .success(try run(session, input)) } catch { return .failure(.runtime(error.message)) }
            }, unload: { session.unload() })
    }
}

/// Turns that background jobs are passed over before one of them is taken.
private let patience = 8

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
