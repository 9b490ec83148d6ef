@testable import Forwarding
import HTTPTypes
import SemanticCache
import Testing

/// A transfer's events and what follows from them. Who waits is a number here: no thread, no task, no socket.
struct TransferMachineTests {
    private typealias Machine = TransferMachine<Int, Int, Int>

    private var machine = Machine(highWater: 10, lowWater: 4)

    private static let head: Machine.Head = .success((.ok, [:]))

    private static func bytes(_ count: Int, _ value: UInt8 = 7) -> [UInt8] { [UInt8](repeating: value, count: count) }

    // MARK: The head

    @Test mutating func theHeadReachesWhoWaitsForIt() {
        #expect(machine.asks(as: 1) == "waits")
        #expect(machine.resolve(Self.head) == 1)
        #expect(machine.asks(as: 2) == "200")
        #expect(machine.resolve(.success((.notFound, [:]))) == nil)
        #expect(machine.asks(as: 3) == "200", "the first counts")
    }

    @Test mutating func aHeadThatIsThereNeedsNoWaiting() {
        #expect(machine.resolve(Self.head) == nil)
        #expect(machine.asks(as: 1) == "200")
    }

    @Test mutating func aSecondWhoWaitsForTheHeadIsTurnedAway() {
        #expect(machine.asks(as: 1) == "waits")
        #expect(machine.asks(as: 2) == "\(UpstreamError.cancelled)")
        #expect(machine.resolve(Self.head) == 1)
    }

    // MARK: The answer's body

    @Test mutating func whoWaitsGetsTheChunkItself() {
        _ = machine.resolve(Self.head)
        #expect(machine.peeks() == "nothing")
        #expect(machine.reads(as: 1) == "waits")
        #expect(machine.receives([1, 2]) == "reader 1")
        #expect(machine.peeks() == "nothing", "it is not queued as well")
        #expect(machine.receives([3]) == "taken")
        #expect(machine.reads(as: 2) == "[3]", "no waiting for what came meanwhile")
    }

    @Test mutating func aReaderThatIsFarBehindPausesTheTransfer() {
        _ = machine.resolve(Self.head)
        #expect(machine.receives(Self.bytes(6)) == "taken")
        #expect(machine.receives(Self.bytes(6)) == "taken", "below the mark before, so it is taken whole")
        #expect(!machine.isPaused)
        #expect(machine.receives([9]) == "pause")
        #expect(machine.receives([9]) == "pause")
        #expect(machine.isPaused)
        #expect(machine.peeks() == "\(Self.bytes(6))")
        #expect(machine.isPaused, "six are more than the low-water mark")
        #expect(machine.receives([1]) == "taken", "one that comes all the same finds room")
        #expect(machine.isPaused)
        #expect(machine.peeks() == "\(Self.bytes(6)), resume")
        #expect(!machine.isPaused)
        #expect(machine.receives([9]) == "taken")
        #expect(machine.peeks() == "[1]")
        #expect(machine.peeks() == "[9]")
    }

    @Test mutating func aSecondReaderIsTurnedAway() {
        #expect(machine.reads(as: 1) == "waits")
        #expect(machine.reads(as: 2) == "\(UpstreamError.cancelled)")
        #expect(machine.receives([1]) == "reader 1")
    }

    // MARK: The end

    @Test mutating func theEndComesAfterTheLastByte() {
        _ = machine.resolve(Self.head)
        _ = machine.receives([1])
        _ = machine.receives([2])
        #expect(machine.ends(.success(())) == "")
        #expect(machine.hasEnded)
        #expect(machine.peeks() == "[1]")
        #expect(machine.reads(as: 1) == "[2]")
        #expect(machine.peeks() == "end")
        #expect(machine.reads(as: 2) == "end")
        #expect(machine.asks(as: 3) == "200")
    }

    @Test mutating func aBreakComesAfterTheLastByte() {
        _ = machine.resolve(Self.head)
        _ = machine.receives([1])
        #expect(machine.ends(.failure(.broken("reset"))) == "")
        #expect(machine.peeks() == "[1]")
        #expect(machine.peeks() == "\(UpstreamError.broken("reset"))")
    }

