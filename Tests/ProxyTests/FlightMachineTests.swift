import HTTPTypes
@testable import Proxy
import SemanticCache
import Testing

/// A flight's events and what follows from them. Who waits is a number here: nothing runs, nothing sleeps.
struct FlightMachineTests {
    private typealias Machine = FlightMachine<Int, Int, Int>

    private struct Reset: Error {}

    private static func head(_ status: Int = 200) -> Machine.Head { .success(Flight.Head(status: .init(code: status), fields: [:])) }

    private static func bytes(_ count: Int, _ value: UInt8 = 7) -> [UInt8] { [UInt8](repeating: value, count: count) }

    // MARK: Open

    @Test func whoWaitsGetsTheChunkAndWhoComesLaterReadsItFromTheFirstOn() {
        var machine = Machine(window: 10, limit: 100)
        let early = machine.join()
        #expect(machine.reads(early, as: 1) == "waits")
        let action = machine.bring([1, 2])
        #expect(action.readers == [1] && action.pumpMayGoOn)
        let late = machine.join()
        #expect(machine.reads(late, as: 2) == "[1, 2]")
        #expect(machine.reads(early, as: 3) == "waits")
        #expect(machine.reads(late, as: 4) == "waits")
        #expect(machine.bring([3]).readers == [3, 4])
        #expect(machine.bytesHeld == 3)
    }

    @Test func theHeadReachesWhoWaitsAndWhoAsksLater() {
        var machine = Machine(window: 10, limit: 100)
        let (one, two) = (machine.join(), machine.join())
        #expect(machine.asks(one, as: 1) == "waits")
        #expect(machine.asks(two, as: 2) == "waits")
        #expect(machine.resolve(Self.head(201)) == [1, 2])
        #expect(machine.asks(one, as: 3) == "201")
        #expect(machine.resolve(Self.head(500)).isEmpty)
        #expect(machine.asks(two, as: 4) == "201")
        // Also one who has left may know it.
        _ = machine.leave(one)
        #expect(machine.asks(one, as: 5) == "201")
    }

    @Test func thePumpWaitsAWindowAheadOfTheFastest() {
        var machine = Machine(window: 10, limit: 100)
        let (fast, slow) = (machine.join(), machine.join())
        #expect(machine.bring(Self.bytes(9)).pumpMayGoOn)
        #expect(!machine.bring(Self.bytes(1)).pumpMayGoOn)
        let waits = machine.awaitRoom(7)
        #expect(waits)
        // The slow one reads as much as the fast one: whoever is first frees the pump.
        #expect(machine.reads(fast, as: 1) == "\(Self.bytes(9)), pump 7")
        #expect(machine.reads(slow, as: 2) == "\(Self.bytes(9))")
        #expect(machine.reads(slow, as: 2) == "\(Self.bytes(1))")
    }

    @Test func roomThatCameMeanwhileNeedsNoWaiting() {
        var machine = Machine(window: 10, limit: 100)
        let reader = machine.join()
        #expect(!machine.bring(Self.bytes(10)).pumpMayGoOn)
        #expect(machine.reads(reader, as: 1) == "\(Self.bytes(10))")
        let waits = machine.awaitRoom(7)
        #expect(!waits)
    }

    // MARK: Held

    @Test func whileHeldTheLastWhoLeavesCancelsNothing() {
        var machine = Machine(window: 10, limit: 20)
        let only = machine.join()
        _ = machine.bring(Self.bytes(5))
        machine.hold()
        #expect(!machine.leave(only).cancelsPump && !machine.isAbandoned)
        // Without readers there is nobody to wait for, and who comes still gets every byte.
        #expect(machine.bring(Self.bytes(9, 1)).pumpMayGoOn)
        let late = machine.join()
        #expect(machine.reads(late, as: 1) == "\(Self.bytes(5))")
        #expect(machine.reads(late, as: 2) == "\(Self.bytes(9, 1))")
        let releases = machine.release()
        #expect(!releases, "somebody reads")
        #expect(machine.leave(late).cancelsPump)
    }

