import HTTPTypes
import SemanticCache
import Synchronization

/// One exchange: what the transport's thread and the waiting tasks share of it.
///
/// The thread brings head, chunks and end; one task takes them. In the other direction a feeder of its own brings the pieces of a streamed
/// request body, and the thread takes them. What follows from what is ``TransferMachine``'s to say; here are the lock and those who wait.
final class Transfer: Sendable {
    typealias Head = Result<(HTTPResponse.Status, HTTPFields), UpstreamError>
    private typealias HeadWaiter = CheckedContinuation<Head, Never>
    private typealias ChunkWaiter = CheckedContinuation<[UInt8]?, any Error>
    /// Told whether to go on.
    private typealias FeederWaiter = CheckedContinuation<Bool, Never>

    /// What the thread is to do with a chunk.
    enum Receipt {
        case taken
        /// The reader is too far behind: come again after a resume.
        case pause
    }

    /// What there is to send.
    enum Supply {
        case bytes(Int)
        case end
        case nothingYet
        case failed
    }

    private struct State {
        /// Paused at 256 KiB, until no more than 64 KiB are left.
        var machine = TransferMachine<HeadWaiter, ChunkWaiter, FeederWaiter>(highWater: 256 << 10, lowWater: 64 << 10)
        var feeder: Task<Void, Never>?
    }

    let plan: RequestPlan
    private let state = Mutex(State())

    init(plan: RequestPlan) { self.plan = plan }

    // MARK: The reader's side

    /// Waits for the head.
    func head() async -> Head {
        await withCheckedContinuation { continuation in
            switch state.withLock({ $0.machine.awaitHead(continuation) }) {
            case .tell(let head): continuation.resume(returning: head)
            case .wait: break
            }
        }
    }

    /// The next chunk; `nil` at the end. Calls `resume` when a paused transfer may go on.
    func next(_ resume: () -> Void) async throws -> [UInt8]? {
        // Taken without suspending where a chunk is there already.
        switch state.withLock({ $0.machine.read() }) {
        case .chunk(let chunk, let resumesTransfer):
            if resumesTransfer { resume() }
            return chunk
        case .end(let end):
            try end.get()
            return nil
        case .wait:
            return try await withCheckedThrowingContinuation { continuation in
                switch state.withLock({ $0.machine.read(continuation) }) {
                case .chunk(let chunk, let resumesTransfer):
                    if resumesTransfer { resume() }
                    continuation.resume(returning: chunk)
                case .end(let end): continuation.resume(with: end.map { nil })
                case .wait: break
                }
            }
        }
    }

    // MARK: The thread's side

    /// Tells the head. Only the first call counts.
    func resolve(_ head: Head) {
        state.withLock { $0.machine.resolve(head) }?.resume(returning: head)
    }

    /// Brings a chunk.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Receipt {
        let chunk = Array(bytes)
        switch state.withLock({ $0.machine.receive(chunk) }) {
        case .deliver(let reader):
            reader.resume(returning: chunk)
            return .taken
        case .taken: return .taken
        case .pause: return .pause
        }
    }

    /// Whether the reader is what the transfer waits for.
    var isPaused: Bool { state.withLock { $0.machine.isPaused } }

    /// Whether the feeder is what the transfer waits for.
    var isStarved: Bool { state.withLock { $0.machine.isStarved } }

    /// Ends the exchange for everyone. Only the first call counts.
    func finish(_ end: Result<Void, UpstreamError>) {
        let (action, feeder) = state.withLock { ($0.machine.finish(end), $0.feeder) }
        guard let action else { return }
        feeder?.cancel()
        action.feeder?.resume(returning: false)
        if let (waiter, head) = action.head { waiter.resume(returning: head) }
        action.reader?.resume(with: end.map { nil })
    }

    // MARK: The request's body

    /// Starts bringing a streamed body. The transfer owns the task and cancels it when the exchange ends.
    func feed(_ stream: ByteStream, wake: @escaping @Sendable () -> Void) {
        let feeder = Task {
            do {
                for try await piece in stream {
                    guard await self.supply(piece, wake: wake) else { return }
                }
                self.endSupply(.success(()), wake: wake)
            } catch {
                self.endSupply(.failure(.requestBody("\(error)")), wake: wake)
            }
        }
        state.withLock { state in
            state.feeder = feeder
            if state.machine.hasEnded { feeder.cancel() }
        }
    }

    /// Copies what is there to send into `target`.
    func take(into target: UnsafeMutableRawBufferPointer) -> Supply {
        switch state.withLock({ $0.machine.send(atMost: target.count) }) {
        case .bytes(let bytes, let feeder):
            feeder?.resume(returning: true)
            bytes.withUnsafeBytes { target.copyMemory(from: $0) }
            return .bytes(bytes.count)
        case .end: return .end
        case .wait: return .nothingYet
        case .fail: return .failed
        }
    }

    /// Why the body could not be sent, if it could not.
    var supplyFailure: UpstreamError? { state.withLock { $0.machine.supplyFailure } }

    /// Queues a piece and waits while too much is queued; `false` when the exchange is over.
    private func supply(_ piece: [UInt8], wake: () -> Void) async -> Bool {
        let (action, wakes) = state.withLock { $0.machine.feed(piece) }
        if wakes { wake() }
        switch action {
        case .goOn: return true
        case .stop: return false
        case .wait: break
        }
        return await withCheckedContinuation { continuation in
            switch state.withLock({ $0.machine.awaitRoom(continuation) }) {
            case .goOn: continuation.resume(returning: true)
            case .stop: continuation.resume(returning: false)
            case .wait: break
            }
        }
    }

    private func endSupply(_ end: Result<Void, UpstreamError>, wake: () -> Void) {
        if state.withLock({ $0.machine.endSupply(end) }) { wake() }
    }
}
