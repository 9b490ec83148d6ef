import HTTPTypes
import SemanticCache

/// What goes on in a ``Transfer``, without its thread and its tasks: each event returns what is to be done.
///
/// Whoever waits stands for itself in what it brings along: a continuation in a transfer, a number in a test. Who was kept comes out of one later
/// event, with its answer, and only of one.
struct TransferMachine<HeadWaiter: Sendable, ChunkWaiter: Sendable, FeederWaiter: Sendable> {
    typealias Head = Result<(HTTPResponse.Status, HTTPFields), UpstreamError>
    typealias End = Result<Void, UpstreamError>

    /// The answer. The exchange is over as soon as it has ended, for the request as well.
    private enum Answer {
        /// Nothing came yet, and a task may wait for the head. Becomes `streaming` with the head, or `ended` without one.
        case awaited(HeadWaiter?)
        /// The head is there and the body comes. Becomes `ended`.
        case streaming(Head)
        /// Nothing more comes. What is left in the queue is still read, and after it the end.
        case ended(Head, End)
    }

    /// Who waits for the other at the answer's body.
    private enum Reading {
        case flowing
        /// The reader, for bytes; then the queue is empty. Becomes `flowing` with a chunk or the end.
        case awaitsBytes(ChunkWaiter)
        /// The upstream, for a reader that is too far behind. Becomes `flowing` at the low-water mark.
        case paused
    }

    /// A streamed request body.
    private enum Supply {
        /// More may come. Becomes any other.
        case flowing
        /// The thread found nothing to send. Becomes `flowing` with the next piece, `complete` or `dropped`.
        case starved
        /// The feeder waits for room. Becomes `flowing` at the low-water mark, or `dropped`.
        case full(FeederWaiter)
        /// All was queued, or its source failed. Becomes `dropped`.
        case complete(End)
        /// The exchange has ended: nobody sends any more.
        case dropped
    }

    private let highWater: Int
    private let lowWater: Int
    private var answer = Answer.awaited(nil)
    private var reading = Reading.flowing
    private var chunks = ChunkQueue()
    private var supply = Supply.flowing
    private var pieces = ChunkQueue()

    /// - Parameters:
    ///   - highWater: how far the reader may fall behind the upstream, and the upstream behind the feeder, in bytes, before the faster is held up.
    ///   - lowWater: where that one goes on; above zero.
    init(highWater: Int, lowWater: Int) {
        self.highWater = highWater
        self.lowWater = lowWater
    }

    /// Whether the exchange is over.
    var hasEnded: Bool { if case .ended = answer { true } else { false } }

    /// Whether the reader is what the transfer waits for.
    var isPaused: Bool { if case .paused = reading { true } else { false } }

    /// Whether the feeder is what the transfer waits for.
    var isStarved: Bool { if case .starved = supply { true } else { false } }

    /// Why the request's body could not be sent, if its source failed.
    var supplyFailure: UpstreamError? { if case .complete(.failure(let error)) = supply { error } else { nil } }
}

// MARK: The answer's head

extension TransferMachine {
    enum HeadAction: Sendable {
        case tell(Head)
        /// The waiter is kept.
        case wait
    }

    /// A task asks for the head. One may wait; a second one is told that it is not wanted.
    mutating func awaitHead(_ waiter: HeadWaiter) -> HeadAction {
        switch answer {
        case .awaited(nil):
            answer = .awaited(waiter)
            return .wait
        case .awaited: return .tell(.failure(.cancelled))
        case .streaming(let head), .ended(let head, _): return .tell(head)
        }
    }

    /// The head came; returns who waits for it. Only the first counts.
    mutating func resolve(_ head: Head) -> HeadWaiter? {
        guard case .awaited(let waiter) = answer else { return nil }
        answer = .streaming(head)
        return waiter
    }
}

// MARK: The answer's body

extension TransferMachine {
    enum ReadAction: Sendable {
        /// A chunk, and whether the paused transfer may go on.
        case chunk([UInt8], resumesTransfer: Bool)
        case end(End)
        case wait
    }

    enum ReceiveAction: Sendable {
        /// Hand the chunk to the reader, who waited for it.
        case deliver(ChunkWaiter)
        case taken
        /// Bring the chunk again once the transfer may go on.
        case pause
    }