    @Test func aHoldThatEndsWithoutReadersCancelsThePump() {
        var machine = Machine(window: 10, limit: 20)
        let only = machine.join()
        machine.hold()
        _ = machine.leave(only)
        let (first, second) = (machine.release(), machine.release())
        #expect(first && !second && machine.isAbandoned)
        #expect(machine.bring(Self.bytes(30)).pumpMayGoOn && machine.bytesHeld == 0)
    }

    @Test func anEndedOrAbandonedFlightIsNotHeld() {
        var machine = Machine(window: 10, limit: 20)
        _ = machine.leave(machine.join())
        machine.hold()
        let isCancelledAgain = machine.release()
        #expect(machine.isAbandoned && !isCancelledAgain)
    }

    // MARK: Closed

    @Test func moreThanTheLimitClosesItAndLetsGoOfWhatAllHaveRead() {
        var machine = Machine(window: 10, limit: 20)
        let (fast, slow) = (machine.join(), machine.join())
        for value in UInt8(1)...4 {
            #expect(machine.reads(fast, as: 0) == "waits")
            _ = machine.bring(Self.bytes(5, value))
        }
        #expect(machine.bytesHeld == 20)
        #expect(machine.reads(slow, as: 0) == "\(Self.bytes(5, 1))")
        #expect(machine.bytesHeld == 20, "anyone may still join")
        let third = machine.subscribe()
        #expect(third != nil)
        _ = machine.leave(third ?? 0)
        #expect(!machine.bring(Self.bytes(5, 5)).pumpMayGoOn, "as much is held for the slow one as may be")
        #expect(machine.subscribe() == nil)
        #expect(machine.bytesHeld == 20, "the first chunk was read by all")
        let waits = machine.awaitRoom(7)
        #expect(waits)
        #expect(machine.reads(fast, as: 0) == "\(Self.bytes(5, 5))", "the fast one frees nothing")
        #expect(machine.reads(slow, as: 0) == "\(Self.bytes(5, 2)), pump 7")
        #expect(machine.bytesHeld == 15)
    }

    @Test func whoIsSlowHoldsNothingBackOnceItLeaves() {
        var machine = Machine(window: 10, limit: 10)
        let (fast, slow) = (machine.join(), machine.join())
        #expect(machine.reads(fast, as: 1) == "waits")
        #expect(!machine.bring(Self.bytes(11)).pumpMayGoOn)
        let waits = machine.awaitRoom(7)
        #expect(waits)
        let action = machine.leave(slow)
        #expect(action.pump == 7 && !action.cancelsPump)
        #expect(machine.bytesHeld == 0)
    }

    @Test func withoutAHeadNobodyJoins() {
        var machine = Machine(window: 10, limit: 100)
        let reader = machine.join()
        #expect(machine.asks(reader, as: 1) == "waits")
        #expect(machine.resolve(.failure(.closed)) == [1])
        #expect(machine.subscribe() == nil)
        #expect(machine.asks(reader, as: 2) == "\(UpstreamError.closed)")
        #expect(machine.finish(.broken(UpstreamError.closed)).heads.isEmpty)
        #expect(machine.reads(reader, as: 3) == "\(UpstreamError.closed)")
    }

    // MARK: Ended

    @Test(arguments: [true, false], [true, false])
    func theEndComesAfterTheLastByte(isClean: Bool, isClosed: Bool) {
        var machine = Machine(window: 10, limit: 10)
        let (one, two) = (machine.join(), machine.join())
        _ = machine.resolve(Self.head())
        #expect(machine.reads(one, as: 1) == "waits")
        let chunk = Self.bytes(isClosed ? 11 : 5)
        #expect(machine.bring(chunk).readers == [1])
        #expect(machine.reads(one, as: 2) == "waits")
        let action = machine.finish(isClean ? .clean : .broken(Reset()))
        #expect(action.readers == [2] && action.heads.isEmpty)
        #expect(machine.subscribe() == nil)
        #expect(machine.bytesHeld == chunk.count, "for the one who has not read it")
        let end = isClean ? "end" : "\(Reset())"
        #expect(machine.reads(one, as: 3) == end)
        #expect(machine.reads(two, as: 4) == "\(chunk)")
        #expect(machine.bytesHeld == 0)
        #expect(machine.reads(two, as: 5) == end)
        #expect(machine.reads(two, as: 6) == end)
        #expect(!machine.leave(one).cancelsPump && !machine.leave(two).cancelsPump)
    }

