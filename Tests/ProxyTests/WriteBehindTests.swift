import Logging
@testable import Proxy
import SemanticCache
import TestSupport
import Testing

struct WriteBehindTests {
    private let store = FaultyStore()

    private func writer(limit: Int = 100) -> WriteBehind {
        WriteBehind(store: store, interval: .seconds(3600), limit: limit, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
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

    @Test func shutdownWritesWhatIsLeft() async throws {
        let writer = writer()
        writer.add(Sample.record(1))
        let running = Task { try await writer.run() }
        running.cancel()
        try await running.value
        #expect(store.ids == [EntryID(rawValue: 1)])
    }
}
