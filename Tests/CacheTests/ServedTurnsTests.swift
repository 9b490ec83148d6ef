@testable import Cache
import Logging
import SemanticCache
import Storage
import TestSupport
import Testing

struct ServedTurnsTests {
    private static func mark(_ number: UInt64) -> TurnMark { TurnMark(high: number &* 0x9E37_79B9_7F4A_7C15, low: number) }
    private static func id(_ number: Int64) -> EntryID { EntryID(rawValue: number) }

    @Test("the last word on a turn counts, and marks that share half of themselves are two")
    func finds() {
        let turns = ServedTurns(limit: 10)
        turns.note(Self.mark(1), servedBy: Self.id(7), answer: 3, after: nil)
        #expect(turns.find(Self.mark(1)) == ServedTurns.Served(entry: Self.id(7), answer: 3, parent: nil))
        turns.note(Self.mark(1), servedBy: Self.id(8), answer: 4, after: Self.mark(9))
        #expect(turns.find(Self.mark(1)) == ServedTurns.Served(entry: Self.id(8), answer: 4, parent: 9))
        #expect(turns.find(TurnMark(high: 5, low: 1)) == nil && turns.count == 1)
    }

    @Test("the oldest make room, in less than 100 bytes each")
    func isBounded() {
        let turns = ServedTurns(limit: 4096)
        for number in 1...10_000 as ClosedRange<UInt64> { turns.note(Self.mark(number), servedBy: Self.id(1), answer: 1, after: nil) }
        #expect(turns.count == 4096)
        #expect(turns.find(Self.mark(10_000 - 4096)) == nil && turns.find(Self.mark(10_000 - 4095)) != nil)
        #expect(turns.memoryBytes < 4096 * 100)
    }

    @Test("a disputed entry takes along the turns it answered, what stands on those, and what was kept behind them")
    func disputes() {
        let turns = ServedTurns()
        turns.note(Self.mark(1), servedBy: Self.id(1), answer: 1, after: nil)
        turns.note(Self.mark(2), servedBy: Self.id(2), answer: 1, after: Self.mark(1))
        turns.note(Self.id(20), madeAfter: Self.mark(2))
        turns.note(Self.mark(3), servedBy: Self.id(20), answer: 1, after: nil)
        turns.note(Self.id(30), madeAfter: Self.mark(3))
        turns.note(Self.mark(4), servedBy: Self.id(4), answer: 1, after: nil)
        turns.note(Self.id(40), madeAfter: Self.mark(4))
        #expect(turns.dispute([Self.id(1)]) == [Self.id(20), Self.id(30)])
        #expect(turns.count == 1 && turns.find(Self.mark(4)) != nil)
        #expect(turns.dispute([Self.id(99)]).isEmpty)
    }

    @Test("what was noted is there after a restart, also in a ring that went round")
    func survives() async throws {
        let store = MemoryStore()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let turns = ServedTurns(limit: 2048)
        let upkeep = ServedTurnsUpkeep(turns, store: store, interval: .seconds(3600), logger: logger)
        for number in 1...3000 as ClosedRange<UInt64> {
            turns.note(Self.mark(number), servedBy: Self.id(Int64(number)), answer: UInt32(number), after: number > 1 ? Self.mark(number - 1) : nil)
            if number.isMultiple(of: 700) { await upkeep.save() }
        }
        await upkeep.save()
        let again = ServedTurns(limit: 2048)
        await ServedTurnsUpkeep(again, store: store, interval: .seconds(3600), logger: logger).restore()
        #expect(again.count == 2048)
        for number in [953, 2000, 3000] as [UInt64] { #expect(again.find(Self.mark(number)) == turns.find(Self.mark(number))) }
        // It goes on where it was: the oldest make room first.
        again.note(Self.mark(5000), servedBy: Self.id(1), answer: 1, after: nil)
        #expect(again.find(Self.mark(953)) == nil && again.find(Self.mark(954)) != nil)
    }

    @Test("damaged state is passed over, and what is removed stays removed")
    func isForgiving() async throws {
        let store = MemoryStore()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        for bytes in [[], [1], [2, 0, 0, 0, 0, 0, 0, 0, 0], [UInt8](repeating: 1, count: 45)] as [[UInt8]] {
            try await store.setState(bytes, named: "served-turns/0")
            let turns = ServedTurns()
            await ServedTurnsUpkeep(turns, store: store, interval: .seconds(1), logger: logger).restore()
            #expect(turns.isEmpty)
        }
        let turns = ServedTurns()
        let upkeep = ServedTurnsUpkeep(turns, store: store, interval: .seconds(3600), logger: logger)
        turns.note(Self.mark(1), servedBy: Self.id(1), answer: 1, after: nil)
        await upkeep.save()
        turns.removeAll()
        await upkeep.save()
        #expect(try await store.state(named: "served-turns/0") == nil)
    }
}
