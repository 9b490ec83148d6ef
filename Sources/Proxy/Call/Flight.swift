import HTTPTypes
import SemanticCache
import Synchronization

/// One upstream call and everyone who waits for its answer.
///
/// A pump of its own reads the upstream; each subscriber reads what the pump brought, from the first byte on, at its own pace. So the client that
/// caused the call may leave without cutting the others off, and who comes late misses nothing.
///
/// Back-pressure: the pump runs at most `window` bytes ahead of the fastest reader, and holds at most `limit` bytes for the slowest. Chunks are kept
/// from the first on as long as the whole fits into `limit`; after that nobody can join any more, and what all have read is let go.
final class Flight: Sendable {
    /// Status and header fields of the answer.
    struct Head: Sendable {
        let status: HTTPResponse.Status
        let fields: HTTPFields
        /// Why the answer will not be kept, where that is known already.
        var refusal: NotStoredReason?
    }

    private typealias HeadWaiter = CheckedContinuation<Result<Head, UpstreamError>, Never>
    private typealias ChunkWaiter = CheckedContinuation<[UInt8]?, any Error>
    private typealias PumpWaiter = CheckedContinuation<Void, Never>
    private typealias Machine = FlightMachine<HeadWaiter, ChunkWaiter, PumpWaiter>

    private struct State {
        var machine: Machine
        var pump: Task<Void, Never>?
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - window: how far the pump may run ahead of the fastest reader, in bytes.
    ///   - limit: how much may be held for joiners and slow readers, in bytes.
    init(window: Int = 256 << 10, limit: Int) {
        state = Mutex(State(machine: Machine(window: window, limit: limit)))
    }

    // MARK: The pump's side

    /// Starts the pump. The flight owns the task and cancels it when the last subscriber leaves before the end.
    func launch(_ pump: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            // Created under the lock, so that a subscriber who leaves at once finds it.
            let task = Task(executorPreference: RequestExecutor.current) { await pump() }
            state.pump = task
            if state.machine.isAbandoned { task.cancel() }
        }
    }

    /// Tells everyone the answer's head, or that there is none.
    func resolve(_ head: Result<Head, UpstreamError>) {
        for waiter in state.withLock({ $0.machine.resolve(head) }) { waiter.resume(returning: head) }
    }

    /// Brings a chunk; returns when the pump may go on.
    func bring(_ chunk: [UInt8]) async {
        let action = state.withLock { $0.machine.bring(chunk) }
        for reader in action.readers { reader.resume(returning: chunk) }
        guard !action.pumpMayGoOn else { return }
        await withCheckedContinuation { continuation in
            let waits = state.withLock { $0.machine.awaitRoom(continuation) }
            if !waits { continuation.resume() }
        }
    }

    /// From here on the pump is not cancelled when the last subscriber leaves, until ``release()``.
    func hold() { state.withLock { $0.machine.hold() } }

    /// Ends the hold: the pump is cancelled when nobody subscribes, now or later.
    func release() {
        let (isAbandoned, pump) = state.withLock { ($0.machine.release(), $0.pump) }
        if isAbandoned { pump?.cancel() }
    }

    /// The answer is complete.
    func finish() { finish(.clean) }

    /// The answer broke off; whoever is still reading is told.
    func fail(_ error: any Error) { finish(.broken(error)) }

    private func finish(_ end: Machine.End) {
        let action = state.withLock { $0.machine.finish(end) }
        for waiter in action.heads { waiter.resume(returning: action.head) }
        for reader in action.readers { Self.tell(end, to: reader) }
        action.pump?.resume()
    }

    private static func tell(_ end: Machine.End, to reader: ChunkWaiter) {
        switch end {
        case .clean: reader.resume(returning: nil)
        case .broken(let error): reader.resume(throwing: error)
        }
    }

    // MARK: The subscribers' side

    /// Joins; `nil` when it is too late for getting every byte.
    func subscribe() -> Subscription? {
        state.withLock { $0.machine.subscribe() }.map { Subscription(flight: self, id: $0) }
    }

    /// A subscriber's place. Leaving is noticed when the last copy of it, and of its body, is gone.
    struct Subscription: Sendable {
        fileprivate let flight: Flight
        fileprivate let id: Int
        /// The body from its first byte.
        let body: ByteStream

        fileprivate init(flight: Flight, id: Int) {
            self.flight = flight
            self.id = id
            body = ByteStream(next: { try await flight.next(id) }, cancel: { flight.leave(id) })
        }

        /// Waits for the head; `.failure(.cancelled)` when the caller is cancelled.
        func head() async -> Result<Head, UpstreamError> { await flight.head(for: id) }
    }

    private func head(for id: Int) async -> Result<Head, UpstreamError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                switch state.withLock({ $0.machine.awaitHead(id, continuation) }) {
                case .tell(let head): continuation.resume(returning: head)
                case .wait: break
                }
            }
        } onCancel: {
            leave(id)
        }
    }

    private func next(_ id: Int) async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                switch state.withLock({ $0.machine.read(id, continuation) }) {
                case .chunk(let chunk, let pump):
                    pump?.resume()
                    continuation.resume(returning: chunk)
                case .end(let end): Self.tell(end, to: continuation)
                case .wait: break
                }
            }
        } onCancel: {
            leave(id)
        }
    }

    private func leave(_ id: Int) {
        let (action, pump) = state.withLock { ($0.machine.leave(id), $0.pump) }
        action.reader?.resume(throwing: CancellationError())
        action.head?.resume(returning: .failure(.cancelled))
        action.pump?.resume()
        if action.cancelsPump { pump?.cancel() }
    }
}