    @Test func nothingFollowsTheEnd() {
        var machine = Machine(window: 10, limit: 100)
        let reader = machine.join()
        #expect(machine.reads(reader, as: 1) == "waits")
        #expect(machine.finish(.clean).readers == [1])
        let again = machine.finish(.broken(Reset()))
        #expect(again.readers.isEmpty && again.heads.isEmpty && again.pump == nil)
        let late = machine.bring([1])
        #expect(late.readers.isEmpty && late.pumpMayGoOn && machine.bytesHeld == 0)
        let waits = machine.awaitRoom(7)
        #expect(!waits)
        #expect(machine.reads(reader, as: 2) == "end")
    }

    @Test func anEndWithoutAHeadIsToldToWhoWaitsForTheHead() {
        var broken = Machine(window: 10, limit: 100)
        let one = broken.join()
        #expect(broken.asks(one, as: 1) == "waits")
        let action = broken.finish(.broken(UpstreamError.closed))
        #expect(action.heads == [1])
        #expect(broken.asks(one, as: 2) == "\(UpstreamError.closed)")

        var clean = Machine(window: 10, limit: 100)
        let two = clean.join()
        #expect(clean.asks(two, as: 1) == "waits")
        #expect(clean.finish(.clean).heads == [1])
        #expect(clean.asks(two, as: 2) == "\(UpstreamError.cancelled)")
    }

    @Test func aPumpThatWaitsIsToldOfAnEndToo() {
        var machine = Machine(window: 10, limit: 100)
        _ = machine.join()
        _ = machine.bring(Self.bytes(10))
        let waits = machine.awaitRoom(7)
        #expect(waits)
        #expect(machine.finish(.clean).pump == 7)
    }

    // MARK: Leaving, at every state

    @Test func theLastToLeaveAbandonsIt() {
        for isClosed in [false, true] {
            var machine = Machine(window: 10, limit: 10)
            let (one, two) = (machine.join(), machine.join())
            #expect(!machine.bring(Self.bytes(isClosed ? 11 : 10)).pumpMayGoOn)
            let waits = machine.awaitRoom(7)
            #expect(waits)
            #expect(!machine.leave(one).cancelsPump)
            #expect(!machine.isAbandoned)
            let action = machine.leave(two)
            #expect(action.cancelsPump && action.pump == 7)
            #expect(machine.isAbandoned && machine.bytesHeld == 0)
            #expect(machine.subscribe() == nil)
            // The pump may bring what it has in hand before it notices; it never waits.
            let late = machine.bring(Self.bytes(50))
            #expect(late.pumpMayGoOn && machine.bytesHeld == 0)
            let waitsAgain = machine.awaitRoom(8)
            #expect(!waitsAgain)
            #expect(machine.finish(.clean).readers.isEmpty)
            #expect(machine.isAbandoned)
        }
    }