    /// The reader wants a chunk, and cannot wait yet.
    mutating func read() -> ReadAction {
        if let chunk = chunks.popFirst() {
            guard case .paused = reading, chunks.byteCount < lowWater else { return .chunk(chunk, resumesTransfer: false) }
            reading = .flowing
            return .chunk(chunk, resumesTransfer: !hasEnded)
        }
        if case .ended(_, let end) = answer { return .end(end) }
        return .wait
    }

    /// The reader wants a chunk and waits for it; it is kept where the answer is `.wait`. A second one that waits is told that it is not wanted.
    mutating func read(_ waiter: ChunkWaiter) -> ReadAction {
        if case .awaitsBytes = reading { return .end(.failure(.cancelled)) }
        let action = read()
        if case .wait = action { reading = .awaitsBytes(waiter) }
        return action
    }

    /// A chunk came. After the end there is nobody left to want it.
    mutating func receive(_ chunk: [UInt8]) -> ReceiveAction {
        if hasEnded { return .taken }
        if case .awaitsBytes(let reader) = reading {
            reading = .flowing
            return .deliver(reader)
        }
        guard chunks.byteCount < highWater else {
            reading = .paused
            return .pause
        }
        chunks.append(chunk)
        return .taken
    }
}

// MARK: The request's body

extension TransferMachine {
    enum SupplyAction: Sendable {
        /// Bring the next piece.
        case goOn
        /// Bring no more before there is room.
        case wait
        /// Nobody sends any more.
        case stop
    }

    enum SendAction: Sendable {
        /// Send these bytes, and let the feeder go on if it waits.
        case bytes(ArraySlice<UInt8>, FeederWaiter?)
        case end
        /// Ask again when the feeder has brought something.
        case wait
        case fail
    }

    /// The feeder brings a piece; returns also whether the thread must be woken for it.
    mutating func feed(_ piece: [UInt8]) -> (action: SupplyAction, wakes: Bool) {
        if case .dropped = supply { return (.stop, false) }
        guard !piece.isEmpty else { return (.goOn, false) }
        pieces.append(piece)
        let wasStarved = isStarved
        if wasStarved { supply = .flowing }
        return (pieces.byteCount < highWater ? .goOn : .wait, wasStarved)
    }

    /// The feeder waits for room; it is kept where the answer is `.wait`.
    mutating func awaitRoom(_ feeder: FeederWaiter) -> SupplyAction {
        switch supply {
        case .starved: return .goOn
        case .full, .complete, .dropped: return .stop
        case .flowing:
            guard pieces.byteCount >= highWater else { return .goOn }
            supply = .full(feeder)
            return .wait
        }
    }

    /// The feeder has brought everything, or cannot; returns whether the thread must be woken to see it.
    mutating func endSupply(_ end: End) -> Bool {
        switch supply {
        case .flowing, .starved:
            supply = .complete(end)
            return true
        case .full, .complete, .dropped: return false
        }
    }

    /// There is room for so many bytes on the wire.
    mutating func send(atMost limit: Int) -> SendAction {
        guard let bytes = pieces.popFirst(atMost: limit) else {
            switch supply {
            case .complete(.success): return .end
            case .complete(.failure), .dropped: return .fail
            case .flowing, .starved, .full:
                supply = .starved
                return .wait
            }
        }
        guard case .full(let feeder) = supply, pieces.byteCount < lowWater else { return .bytes(bytes, nil) }
        supply = .flowing
        return .bytes(bytes, feeder)
    }
}

// MARK: The end

extension TransferMachine {
    /// Whom to tell of the end. The task that feeds is to be cancelled.
    struct FinishAction: Sendable {
        var head: (waiter: HeadWaiter, Head)?
        var reader: ChunkWaiter?
        var feeder: FeederWaiter?
    }

    /// The exchange is over for everyone; `nil` when it was already. Of the request's body nothing is kept.
    mutating func finish(_ end: End) -> FinishAction? {
        var action = FinishAction()
        switch answer {
        case .ended: return nil
        case .streaming(let head): answer = .ended(head, end)
        case .awaited(let waiter):
            let head: Head =
                switch end {
                case .success: .failure(.broken("it ended without a head"))
                case .failure(let error): .failure(error)
                }
            answer = .ended(head, end)
            action.head = waiter.map { ($0, head) }
        }
        if case .awaitsBytes(let reader) = reading { action.reader = reader }
        if case .full(let feeder) = supply { action.feeder = feeder }
        reading = .flowing
        supply = .dropped
        pieces.removeAll()
        return action
    }
}
