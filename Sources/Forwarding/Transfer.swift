import HTTPTypes
import SemanticCache
import Synchronization

/// One exchange: what the transport's thread and the waiting tasks share of it.
///
/// The thread brings head, chunks and end; one task takes them. In the other direction a feeder of its own brings the pieces of a streamed
/// request body, and the thread takes them.
final class Transfer: Sendable {
    typealias Head = Result<(HTTPResponse.Status, HTTPFields), UpstreamError>

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

    /// How far a reader may fall behind, in bytes, before the transfer is paused.
    static let highWater = 256 << 10
    /// Where a paused transfer goes on.
    private static let lowWater = 64 << 10

    private struct State {
        var head: Head?
        var headWaiter: CheckedContinuation<Head, Never>?
        var chunks: ArraySlice<[UInt8]> = []
        var buffered = 0
        var isPaused = false
        var end: Result<Void, UpstreamError>?
        var reader: CheckedContinuation<[UInt8]?, any Error>?

        var supply: ArraySlice<[UInt8]> = []
        /// How much of the first piece was sent already.
        var supplyOffset = 0
        var supplied = 0
        var supplyEnd: Result<Void, UpstreamError>?
        var isStarved = false
        var feederWaiter: CheckedContinuation<Void, Never>?
        var feeder: Task<Void, Never>?
    }

    let plan: RequestPlan
    private let state = Mutex(State())

    init(plan: RequestPlan) { self.plan = plan }

    // MARK: The reader's side

    /// Waits for the head.
    func head() async -> Head {
        await withCheckedContinuation { continuation in
            let known: Head? = state.withLock { state in
                if state.head == nil { state.headWaiter = continuation }
                return state.head
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// The next chunk; `nil` at the end. Calls `resume` when a paused transfer may go on.
    func next(_ resume: () -> Void) async throws -> [UInt8]? {
        // Taken without suspending where a chunk is there already.
        let first = state.withLock { Self.step(&$0) }
        switch first {
        case .chunk(let chunk, let mayResume):
            if mayResume { resume() }
            return chunk
        case .end(let end):
            try end.get()
            return nil
        case .wait:
            return try await withCheckedThrowingContinuation { continuation in
                let step = state.withLock { state in
                    let step = Self.step(&state)
                    if case .wait = step { state.reader = continuation }
                    return step
                }
                switch step {
                case .chunk(let chunk, let mayResume):
                    if mayResume { resume() }
                    continuation.resume(returning: chunk)
                case .end(.success): continuation.resume(returning: nil)
                case .end(.failure(let error)): continuation.resume(throwing: error)
                case .wait: break
                }
            }
        }
    }

    // MARK: The thread's side

    /// Tells the head. Only the first call counts.
    func resolve(_ head: Head) {
        let waiter = state.withLock { state -> CheckedContinuation<Head, Never>? in
            guard state.head == nil else { return nil }
            state.head = head
            defer { state.headWaiter = nil }
            return state.headWaiter
        }
        waiter?.resume(returning: head)
    }

    /// Brings a chunk.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Receipt {
        let (receipt, reader): (Receipt, CheckedContinuation<[UInt8]?, any Error>?) = state.withLock { state in
            if let reader = state.reader {
                state.reader = nil
                return (.taken, reader)
            }
            guard state.buffered < Self.highWater else {
                state.isPaused = true
                return (.pause, nil)
            }
            state.chunks.append(Array(bytes))
            state.buffered += bytes.count
            return (.taken, nil)
        }
        reader?.resume(returning: Array(bytes))
        return receipt
    }

    /// Whether the reader is what the transfer waits for.
    var isPaused: Bool { state.withLock { $0.isPaused } }

    /// Whether the feeder is what the transfer waits for.
    var isStarved: Bool { state.withLock { $0.isStarved } }

    /// Ends the exchange for everyone. Only the first call counts.
    func finish(_ end: Result<Void, UpstreamError>) {
        let (reader, head, feederWaiter, feeder) = state.withLock { state in
            guard state.end == nil else { return (nil, nil, nil, nil) as Waiters }
            state.end = end
            defer {
                state.reader = nil
                state.headWaiter = nil
                state.feederWaiter = nil
            }
            if state.head == nil, case .failure(let error) = end { state.head = .failure(error) }
            if state.head == nil { state.head = .failure(.broken("it ended without a head")) }
            return (state.reader, state.headWaiter, state.feederWaiter, state.feeder)
        }
        feeder?.cancel()
        feederWaiter?.resume()
        let known = state.withLock { $0.head }
        if let head, let known { head.resume(returning: known) }
        switch end {
        case .success: reader?.resume(returning: nil)
        case .failure(let error): reader?.resume(throwing: error)
        }
    }

    private typealias Waiters = (
        CheckedContinuation<[UInt8]?, any Error>?, CheckedContinuation<Head, Never>?, CheckedContinuation<Void, Never>?, Task<Void, Never>?
    )

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
            if state.end != nil { feeder.cancel() }
        }
    }

    /// Copies what is there to send into `target`.
    func take(into target: UnsafeMutableRawBufferPointer) -> Supply {
        let (supply, waiter): (Supply, CheckedContinuation<Void, Never>?) = state.withLock { state in
            guard let piece = state.supply.first else {
                switch state.supplyEnd {
                case .success: return (.end, nil)
                case .failure: return (.failed, nil)
                case nil:
                    state.isStarved = true
                    return (.nothingYet, nil)
                }
            }
            let count = min(target.count, piece.count - state.supplyOffset)
            piece.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[state.supplyOffset..<state.supplyOffset + count])) }
            state.supplyOffset += count
            state.supplied -= count
            if state.supplyOffset == piece.count {
                state.supply.removeFirst()
                state.supplyOffset = 0
            }
            guard state.supplied < Self.lowWater else { return (.bytes(count), nil) }
            defer { state.feederWaiter = nil }
            return (.bytes(count), state.feederWaiter)
        }
        waiter?.resume()
        return supply
    }

    /// Why the body could not be sent, if it could not.
    var supplyFailure: UpstreamError? {
        state.withLock { if case .failure(let error)? = $0.supplyEnd { error } else { nil } }
    }

    /// Queues a piece and waits while too much is queued; `false` when the exchange is over.
    private func supply(_ piece: [UInt8], wake: () -> Void) async -> Bool {
        guard !piece.isEmpty else { return true }
        let wasStarved = state.withLock { state in
            state.supply.append(piece)
            state.supplied += piece.count
            defer { state.isStarved = false }
            return state.isStarved
        }
        if wasStarved { wake() }
        await withCheckedContinuation { continuation in
            let mayGoOn = state.withLock { state in
                if state.supplied < Self.highWater || state.end != nil { return true }
                state.feederWaiter = continuation
                return false
            }
            if mayGoOn { continuation.resume() }
        }
        return state.withLock { $0.end == nil }
    }

    private func endSupply(_ end: Result<Void, UpstreamError>, wake: () -> Void) {
        state.withLock { state in
            state.supplyEnd = end
            state.isStarved = false
        }
        wake()
    }

    // MARK: Under the lock

    /// What a reader gets.
    private enum Step {
        case chunk([UInt8], mayResume: Bool)
        case end(Result<Void, UpstreamError>)
        case wait
    }

    private static func step(_ state: inout State) -> Step {
        if let chunk = state.chunks.popFirst() {
            state.buffered -= chunk.count
            guard state.isPaused, state.buffered < lowWater else { return .chunk(chunk, mayResume: false) }
            state.isPaused = false
            return .chunk(chunk, mayResume: true)
        }
        if let end = state.end { return .end(end) }
        return .wait
    }
}
