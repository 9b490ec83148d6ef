import SemanticCache
import TestSupport
import Testing
@testable import VectorSearch

struct SnapshotTests {
    private static let scope = Scope(Sample.digest(1))

    private static func index(linkThreshold: Int = 200) -> ScopedIndex {
        var tuning = ScopedIndex.Tuning()
        tuning.linkThreshold = linkThreshold
        tuning.linksInBackground = false
        return ScopedIndex(dimension: 48, tuning: tuning)
    }

    private static func bytes(_ index: ScopedIndex) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try index.write { bytes += $0 }
        return bytes
    }

    private static func load(_ bytes: [UInt8], into index: ScopedIndex) throws {
        var offset = 0
        try index.read { buffer in
            guard offset + buffer.count <= bytes.count else { throw SnapshotError.damaged("the end") }
            buffer.copyBytes(from: bytes[offset..<offset + buffer.count])
            offset += buffer.count
        }
        guard offset == bytes.count else { throw SnapshotError.damaged("more than was read") }
    }

    /// One scope with a graph, one that is scanned in several blocks, many of a few vectors.
    private static func filled(_ vectors: inout ClusteredVectors, linked: Int = 700) -> (ScopedIndex, [EntryID: UnitVector]) {
        let index = index(linkThreshold: 500)
        var known: [EntryID: UnitVector] = [:]
        for number in 0..<linked + 600 {
            let id = EntryID(rawValue: Int64(number))
            known[id] = vectors.next()
            let scope = number < linked ? Self.scope : number < linked + 300 ? Scope(Sample.digest(2)) : Scope(Sample.digest(number / 3))
            index.insert(id, known[id]!, in: scope)
        }
        index.settle()
        return (index, known)
    }

    @Test func whatIsReadFindsWhatWasWritten() throws {
        var vectors = ClusteredVectors(seed: 3, dimension: 48, clusters: 30, spread: 0.5)
        let (index, known) = Self.filled(&vectors)
        let copy = Self.index()
        try Self.load(try Self.bytes(index), into: copy)
        #expect(copy.count == index.count && copy.unlinkedCount == 0)
        #expect(Set(copy.ids) == Set(known.keys))
        for scope in [Self.scope, Scope(Sample.digest(2)), Scope(Sample.digest(400))] {
            #expect(copy.count(in: scope) == index.count(in: scope))
            for _ in 0..<50 {
                let query = vectors.next()
                #expect(copy.nearest(to: query, in: scope, count: 8) == index.nearest(to: query, in: scope, count: 8))
            }
        }
        #expect(copy.contains(EntryID(rawValue: 7), in: Self.scope) && !copy.contains(EntryID(rawValue: 7), in: Scope(Sample.digest(2))))
        #expect(try Self.bytes(copy).count == Self.bytes(index).count)
    }

    /// Written in the middle of everything: with vectors that are not linked yet, slots that were reused, and removed ones that the graph still leads
    /// through. What comes and goes after the loading finds a sound graph.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func anUnfinishedIndexGoesOnAfterTheLoading(seed: UInt64) throws {
        var vectors = ClusteredVectors(seed: seed, dimension: 48, clusters: 30, spread: 0.5)
        let (index, _) = Self.filled(&vectors)
        for number in 0..<700 where number % 3 == 0 { index.remove(EntryID(rawValue: Int64(number))) }
        if seed == 2 { index.settle() }
        for number in 5000..<5150 { index.insert(EntryID(rawValue: Int64(number)), vectors.next(), in: Self.scope) }
        for number in 5000..<5050 { index.remove(EntryID(rawValue: Int64(number))) }
        let copy = Self.index(linkThreshold: 500)
        try Self.load(try Self.bytes(index), into: copy)
        #expect(Set(copy.ids) == Set(index.ids))
        // The truth is asked of the index itself, which compares all.
        func recall(_ index: ScopedIndex) -> Double {
            var found = 0
            for _ in 0..<100 {
                let query = vectors.next()
                let truth = index.all(atLeast: -1, similarTo: query, in: Self.scope).first
                if index.nearest(to: query, in: Self.scope, count: 1).first?.id == truth?.id { found += 1 }
            }
            return Double(found) / 100
        }
        #expect(recall(copy) >= 0.99)
        copy.settle()
        #expect(copy.unlinkedCount == 0)
        #expect(recall(copy) >= 0.99)
        for number in 6000..<6200 { copy.insert(EntryID(rawValue: Int64(number)), vectors.next(), in: Self.scope) }
        for number in 0..<300 { copy.remove(EntryID(rawValue: Int64(number))) }
        copy.settle()
        #expect(recall(copy) >= 0.99)
    }

    /// What came before the loading stays as it is and is found; the rest comes from the snapshot. Both can be removed.
    @Test func aSnapshotJoinsWhatIsThere() throws {
        var vectors = ClusteredVectors(seed: 5, dimension: 48, clusters: 30, spread: 0.5)
        let (index, known) = Self.filled(&vectors)
        let copy = Self.index()
        let other = vectors.next()
        copy.insert(EntryID(rawValue: 3), other, in: Self.scope)
        copy.insert(EntryID(rawValue: 4), other, in: Scope(Sample.digest(77)))
        for number in 9000..<9100 { copy.insert(EntryID(rawValue: Int64(number)), vectors.next(), in: Self.scope) }
        try Self.load(try Self.bytes(index), into: copy)
        #expect(copy.count == known.count + 100)
        #expect(copy.count(in: Self.scope) == 700 + 100 - 1)
        #expect(copy.nearest(to: other, in: Self.scope, count: 1).first?.id == EntryID(rawValue: 3))
        #expect(copy.nearest(to: other, in: Scope(Sample.digest(77)), count: 1).first?.id == EntryID(rawValue: 4))
        for number in [0, 3, 9000, 9099] {
            #expect(copy.remove(EntryID(rawValue: Int64(number))))
            #expect(!copy.all(atLeast: -1, similarTo: other, in: Self.scope).contains { $0.id == EntryID(rawValue: Int64(number)) })
        }
        copy.settle()
        for id in copy.ids { copy.remove(id) }
        #expect(copy.count == 0)
        #expect(copy.count(in: Self.scope) == 0)
    }

    /// Written while others insert, remove and search: every vector that was there all the time is in it.
    @Test func writingWaitsForNobody() async throws {
        var tuning = ScopedIndex.Tuning()
        (tuning.linkThreshold, tuning.buildWidth) = (300, 24)
        let index = ScopedIndex(dimension: 48, tuning: tuning)
        var vectors = VectorIndexConformance.Vectors(seed: 1, dimension: 48)
        for number in 0..<600 { index.insert(EntryID(rawValue: Int64(number)), vectors.next(), in: Self.scope) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 1...2 {
                group.addTask {
                    var vectors = VectorIndexConformance.Vectors(seed: UInt64(worker), dimension: 48)
                    for step in 0..<1500 {
                        let id = EntryID(rawValue: Int64(worker * 10_000 + vectors.number(below: 400)))
                        if step % 3 == 0 { _ = index.remove(id) } else { index.insert(id, vectors.next(), in: Self.scope) }
                    }
                }
            }
            group.addTask {
                for _ in 0..<10 {
                    let copy = Self.index()
                    try Self.load(try Self.bytes(index), into: copy)
                    #expect(Set(copy.ids).isSuperset(of: (0..<600).map { EntryID(rawValue: Int64($0)) }))
                    copy.settle()
                }
            }
            try await group.waitForAll()
        }
    }

    /// Slots of several layers whose lowest list is empty are linked anew after the loading, while other lists named them.
    @Test(arguments: 1...5) func slotsWithoutNeighboursAreLinkedAnew(seed: UInt64) throws {
        var vectors = ClusteredVectors(seed: seed, dimension: 48, clusters: 30, spread: 0.5)
        let (index, known) = Self.filled(&vectors)
        var bytes = try Self.bytes(index)
        // One block of 700 slots: the mark and the header, the scope's name, four counts, then ids, scales, vectors, lists.
        let kind = 16
        try #require(bytes[kind] == 2 || bytes[kind] == 1)
        if let start = Self.firstLinked(bytes) {
            let entry = bytes[start + 41..<start + 45].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) } - 1
            let padded = 64
            let lists = start + 49 + 700 * (8 + 4 + padded + padded / 2)
            var random = SeededGenerator(seed: seed)
            for slot in 0..<700 where slot != entry && (seed == 1 || Int.random(in: 0..<3, using: &random) == 0) {
                for byte in 0..<4 { bytes[lists + slot * 33 * 4 + byte] = 0 }
            }
        } else {
            Issue.record("no scope with a graph")
        }
        let copy = Self.index(linkThreshold: 500)
        try Self.load(bytes, into: copy)
        #expect(copy.unlinkedCount > 0)
        for _ in 0..<20 { #expect(copy.nearest(to: vectors.next(), in: Self.scope, count: 1).count == 1) }
        copy.settle()
        #expect(copy.unlinkedCount == 0 && Set(copy.ids) == Set(known.keys))
        var found = 0
        for (id, vector) in known where id.rawValue < 700 {
            if copy.nearest(to: vector, in: Self.scope, count: 1).first?.id == id { found += 1 }
        }
        #expect(found >= 690)
    }

    /// Where the scope with a graph begins, after the scanned ones before it.
    private static func firstLinked(_ bytes: [UInt8]) -> Int? {
        func number(_ at: Int) -> Int { bytes[at..<at + 4].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) } }
        var at = 16
        while bytes[at] == 1 { at += 37 + number(at + 33) * (8 + 4 + 64 + 32) }
        return bytes[at] == 2 ? at : nil
    }

    /// Whatever stands in the bytes, reading them throws or gives an index that can be searched: its lists lead nowhere else.
    @Test(arguments: 1...6)
    func noBytesLeadASearchAstray(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var vectors = ClusteredVectors(seed: 3, dimension: 48, clusters: 30, spread: 0.5)
        let whole = try Self.bytes(Self.filled(&vectors).0)
        for _ in 0..<8 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            if Int.random(in: 0..<4, using: &random) == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            let copy = Self.index(linkThreshold: 500)
            guard (try? Self.load(bytes, into: copy)) != nil else {
                continue
            }
            for _ in 0..<5 { #expect(copy.nearest(to: vectors.next(), in: Self.scope, count: 8).count <= 8) }
            for number in 0..<100 { copy.remove(EntryID(rawValue: Int64(number))) }
            copy.settle()
        }
    }

    @Test func aScopeThatIsThereTwiceIsRefused() throws {
        var vectors = ClusteredVectors(seed: 3, dimension: 48, clusters: 3, spread: 0.5)
        let index = Self.index()
        for number in 0..<5 { index.insert(EntryID(rawValue: Int64(number)), vectors.next(), in: Self.scope) }
        let bytes = try Self.bytes(index)
        let scope = bytes[16..<bytes.count - 1]
        let copy = Self.index()
        #expect(throws: SnapshotError.self) { try Self.load(Array(bytes[..<16] + scope + scope) + [0], into: copy) }
        #expect(copy.count == 0)
    }

    /// A graph in name only, which every search would have to look at slot by slot, is not taken.
    @Test(arguments: [(1000, true), (9000, false)]) func aGraphWithoutLinksIsRefused(count: Int, isTaken: Bool) throws {
        let padded = 64
        var bytes: [UInt8] = Array("REPINDX1".utf8)
        func append(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
        append(UInt32(48))
        append(UInt32(padded))
        bytes += [2] + Self.scope.digest.bytes
        for number in [count, count, 1, 0] { append(UInt32(number)) }
        for first in stride(from: 0, to: count, by: 1024) {
            let slots = first..<min(count, first + 1024)
            for slot in slots { append(Int64(slot)) }
            for _ in slots { append(Float(0.005).bitPattern) }
            bytes += [UInt8](repeating: 0, count: slots.count * (padded + padded / 2 + 33 * 4 + 1))
        }
        bytes.append(0)
        let copy = Self.index()
        let wasTaken = (try? Self.load(bytes, into: copy)) != nil
        #expect(wasTaken == isTaken)
        #expect(copy.count == (isTaken ? count : 0))
    }

    @Test func otherDimensionsAreRefused() throws {
        var vectors = ClusteredVectors(seed: 3, dimension: 48, clusters: 3, spread: 0.5)
        let bytes = try Self.bytes(Self.filled(&vectors).0)
        let other = ScopedIndex(dimension: 47)
        #expect(throws: SnapshotError.self) { try Self.load(bytes, into: other) }
        #expect(other.count == 0)
    }
}