    @Test(arguments: [true, false], [true, false])
    func whoLeavesIsToldOnceInWhateverItWaitsFor(waitsForHead: Bool, waitsForChunk: Bool) {
        var machine = Machine(window: 10, limit: 100)
        let (leaver, keeper) = (machine.join(), machine.join())
        if waitsForHead { #expect(machine.asks(leaver, as: 1) == "waits") }
        if waitsForChunk { #expect(machine.reads(leaver, as: 2) == "waits") }
        #expect(machine.reads(keeper, as: 3) == "waits")
        let action = machine.leave(leaver)
        #expect(action.head == (waitsForHead ? 1 : nil) && action.reader == (waitsForChunk ? 2 : nil))
        let again = machine.leave(leaver)
        #expect(again.head == nil && again.reader == nil && again.pump == nil && !again.cancelsPump)
        #expect(machine.resolve(Self.head()).isEmpty)
        #expect(machine.bring([1]).readers == [3])
        #expect(machine.reads(leaver, as: 4) == "\(CancellationError())")
    }

    @Test func whoLeavesAfterTheEndFreesWhatWasHeldForIt() {
        var machine = Machine(window: 10, limit: 100)
        let (one, two) = (machine.join(), machine.join())
        _ = machine.bring([1, 2, 3])
        _ = machine.finish(.clean)
        #expect(machine.reads(one, as: 1) == "[1, 2, 3]")
        #expect(machine.bytesHeld == 3)
        #expect(!machine.leave(two).cancelsPump)
        #expect(machine.bytesHeld == 0 && !machine.isAbandoned)
        #expect(machine.reads(one, as: 2) == "end")
    }

    /// The furthest of those who are left is who the window is measured from.
    @Test func theFastestLeaves() {
        var machine = Machine(window: 10, limit: 100)
        let (fast, slow) = (machine.join(), machine.join())
        #expect(machine.reads(fast, as: 1) == "waits")
        #expect(machine.bring(Self.bytes(8)).pumpMayGoOn)
        _ = machine.leave(fast)
        #expect(!machine.bring(Self.bytes(8)).pumpMayGoOn)
        let waits = machine.awaitRoom(7)
        #expect(waits)
        #expect(machine.reads(slow, as: 2) == "\(Self.bytes(8)), pump 7")
    }

    // MARK: What a caller must not do

    @Test func whoWaitsTwiceIsTurnedAway() {
        var machine = Machine(window: 10, limit: 100)
        let reader = machine.join()
        #expect(machine.asks(reader, as: 1) == "waits")
        #expect(machine.asks(reader, as: 2) == "\(UpstreamError.cancelled)")
        #expect(machine.reads(reader, as: 3) == "waits")
        #expect(machine.reads(reader, as: 4) == "\(CancellationError())")
        #expect(machine.resolve(Self.head()) == [1])
        #expect(machine.bring([1]).readers == [3])
        _ = machine.bring(Self.bytes(20))
        let first = machine.awaitRoom(5)
        let second = machine.awaitRoom(6)
        #expect(first && !second)
        #expect(machine.reads(reader, as: 7) == "\(Self.bytes(20)), pump 5")
    }

    @Test func unknownReadersGetNothing() {
        var machine = Machine(window: 10, limit: 100)
        let reader = machine.join()
        _ = machine.bring([1])
        #expect(machine.reads(reader + 1, as: 1) == "\(CancellationError())")
        #expect(machine.asks(reader + 1, as: 2) == "\(UpstreamError.cancelled)")
        #expect(!machine.leave(reader + 1).cancelsPump)
        #expect(machine.reads(reader, as: 3) == "[1]")
    }

    @Test func anEmptyChunkIsNone() {
        var machine = Machine(window: 10, limit: 100)
        let reader = machine.join()
        #expect(machine.reads(reader, as: 1) == "waits")
        let action = machine.bring([])
        #expect(action.readers.isEmpty && action.pumpMayGoOn)
    }
}

extension FlightMachine where HeadWaiter == Int, ChunkWaiter == Int, PumpWaiter == Int {
    /// Joins a flight that can be joined.
    mutating func join() -> Int {
        guard let id = subscribe() else {
            Issue.record("nobody can join")
            return 0
        }
        return id
    }

    /// What a reader gets who wants the head, in words.
    mutating func asks(_ id: Int, as waiter: Int) -> String {
        switch awaitHead(id, waiter) {
        case .tell(.success(let head)): "\(head.status.code)"
        case .tell(.failure(let error)): "\(error)"
        case .wait: "waits"
        }
    }

    /// What a reader gets who wants a chunk, in words.
    mutating func reads(_ id: Int, as waiter: Int) -> String {
        switch read(id, waiter) {
        case .chunk(let chunk, nil): "\(chunk)"
        case .chunk(let chunk, let pump?): "\(chunk), pump \(pump)"
        case .end(.clean): "end"
        case .end(.broken(let error)): "\(error)"
        case .wait: "waits"
        }
    }
}
