import DequeModule
import SemanticCache

/// What goes on in a ``Flight``, without its pump and its tasks: each event returns what is to be done.
///
/// Whoever waits stands for itself in what it brings along: a continuation in a flight, a number in a test. Who was kept comes out of one later
/// event, with its answer, and only of one. Events that come too late, or twice, change nothing.
struct FlightMachine<HeadWaiter: Sendable, ChunkWaiter: Sendable, PumpWaiter: Sendable> {
    typealias Head = Result<Flight.Head, UpstreamError>

    enum End: Sendable {
        case clean
        case broken(any Error)
    }

    ///     open --more than `limit` is held, or there is no head--> closed
    ///     open, closed --the answer ends--> ended
    ///     open, closed --the last reader leaves, or has left when the hold ends--> abandoned
    private enum State {
        /// Anyone may join: every chunk since the first is there.
        case open
        /// Nobody can join any more. What all readers have read is let go.
        case closed
        /// No more chunks come. What is there is still read, and after it the end.
        case ended(End)
        /// Nobody is left whom the answer could reach.
        case abandoned
    }

    private struct Reader {
        let id: Int
        /// Index of the next chunk, counted from the first one ever.
        var next = 0
        var bytesRead = 0
        var headWaiter: HeadWaiter?
        /// Set only where every chunk was read.
        var chunkWaiter: ChunkWaiter?
    }

    private let window: Int
    private let limit: Int
    private var state = State.open
    private var head: Head?
    private var chunks: Deque<[UInt8]> = []
    /// How many chunks were let go from the front.
    private var dropped = 0
    private var bytesBrought = 0
    /// What the chunks hold that are still there.
    private(set) var bytesHeld = 0
    /// In the order of their ids.
    private var readers: [Reader] = []
    private var lastID = 0
    private var pump: PumpWaiter?
    /// Whether the pump goes on without readers, and does not wait for them where there are none.
    private var isHeld = false

    /// - Parameters:
    ///   - window: how far the pump may run ahead of the fastest reader, in bytes.
    ///   - limit: how much may be held for joiners and slow readers, in bytes; at least a window.
    init(window: Int, limit: Int) {
        self.window = window
        self.limit = max(limit, window)
    }

    var isAbandoned: Bool { if case .abandoned = state { true } else { false } }

    private var isUnderway: Bool {
        switch state {
        case .open, .closed: true
        case .ended, .abandoned: false
        }
    }

