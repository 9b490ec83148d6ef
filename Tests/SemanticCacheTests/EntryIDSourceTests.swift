import SemanticCache
import TestSupport
import Testing

struct EntryIDSourceTests {
    @Test func idsOnlyGrow() {
        let clock = ManualClock()
        let source = EntryIDSource(clock: clock)
        var last = source.next()
        for step in 0..<1000 {
            // The wall clock steps back now and then.
            clock.advance(by: .milliseconds(step % 7 == 0 ? -50 : 10))
            let next = source.next()
            #expect(next > last)
            last = next
        }
    }

    @Test func idsStartAboveTheStores() {
        let floor = EntryID(rawValue: .max - 10)
        #expect(EntryIDSource(clock: ManualClock(), above: floor).next() > floor)
    }

    /// What the bits of an id say.
    private struct Parts: Equatable {
        let millisecond, node, counter: Int64

        init(_ id: EntryID) {
            (millisecond, node, counter) = (id.rawValue >> 20, id.rawValue >> 10 & 1023, id.rawValue & 1023)
        }
    }

    private func node(_ number: Int) throws -> EntryIDSource.Node { try #require(EntryIDSource.Node(number)) }

    /// What sources gave before there were nodes: the upper bits are the same, the lower twenty one counter.
    private func formerID(_ clock: ManualClock, _ counter: Int64) -> EntryID { EntryID(rawValue: clock.now().milliseconds << 20 | counter) }

    @Test(arguments: [1, 2, 517, 1023])
    func idsSayWhenAndWho(number: Int) throws {
        let clock = ManualClock()
        let source = EntryIDSource(clock: clock, node: try node(number))
        for counter: Int64 in 0..<3 {
            let parts = Parts(source.next())
            #expect(parts.millisecond == clock.now().milliseconds && parts.node == Int64(number) && parts.counter == counter)
        }
    }

    @Test(arguments: [-1, 0, 1024]) func otherNumbersAreNoNodes(number: Int) { #expect(EntryIDSource.Node(number) == nil) }

    @Test func everyNumberIsDrawn() {
        var generator = SeededGenerator(seed: 7)
        let drawn = Set((0..<20_000).map { _ in EntryIDSource.Node.drawn(using: &generator).number })
        #expect(drawn == Set(EntryIDSource.Node.numbers))
    }

    @Test func aFullMillisecondCarriesIntoTheNext() throws {
        let clock = ManualClock()
        let source = EntryIDSource(clock: clock, node: try node(9))
        let ids = (0..<3000).map { _ in source.next() }
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
        #expect(ids.allSatisfy { Parts($0).node == 9 })
        #expect(Parts(ids[1023]).millisecond == clock.now().milliseconds && Parts(ids[1024]).millisecond == clock.now().milliseconds + 1)
        #expect(Parts(ids[2999]).millisecond == clock.now().milliseconds + 2)
    }

    /// Clocks that stand, jump and step back, ids that come from the other side, and bursts past what a millisecond has.
    @Test(arguments: 1...40)
    func sourcesOfDifferentNodesNeverMeet(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let numbers = EntryIDSource.Node.numbers.shuffled(using: &generator).prefix(2)
        let clocks = [ManualClock(), ManualClock()]
        let sources = try zip(clocks, numbers).map { EntryIDSource(clock: $0, node: try node($1)) }
        var given: [[EntryID]] = [[], []]
        for _ in 0..<200 {
            let side = Int.random(in: 0...1, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: clocks[side].advance(by: .milliseconds(Int.random(in: -90_000...90_000, using: &generator)))
            case 1: clocks[side].advance(by: .milliseconds(Int.random(in: 0...2, using: &generator)))
            case 2:
                guard let id = given[1 - side].randomElement(using: &generator) else { continue }
                _ = sources[side].adopt(id, isTaken: Bool.random(using: &generator))
            default: given[side] += (0..<Int.random(in: 1...1500, using: &generator)).map { _ in sources[side].next() }
            }
        }
        for (ids, number) in zip(given, numbers) {
            #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
            #expect(ids.allSatisfy { Parts($0).node == Int64(number) })
        }
        #expect(Set(given[0]).isDisjoint(with: given[1]))
    }

    @Test func formerIDsAreNoNodes() throws {
        let clock = ManualClock()
        let former = Set((0..<1024).map { formerID(clock, $0) })
        #expect(former.allSatisfy { Parts($0).node == 0 && EntryID($0.description) == $0 })
        for number in EntryIDSource.Node.numbers {
            let source = EntryIDSource(clock: clock, node: try node(number))
            #expect(former.isDisjoint(with: (0..<8).map { _ in source.next() }))
        }
    }

    /// A store's last row, or a line of an export, whose counter ran into the bits that now name the node.
    @Test(arguments: [0, 1, 1023, 1024, 5 << 10 | 17, 6 << 10, (1 << 20) - 1] as [Int64], [false, true])
    func idsGoOnAboveFormerOnes(counter: Int64, isAdopted: Bool) throws {
        let clock = ManualClock()
        let former = formerID(clock, counter)
        let source = EntryIDSource(clock: clock, node: try node(5), above: isAdopted ? nil : former)
        if isAdopted { #expect(source.adopt(former, isTaken: false) == former) }
        let ids = (0..<2000).map { _ in source.next() }
        #expect(ids.allSatisfy { $0 > former && Parts($0).node == 5 })
        #expect(Set(ids).count == ids.count)
    }

    @Test func aClockAheadByAMinuteIsPutUpWith() {
        let (clock, ahead) = (ManualClock(), ManualClock())
        let (source, other) = (EntryIDSource(clock: clock), EntryIDSource(clock: ahead))
        ahead.advance(by: .seconds(60))
        let near = other.next()
        #expect(source.adopt(near, isTaken: false) == near && source.next() > near)
        ahead.advance(by: .milliseconds(1))
        let far = other.next()
        let own = source.adopt(far, isTaken: false)
        #expect(own != far && source.next() < far)
    }

    @Test func takenIDsAndTheLastAreNotAdopted() {
        let source = EntryIDSource(clock: ManualClock())
        let id = source.next()
        for refused in [id, EntryID(rawValue: .max), EntryID(rawValue: 0)] { #expect(source.adopt(refused, isTaken: refused == id) != refused) }
    }

    @Test func theEndOfTimeStopsNobody() {
        let source = EntryIDSource(clock: ManualClock(), above: EntryID(rawValue: .max))
        let ids = (0..<3).map { _ in source.next() }
        #expect(Set(ids).count == 3)
    }
}
