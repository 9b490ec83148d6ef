import SemanticCache
import TestSupport
import Testing
@testable import VectorSearch

struct FlatIndexTests {
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func behavesLikeAList(seed: UInt64) {
        #expect(VectorIndexConformance.behavesLikeAList(FlatIndex(dimension: 48), seed: seed, steps: 4000) == nil)
    }

    @Test(arguments: [1, 31, 32, 33, 384])
    func everyDimensionIsSummedToItsEnd(dimension: Int) {
        var vectors = VectorIndexConformance.Vectors(seed: 3, dimension: dimension)
        let index = FlatIndex(dimension: dimension)
        let (a, b) = (vectors.next(), vectors.next())
        index.insert(EntryID(rawValue: 1), a, in: Scope(Sample.digest(1)))
        let found = index.nearest(to: b, in: Scope(Sample.digest(1)), count: 1)
        #expect(abs((found.first?.similarity ?? 9) - a.similarity(to: b)) < 1e-5)
    }

    @Test func memoryComesBack() {
        #expect(VectorIndexConformance.givesMemoryBack(FlatIndex(dimension: 64)) == nil)
    }

    @Test func tiesGoToTheOlder() {
        let index = FlatIndex(dimension: 2)
        let scope = Scope(Sample.digest(1))
        guard let vector = UnitVector(normalizing: [1, 2]) else { return }
        for raw in [5, 2, 9, 1, 7] as [Int64] { index.insert(EntryID(rawValue: raw), vector, in: scope) }
        #expect(index.nearest(to: vector, in: scope, count: 3).map(\.id.rawValue) == [1, 2, 5])
    }

    @Test func nothingIsFoundWhereNothingIs() {
        let index = FlatIndex(dimension: 2)
        guard let vector = UnitVector(normalizing: [1, 2]) else { return }
        index.insert(EntryID(rawValue: 1), vector, in: Scope(Sample.digest(1)))
        #expect(index.nearest(to: vector, in: Scope(Sample.digest(2)), count: 8).isEmpty)
        #expect(index.nearest(to: vector, in: Scope(Sample.digest(1)), count: 0).isEmpty)
        index.removeAll()
        #expect(index.count == 0)
        #expect(index.nearest(to: vector, in: Scope(Sample.digest(1)), count: 8).isEmpty)
    }

    /// Searches while others write: no crash, and never an id of another scope.
    @Test func searchesGoOnWhileOthersWrite() async {
        let index = FlatIndex(dimension: 32)
        await withTaskGroup(of: Bool.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var vectors = VectorIndexConformance.Vectors(seed: UInt64(worker), dimension: 32)
                    let scope = Scope(Sample.digest(-1 - worker % 2))
                    for step in 0..<2000 {
                        let id = EntryID(rawValue: Int64(worker % 2 * 1000 + vectors.number(below: 600)))
                        if step % 3 == 0 { _ = index.remove(id) } else { index.insert(id, vectors.next(), in: scope) }
                        if step % 5 == 0 {
                            let found = index.nearest(to: vectors.next(), in: scope, count: 8)
                            if found.contains(where: { Int($0.id.rawValue) / 1000 != worker % 2 }) { return false }
                        }
                    }
                    return true
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