    private func place(of id: Int) -> Int? {
        var (low, high) = (0, readers.count)
        while low < high {
            let middle = (low + high) / 2
            if readers[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < readers.count && readers[low].id == id ? low : nil
    }
}

// MARK: The pump's side

extension FlightMachine {
    /// Hand the chunk to the readers, who waited for it; then the pump goes on, or waits for room.
    struct BringAction: Sendable {
        var readers: [ChunkWaiter] = []
        var pumpMayGoOn = true
    }

    struct FinishAction: Sendable {
        var heads: [HeadWaiter] = []
        /// What those who still wait for the head are told.
        var head: Head = .failure(.cancelled)
        /// Those who still wait for a chunk are told the end.
        var readers: [ChunkWaiter] = []
        var pump: PumpWaiter?
    }

    /// The answer's head is known, or that there is none; returns who waits for it. Only the first counts.
    mutating func resolve(_ head: Head) -> [HeadWaiter] {
        guard self.head == nil else { return [] }
        self.head = head
        if case .failure = head, case .open = state {
            state = .closed
            letGo()
        }
        return readers.indices.compactMap { readers[$0].headWaiter.take() }
    }

    /// A chunk came.
    ///
    /// - Complexity: O(n) in the readers.
    mutating func bring(_ chunk: [UInt8]) -> BringAction {
        guard isUnderway, !chunk.isEmpty else { return BringAction() }
        chunks.append(chunk)
        bytesBrought += chunk.count
        bytesHeld += chunk.count
        if bytesHeld > limit { state = .closed }
        var action = BringAction()
        for index in readers.indices {
            guard let waiter = readers[index].chunkWaiter.take() else { continue }
            action.readers.append(waiter)
            readers[index].next += 1
            readers[index].bytesRead += chunk.count
        }
        letGo()
        action.pumpMayGoOn = hasRoom
        return action
    }

    /// The pump waits for room; `false` where it may go on at once, else it is kept.
    mutating func awaitRoom(_ waiter: PumpWaiter) -> Bool {
        guard isUnderway, pump == nil, !hasRoom else { return false }
        pump = waiter
        return true
    }

    /// What still comes is wanted also where nobody reads it: the last reader who leaves does not end the flight.
    mutating func hold() {
        if isUnderway { isHeld = true }
    }

    /// What still comes is wanted by readers alone; returns whether the pump is to be cancelled, because there are none.
    mutating func release() -> Bool {
        guard isHeld else { return false }
        isHeld = false
        guard readers.isEmpty, isUnderway else { return false }
        state = .abandoned
        letGo()
        return true
    }

    /// The answer is complete, or broke off; returns whom to tell. Only the first counts.
    mutating func finish(_ end: End) -> FinishAction {
        guard isUnderway else { return FinishAction() }
        state = .ended(end)
        letGo()
        var action = FinishAction()
        action.pump = pump.take()
        action.readers = readers.indices.compactMap { readers[$0].chunkWaiter.take() }
        guard head == nil else { return action }
        if case .broken(let error as UpstreamError) = end { action.head = .failure(error) }
        action.heads = resolve(action.head)
        return action
    }
}

// MARK: The readers' side

extension FlightMachine {
    enum HeadAction: Sendable {
        case tell(Head)
        /// The reader is kept.
        case wait
    }

    enum ReadAction: Sendable {
        /// A chunk; the pump may go on if it waits.
        case chunk([UInt8], PumpWaiter?)
        case end(End)
        /// The reader is kept.
        case wait
    }

    struct LeaveAction: Sendable {
        /// What the reader itself waited for: it is told that it was cancelled.
        var head: HeadWaiter?
        var reader: ChunkWaiter?
        /// The pump, which may go on.
        var pump: PumpWaiter?
        /// Nobody is left: the pump is to be cancelled.
        var cancelsPump = false
    }

    /// A reader joins, and reads from the first byte on; `nil` when it is too late for that.
    mutating func subscribe() -> Int? {
        guard case .open = state else { return nil }
        lastID += 1
        readers.append(Reader(id: lastID))
        return lastID
    }

    /// A reader wants the head. Who has left, or waits for it already, is told that it was cancelled.
    mutating func awaitHead(_ id: Int, _ waiter: HeadWaiter) -> HeadAction {
        if let head { return .tell(head) }
        guard let place = place(of: id), readers[place].headWaiter == nil else { return .tell(.failure(.cancelled)) }
        readers[place].headWaiter = waiter
        return .wait
    }

    /// A reader wants the next chunk. Who has left, or waits for one already, is told that it was cancelled.
    ///
    /// - Complexity: O(log n) in the readers, while nobody waits for this one to read and anyone may join; else O(n).
    mutating func read(_ id: Int, _ waiter: ChunkWaiter) -> ReadAction {
        guard let place = place(of: id), readers[place].chunkWaiter == nil else { return .end(.broken(CancellationError())) }
        let index = readers[place].next - dropped
        if index < chunks.count {
            let chunk = chunks[index]
            readers[place].next += 1
            readers[place].bytesRead += chunk.count
            letGo()
            return .chunk(chunk, pumpWithRoom())
        }
        if case .ended(let end) = state { return .end(end) }
        readers[place].chunkWaiter = waiter
        return .wait
    }

    /// A reader leaves.
    mutating func leave(_ id: Int) -> LeaveAction {
        guard let place = place(of: id) else { return LeaveAction() }
        let reader = readers.remove(at: place)
        var action = LeaveAction(head: reader.headWaiter, reader: reader.chunkWaiter)
        if readers.isEmpty, isUnderway, !isHeld {
            state = .abandoned
            action.cancelsPump = true
        }
        letGo()
        action.pump = pumpWithRoom()
        return action
    }
}

// MARK: Room

extension FlightMachine {
    /// Ahead of the fastest reader by less than a window, and not too much held for the slowest.
    private var hasRoom: Bool {
        if isHeld, readers.isEmpty { return true }
        let furthest = readers.lazy.map(\.bytesRead).max() ?? 0
        guard bytesBrought - furthest < window else { return false }
        if case .open = state { return true }
        return bytesHeld < limit
    }

    private mutating func pumpWithRoom() -> PumpWaiter? {
        guard pump != nil, isAbandoned || hasRoom else { return nil }
        return pump.take()
    }

    /// Once nobody can join, what every reader has read is of no more use.
    private mutating func letGo() {
        if case .open = state { return }
        let slowest = readers.lazy.map(\.next).min() ?? dropped + chunks.count
        guard slowest > dropped else { return }
        for chunk in chunks.prefix(slowest - dropped) { bytesHeld -= chunk.count }
        chunks.removeFirst(slowest - dropped)
        dropped = slowest
    }
}
