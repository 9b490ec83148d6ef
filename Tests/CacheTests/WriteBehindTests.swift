@testable import Cache
import Logging
import SemanticCache
import Testing
import TestSupport

struct WriteBehindTests {
    private let store = FaultyStore()

    private func writer(limit: Int = 100, byteLimit: Int = .max) -> WriteBehind {
        WriteBehind(
            store: store, interval: .seconds(3600), limit: limit, byteLimit: byteLimit,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func large(_ number: Int, bytes: Int) -> CacheRecord {
        CacheRecord(entry: Sample.entry(number, body: [UInt8](repeating: 32, count: bytes)), embedding: nil)
    }

    @Test func additionsReachTheStoreInOneBatch() async {
        let writer = writer()
        for number in 1...50 { writer.add(Sample.record(number)) }
        #expect(store.ids.isEmpty)
        await writer.flush()
        #expect(store.ids == Set((1...50).map { EntryID(rawValue: $0) }))
        #expect(store.insertions == 1)
        #expect(writer.depth == 0)
    }

    @Test func aRemovalOvertakesItsAddition() async {
        let writer = writer()
        writer.add(Sample.record(1))
        writer.remove([EntryID(rawValue: 1)])
        writer.add(Sample.record(2))
        await writer.flush()
        #expect(store.ids == [EntryID(rawValue: 2)])
    }

    @Test func removeAllForgetsWhatWaits() async {
        let writer = writer()
        writer.add(Sample.record(1))
        await writer.flush()
        writer.add(Sample.record(2))
        writer.removeAll()
        writer.add(Sample.record(3))
        await writer.flush()
        #expect(store.ids == [EntryID(rawValue: 3)])
    }

    @Test func aFullDiskLosesNothingThatFits() async {
        let writer = writer(limit: 3)
        store.fail(with: .cannotWrite(reason: "disk full"))
        for number in 1...5 { writer.add(Sample.record(number)) }
        await writer.flush()
        #expect(writer.fault != nil)
        #expect(writer.dropped == 2)
        store.fail(with: nil)
        await writer.flush()
        #expect(writer.fault == nil)
        #expect(store.ids == Set((3...5).map { EntryID(rawValue: $0) }))
    }

    @Test func whatComesBackWhileItsRemovalFailsIsKept() async {
        let writer = writer()
        writer.add(Sample.record(1), isNew: true)
        await writer.flush()
        writer.remove([EntryID(rawValue: 1)])
        store.fail(with: .cannotWrite(reason: "disk full"))
        store.duringRemoval { writer.add(Sample.record(1), isNew: true) }
        await writer.flush()
        store.duringRemoval(nil)
        store.fail(with: nil)
        await writer.flush()
        #expect(store.ids == [EntryID(rawValue: 1)])
    }

    @Test func aRemovalDuringAFaultIsKept() async {
        let writer = writer()
        writer.add(Sample.record(1))
        writer.add(Sample.record(2))
        await writer.flush()
        store.fail(with: .cannotWrite(reason: "disk full"))
        writer.remove([EntryID(rawValue: 1)])
        writer.add(Sample.record(3))
        await writer.flush()
        writer.remove([EntryID(rawValue: 3)])
        store.fail(with: nil)
        await writer.flush()
        #expect(store.ids == [EntryID(rawValue: 2)])
    }

    /// What comes and goes while the disk is full waits for nothing; what the store has is removed from it when that works again.
    @Test func aLongFaultHoldsNoMemory() async {
        let writer = writer()
        writer.add(Sample.record(1), isNew: true)
        await writer.flush()
        store.fail(with: .cannotWrite(reason: "disk full"))
        for number in 2...5000 {
            writer.add(Sample.record(number), isNew: true)
            if number % 1000 == 0 { await writer.flush() }
            writer.remove([EntryID(rawValue: Int64(number))])
        }
        #expect(writer.depth == 0)
        writer.remove([EntryID(rawValue: 1)])
        #expect(writer.depth == 1)
        store.fail(with: nil)
        await writer.flush()
        #expect(store.ids.isEmpty)
    }

    /// Large answers do not wait in thousands; one that is larger than the bound waits alone.
    @Test func whatWaitsIsBoundedInBytes() async {
        let writer = writer(byteLimit: 50_000)
        for number in 1...10 { writer.add(large(number, bytes: 10_000)) }
        #expect(writer.dropped == 6)
        await writer.flush()
        #expect(store.ids == Set((7...10).map { EntryID(rawValue: $0) }))
        writer.add(large(11, bytes: 10_000))
        writer.add(large(12, bytes: 100_000))
        #expect(writer.dropped == 7)
        await writer.flush()
        #expect(store.ids == Set([7, 8, 9, 10, 12].map { EntryID(rawValue: $0) }))
    }

    @Test func anIDThatComesBackStays() async {
        let writer = writer()
        writer.add(Sample.record(1), isNew: true)
        await writer.flush()
        writer.remove([EntryID(rawValue: 1)])
        writer.add(Sample.record(1), isNew: true)
        await writer.flush()
        #expect(store.ids == [EntryID(rawValue: 1)])
        writer.remove([EntryID(rawValue: 1)])
        await writer.flush()
        #expect(store.ids.isEmpty)
    }

    @Test func manyRemovalsAreAllDone() async {
        let writer = writer()
        for number in 1...20 { writer.add(Sample.record(number), isNew: true) }
        await writer.flush()
        writer.remove((1...10_000).map { EntryID(rawValue: $0) })
        #expect(writer.depth == 10_000)
        await writer.flush()
        #expect(writer.depth == 0)
        #expect(store.ids.isEmpty)
    }

    @Test func shutdownWritesWhatIsLeft() async throws {
        let writer = writer()
        writer.add(Sample.record(1))
        let running = Task { try await writer.run() }
        running.cancel()
        try await running.value
        #expect(store.ids == [EntryID(rawValue: 1)])
    }

    /// A burst that fills the queue within an interval finds a disk that has nothing to do: it is written, not dropped.
    @Test(arguments: [(limit: 100, byteLimit: Int.max), (limit: 10_000, byteLimit: 1_000_000)])
    func aBurstIsWrittenBeforeTheQueueIsFull(limit: Int, byteLimit: Int) async throws {
        let writer = writer(limit: limit, byteLimit: byteLimit)
        let running = Task { try await writer.run() }
        for number in 1...1000 {
            writer.add(large(number, bytes: 10_000), isNew: true)
            // As fast as the store takes it, and with no regard to the interval of an hour.
            while writer.depth > 60 { try await Task.sleep(for: .milliseconds(1)) }
        }
        #expect(writer.droppedByReason == [:])
        running.cancel()
        try await running.value
        #expect(store.ids == Set((1...1000).map { EntryID(rawValue: $0) }))
    }

    /// While the store takes nothing, a full queue does not have it asked for every addition.
    @Test func aFaultIsNotMetByEveryAddition() async throws {
        let writer = writer(limit: 10)
        store.fail(with: .cannotWrite(reason: "disk full"))
        writer.add(Sample.record(1), isNew: true)
        await writer.flush()
        let running = Task { try await writer.run() }
        store.fail(with: nil)
        for number in 2...9 { writer.add(Sample.record(number), isNew: true) }
        for _ in 0..<50 { await Task.yield() }
        #expect(store.insertions == 0 && writer.depth == 9)
        running.cancel()
        try await running.value
        #expect(store.ids.count == 9)
    }

    @Test func whatIsDroppedHasAReason() async {
        let counted = writer(limit: 3)
        for number in 1...5 { counted.add(Sample.record(number)) }
        #expect(counted.droppedByReason == [.queueLimit: 2] && counted.dropped == 2)
        let weighed = writer(byteLimit: 50_000)
        for number in 1...10 { weighed.add(large(number, bytes: 10_000)) }
        #expect(weighed.droppedByReason == [.queueBytes: 6] && weighed.dropped == 6)
    }

    /// What one transaction takes is bounded in bytes too: the log holds all of it until it ends.
    @Test func aTransactionIsBoundedInBytes() async {
        let writer = writer()
        for number in 1...20 { writer.add(large(number, bytes: 1 << 20)) }
        await writer.flush()
        #expect(store.insertions == 5)
        #expect(store.ids.count == 20)
    }

    /// An entry that was taken out of the reach of rewordings must not be in it again after a start because that news was dropped.
    @Test(arguments: [false, true])
    func aDroppedChangeTakesTheRowOfBeforeWithIt(comesAgain: Bool) async {
        let writer = writer(limit: 2)
        writer.add(Sample.record(1), isNew: true)
        await writer.flush()
        for number in [1, 2, 3] { writer.add(Sample.record(number), isNew: number > 1) }
        #expect(writer.dropped == 1)
        if comesAgain {
            writer.remove([EntryID(rawValue: 2)])
            writer.add(Sample.record(1))
        }
        await writer.flush()
        #expect(store.ids == Set((comesAgain ? [1, 3] : [2, 3]).map { EntryID(rawValue: $0) }))
    }

    /// Nothing is to be removed of what was dropped before the store had it.
    @Test func whatWasDroppedUnwrittenNeedsNoRemoval() async {
        let writer = writer(limit: 2)
        for number in 1...5 { writer.add(Sample.record(number), isNew: true) }
        writer.remove((1...5).map { EntryID(rawValue: $0) })
        #expect(writer.depth == 0)
    }
}
