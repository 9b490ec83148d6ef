import COnnxRuntime
import Foundation
import SemanticCache
import Synchronization

/// One thread that runs a model on one input after another, for callers that wait without blocking an executor.
final class InferenceThread<Input: Sendable, Output: Sendable, Failure: Error>: Sendable {
    typealias Outcome = Result<Output, Failure>

    private struct Job {
        let input: Input
        let pending: Pending<Output, Failure>
    }

    private struct Queue {
        var jobs: ArraySlice<Job> = []
        /// When the job began that is being run.
        var began: ContinuousClock.Instant?
        var isClosed = false
        var hasEnded = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let queue = Mutex(Queue())
    private let wake = DispatchSemaphore(value: 0)
    private let closed: Failure
    private let cancelled: Failure
    private let place: InferencePlace
    private let run: @Sendable (Input) -> Outcome
    private let unload: @Sendable () -> Void

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - closed: what a job after ``close()`` fails with.
    ///   - cancelled: what a job fails with whose waiter was cancelled.
    ///   - run: called on the thread alone, one job at a time.
    ///   - unload: called on the thread as the last thing.
    init(
        name: String, place: InferencePlace = .behindRequests, closed: Failure, cancelled: Failure, run: @escaping @Sendable (Input) -> Outcome,
        unload: @escaping @Sendable () -> Void
    ) {
        self.closed = closed
        self.cancelled = cancelled
        self.place = place
        self.run = run
        self.unload = unload
        let thread = Thread { [self] in work() }
        thread.name = name
        thread.start()
    }

    /// Queues a job; its outcome is waited for with ``Pending/value()``.
    func submit(_ input: Input) -> Pending<Output, Failure> {
        let pending = Pending<Output, Failure>(cancelled: cancelled)
        submit(input, for: pending)
        return pending
    }

    /// Queues a job whose outcome somebody waits for already, perhaps from another thread as well.
    func submit(_ input: Input, for pending: Pending<Output, Failure>) {
        let isClosed = queue.withLock { queue in
            if !queue.isClosed { queue.jobs.append(Job(input: input, pending: pending)) }
            return queue.isClosed
        }
        if isClosed { pending.resolve(.failure(closed)) } else { wake.signal() }
    }

    /// An outcome that is known without a run.
    func known(_ output: Output) -> Pending<Output, Failure> { Pending(.success(output), cancelled: cancelled) }

    /// Whether the job that is being run has taken so long that the thread must be lacking a processor.
    func isStarved(at now: ContinuousClock.Instant = .now, after limit: Duration = .seconds(1)) -> Bool {
        queue.withLock { $0.began.map { now - $0 > limit } ?? false }
    }

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
        switch place {
        case .behindRequests: cort_stand_back()
        case .idleTime: cort_take_idle_time()
        }
        // Each signal says that something changed, not that one job waits: the queue is looked at until it has nothing to do.
        while true {
            let (job, isClosed) = queue.withLock { queue in
                let job = queue.isClosed ? nil : queue.jobs.popFirst()
                queue.began = job.map { _ in .now }
                return (job, queue.isClosed)
            }
            if isClosed { break }
            guard let job else {
                wake.wait()
                continue
            }
            // Nobody waits any more for what was cancelled: its turn costs nothing.
            if !job.pending.isResolved { job.pending.resolve(run(job.input)) }
        }
        let (jobs, closers) = queue.withLock { queue in
            queue.hasEnded = true
            queue.began = nil
            defer { (queue.jobs, queue.closers) = ([], []) }
            return (queue.jobs, queue.closers)
        }
        for job in jobs { job.pending.resolve(.failure(closed)) }
        unload()
        for closer in closers { closer.resume() }
    }
}

/// Who goes before a model's thread where the processors do not suffice for all.
enum InferencePlace {
    /// What a request waits for that needs no model. A model must not hold it up.
    case behindRequests
    /// Everything: the thread runs while a processor has nothing else to do. For what nobody waits for.
    case idleTime
}

extension InferenceThread where Failure == ModelError {
    /// Starts a thread that runs a session's model, and unloads it at the end.
    ///
    /// - Parameter run: one run of the model on an input.
    convenience init(
        name: String, place: InferencePlace = .behindRequests, session: OnnxSession,
        run: @escaping @Sendable (OnnxSession, Input) throws(OnnxSession.Fault) -> Output
    ) {
        self.init(
            name: name, place: place, closed: .runtime("the \(name) is closed"), cancelled: .runtime("cancelled"),
            run: { input in
                do throws(OnnxSession.Fault) { return .success(try run(session, input)) } catch { return .failure(.runtime(error.message)) }
            }, unload: { session.unload() })
    }
}