    @Test mutating func aPausedTransferThatEndsIsNotResumed() {
        _ = machine.resolve(Self.head)
        _ = machine.receives(Self.bytes(10))
        #expect(machine.receives([1]) == "pause")
        #expect(machine.ends(.failure(.cancelled)) == "")
        #expect(!machine.isPaused)
        #expect(machine.peeks() == "\(Self.bytes(10))")
        #expect(machine.peeks() == "\(UpstreamError.cancelled)")
    }

    @Test mutating func onlyTheFirstEndCounts() {
        #expect(machine.asks(as: 1) == "waits")
        #expect(machine.reads(as: 2) == "waits")
        #expect(machine.ends(.failure(.closed)) == "head 1, reader 2")
        #expect(machine.ends(.success(())) == "again")
        #expect(machine.resolve(Self.head) == nil)
        #expect(machine.asks(as: 3) == "\(UpstreamError.closed)")
        #expect(machine.receives([1]) == "taken")
        #expect(machine.peeks() == "\(UpstreamError.closed)", "what came after the end is nobody's")
    }

    @Test mutating func anEndWithoutAHeadIsAFailure() {
        #expect(machine.asks(as: 1) == "waits")
        #expect(machine.ends(.success(())) == "head 1")
        #expect(machine.asks(as: 2) == "\(UpstreamError.broken("it ended without a head"))")
    }

    // MARK: The request's body

    @Test mutating func piecesGoOutInOrderAndInPartsThatFit() {
        #expect(machine.feeds([1, 2, 3]) == "go on")
        #expect(machine.feeds([4]) == "go on")
        #expect(machine.sends(2) == "[1, 2]")
        #expect(machine.sends(2) == "[3]")
        #expect(machine.sends(2) == "[4]")
        #expect(machine.sends(2) == "waits")
        #expect(machine.isStarved)
        #expect(machine.feeds([5]) == "go on, wake")
        #expect(!machine.isStarved)
        #expect(machine.feeds([6]) == "go on")
        let wakes = machine.endSupply(.success(()))
        #expect(wakes)
        #expect(machine.sends(2) == "[5]")
        #expect(machine.sends(2) == "[6]")
        #expect(machine.sends(2) == "end")
        #expect(machine.sends(2) == "end")
        #expect(machine.supplyFailure == nil)
    }

    @Test mutating func theEndOfTheBodyWakesWhoIsStarved() {
        #expect(machine.sends(1) == "waits")
        let wakes = machine.endSupply(.success(()))
        #expect(wakes && !machine.isStarved)
        #expect(machine.sends(1) == "end")
        let again = machine.endSupply(.failure(.cancelled))
        #expect(!again, "the first end counts")
        #expect(machine.sends(1) == "end")
    }

    @Test mutating func aBodyThatBreaksFailsAfterWhatCame() {
        #expect(machine.feeds([1]) == "go on")
        let wakes = machine.endSupply(.failure(.requestBody("gone")))
        #expect(wakes)
        #expect(machine.supplyFailure?.description == UpstreamError.requestBody("gone").description)
        #expect(machine.sends(9) == "[1]")
        #expect(machine.sends(9) == "fails")
    }

    @Test mutating func aFeederThatIsFarAheadWaits() {
        #expect(machine.feeds(Self.bytes(9)) == "go on")
        #expect(machine.feeds(Self.bytes(1)) == "wait")
        #expect(machine.waits(as: 1) == "kept")
        #expect(machine.sends(6) == "\(Self.bytes(6))")
        #expect(machine.sends(1) == "\(Self.bytes(1)), feeder 1")
        #expect(machine.feeds(Self.bytes(1)) == "go on")
    }

    @Test mutating func roomThatCameMeanwhileNeedsNoWaiting() {
        #expect(machine.feeds(Self.bytes(10)) == "wait")
        #expect(machine.sends(1) == "\(Self.bytes(1))")
        #expect(machine.waits(as: 1) == "go on")
        #expect(machine.sends(100) == "\(Self.bytes(9))")
        #expect(machine.sends(100) == "waits")
        #expect(machine.waits(as: 2) == "go on", "also where the thread is starved already")
    }

