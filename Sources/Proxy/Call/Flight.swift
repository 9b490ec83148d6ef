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

    private enum End {
        case clean
        case broken(any Error)
    }

    private struct Reader {
        /// Index of the next chunk, counted from the first one ever.
        var next = 0
        var waiting: CheckedContinuation<[UInt8]?, any Error>?
        var bytesRead = 0
    }

    private struct State {
        var head: Result<Head, UpstreamError>?
        var headWaiters: [Int: CheckedContinuation<Result<Head, UpstreamError>, Never>] = [:]
        var chunks: [[UInt8]] = []
        /// How many chunks were let go from the front.
        var dropped = 0
        var bytesBrought = 0
        var bytesHeld = 0
        var end: End?
        var readers: [Int: Reader] = [:]
        var nextReader = 0
        var pumpWaiter: CheckedContinuation<Void, Never>?
        var pump: Task<Void, Never>?
        var isJoinable = true
        var isAbandoned = false
    }

    private let window: Int
    private let limit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - window: how far the pump may run ahead of the fastest reader, in bytes.
    ///   - limit: how much may be held for joiners and slow readers, in bytes.
    init(window: Int = 256 << 10, limit: Int) {
        self.window = window
        self.limit = max(limit, window)
    }

    // MARK: The pump's side

    /// Starts the pump. The flight owns the task and cancels it when the last subscriber leaves before the end.
    func launch(_ pump: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            // Created under the lock, so that a subscriber who leaves at once finds it.
            let task = Task(executorPreference: RequestExecutor.current) { await pump() }
            state.pump = task
            if state.isAbandoned { task.cancel() }
        }
    }

    /// Tells everyone the answer's head, or that there is none.
    func resolve(_ head: Result<Head, UpstreamError>) {
        let waiters = state.withLock { state in
            state.head = head
            if case .failure = head { state.isJoinable = false }
            defer { state.headWaiters = [:] }
            return state.headWaiters.values
        }
        for waiter in waiters { waiter.resume(returning: head) }
    }

    /// Brings a chunk; returns when the pump may go on.
    func bring(_ chunk: [UInt8]) async {
        guard !chunk.isEmpty else { return }
        let ready: [CheckedContinuation<[UInt8]?, any Error>] = state.withLock { state in
            state.chunks.append(chunk)
            state.bytesBrought += chunk.count
            state.bytesHeld += chunk.count
            if state.bytesHeld > limit { state.isJoinable = false }
            var ready: [CheckedContinuation<[UInt8]?, any Error>] = []
            for (id, reader) in state.readers where reader.waiting != nil {
                if let waiting = reader.waiting { ready.append(waiting) }
                state.readers[id]?.waiting = nil
                state.readers[id]?.next += 1
                state.readers[id]?.bytesRead += chunk.count
            }
            Self.letGo(&state)
            return ready
        }
        for reader in ready { reader.resume(returning: chunk) }
        await withCheckedContinuation { continuation in
            let mayGoOn = state.withLock { state in
                if self.hasRoom(state) || state.isAbandoned { return true }
                state.pumpWaiter = continuation
                return false
            }
            if mayGoOn { continuation.resume() }
        }
    }

    /// The answer is complete.
    func finish() { close(.clean) }

    /// The answer broke off; whoever is still reading is told.
    func fail(_ error: any Error) { close(.broken(error)) }

    private func close(_ end: End) {
        let waiting = state.withLock { state in
            guard state.end == nil else { return [CheckedContinuation<[UInt8]?, any Error>]() }
            state.end = end
            state.isJoinable = false
            let waiting = state.readers.values.compactMap(\.waiting)
            for id in state.readers.keys { state.readers[id]?.waiting = nil }
            return waiting
        }
        for reader in waiting {
            switch end {
            case .clean: reader.resume(returning: nil)
            case .broken(let error): reader.resume(throwing: error)
            }
        }
    }

    // MARK: The subscribers' side

    /// Joins; `nil` when it is too late for getting every byte.
    func subscribe() -> Subscription? {
        let id: Int? = state.withLock { state in
            guard state.isJoinable, !state.isAbandoned else { return nil }
            state.nextReader += 1
            state.readers[state.nextReader] = Reader()
            return state.nextReader
        }
        return id.map { Subscription(flight: self, id: $0) }
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
                let known: Result<Head, UpstreamError>? = state.withLock { state in
                    if let head = state.head { return head }
                    if state.readers[id] == nil || Task.isCancelled { return .failure(.cancelled) }
                    state.headWaiters[id] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            leave(id)
        }
    }

    private func next(_ id: Int) async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enum Step {
                    case chunk([UInt8], pump: CheckedContinuation<Void, Never>?)
                    case end(End)
                    case wait
                }
                let step: Step = state.withLock { state in
                    guard var reader = state.readers[id], !Task.isCancelled else { return .end(.broken(CancellationError())) }
                    let index = reader.next - state.dropped
                    if index < state.chunks.count {
                        let chunk = state.chunks[index]
                        reader.next += 1
                        reader.bytesRead += chunk.count
                        state.readers[id] = reader
                        Self.letGo(&state)
                        return .chunk(chunk, pump: takePump(&state))
                    }
                    if let end = state.end { return .end(end) }
                    reader.waiting = continuation
                    state.readers[id] = reader
                    return .wait
                }
                switch step {
                case .chunk(let chunk, let pump):
                    pump?.resume()
                    continuation.resume(returning: chunk)
                case .end(.clean): continuation.resume(returning: nil)
                case .end(.broken(let error)): continuation.resume(throwing: error)
                case .wait: break
                }
            }
        } onCancel: {
            leave(id)
        }
    }

    private func leave(_ id: Int) {
        let (reader, head, pump, task) = state.withLock { state in
            let reader = state.readers.removeValue(forKey: id)?.waiting
            let head = state.headWaiters.removeValue(forKey: id)
            if state.readers.isEmpty, state.end == nil {
                state.isAbandoned = true
                state.isJoinable = false
            } else {
                Self.letGo(&state)
            }
            return (reader, head, takePump(&state), state.isAbandoned ? state.pump : nil)
        }
        reader?.resume(throwing: CancellationError())
        head?.resume(returning: .failure(.cancelled))
        pump?.resume()
        task?.cancel()
    }

    // MARK: Under the lock

    private func takePump(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        guard state.pumpWaiter != nil, hasRoom(state) || state.isAbandoned else { return nil }
        defer { state.pumpWaiter = nil }
        return state.pumpWaiter
    }

    private func hasRoom(_ state: State) -> Bool {
        let furthest = state.readers.values.lazy.map(\.bytesRead).max() ?? 0
        return state.bytesBrought - furthest < window && (state.isJoinable || state.bytesHeld < limit)
    }

    /// Once nobody can join, what every reader has read is of no more use.
    private static func letGo(_ state: inout State) {
        guard !state.isJoinable, let slowest = state.readers.values.lazy.map(\.next).min() else { return }
        let count = slowest - state.dropped
        guard count > 0 else { return }
        for chunk in state.chunks.prefix(count) { state.bytesHeld -= chunk.count }
        state.chunks.removeFirst(count)
        state.dropped += count
    }
}