    @Test mutating func aSecondFeederIsTurnedAway() {
        #expect(machine.feeds(Self.bytes(10)) == "wait")
        #expect(machine.waits(as: 1) == "kept")
        #expect(machine.waits(as: 2) == "stop")
        let wakes = machine.endSupply(.success(()))
        #expect(!wakes, "who waits cannot end it")
        #expect(machine.sends(10) == "\(Self.bytes(10)), feeder 1")
    }

    @Test mutating func anEmptyPieceIsNone() {
        #expect(machine.sends(1) == "waits")
        #expect(machine.feeds([]) == "go on")
        #expect(machine.isStarved)
        #expect(machine.sends(1) == "waits")
    }

    // MARK: Ending at every state

    @Test mutating func endingTellsTheFeederThatWaits() {
        _ = machine.resolve(Self.head)
        #expect(machine.feeds(Self.bytes(10)) == "wait")
        #expect(machine.waits(as: 3) == "kept")
        #expect(machine.reads(as: 2) == "waits")
        #expect(machine.ends(.failure(.cancelled)) == "reader 2, feeder 3")
        #expect(machine.feeds([1]) == "stop")
        #expect(machine.waits(as: 4) == "stop")
        #expect(machine.sends(1) == "fails", "nothing is kept to send")
    }

    @Test(arguments: ["flowing", "starved", "complete", "failed"])
    mutating func endingStopsTheBody(state: String) {
        #expect(machine.feeds([1]) == "go on")
        switch state {
        case "starved":
            #expect(machine.sends(1) == "[1]")
            #expect(machine.sends(1) == "waits")
        case "complete": _ = machine.endSupply(.success(()))
        case "failed": _ = machine.endSupply(.failure(.requestBody("gone")))
        default: break
        }
        #expect(machine.ends(.success(())) == "")
        #expect(!machine.isStarved)
        #expect(machine.sends(1) == "fails")
        #expect(machine.feeds([1]) == "stop")
        let wakes = machine.endSupply(.success(()))
        #expect(!wakes)
    }
}

extension TransferMachine where HeadWaiter == Int, ChunkWaiter == Int, FeederWaiter == Int {
    /// What becomes of a task that asks for the head, in words.
    mutating func asks(as waiter: Int) -> String {
        switch awaitHead(waiter) {
        case .tell(.success((let status, _))): "\(status.code)"
        case .tell(.failure(let error)): "\(error)"
        case .wait: "waits"
        }
    }

    /// What a reader finds that does not wait.
    mutating func peeks() -> String { Self.words(read(), waiting: "nothing") }

    /// What becomes of a reader that waits if it must.
    mutating func reads(as waiter: Int) -> String { Self.words(read(waiter), waiting: "waits") }

    private static func words(_ action: ReadAction, waiting: String) -> String {
        switch action {
        case .chunk(let chunk, let resumes): resumes ? "\(chunk), resume" : "\(chunk)"
        case .end(.success): "end"
        case .end(.failure(let error)): "\(error)"
        case .wait: waiting
        }
    }

    mutating func receives(_ chunk: [UInt8]) -> String {
        switch receive(chunk) {
        case .deliver(let reader): "reader \(reader)"
        case .taken: "taken"
        case .pause: "pause"
        }
    }

    mutating func feeds(_ piece: [UInt8]) -> String {
        let (action, wakes) = feed(piece)
        return Self.words(action) + (wakes ? ", wake" : "")
    }

    mutating func waits(as waiter: Int) -> String {
        let action = awaitRoom(waiter)
        return if case .wait = action { "kept" } else { Self.words(action) }
    }

    private static func words(_ action: SupplyAction) -> String {
        switch action {
        case .goOn: "go on"
        case .wait: "wait"
        case .stop: "stop"
        }
    }

    mutating func sends(_ limit: Int) -> String {
        switch send(atMost: limit) {
        case .bytes(let bytes, nil): "\(Array(bytes))"
        case .bytes(let bytes, let feeder?): "\(Array(bytes)), feeder \(feeder)"
        case .end: "end"
        case .wait: "waits"
        case .fail: "fails"
        }
    }

    /// Whom the end is told to.
    mutating func ends(_ end: End) -> String {
        guard let action = finish(end) else { return "again" }
        let told = [action.head.map { "head \($0.waiter)" }, action.reader.map { "reader \($0)" }, action.feeder.map { "feeder \($0)" }]
        return told.compactMap(\.self).joined(separator: ", ")
    }
}
