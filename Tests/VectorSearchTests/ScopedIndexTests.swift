import SemanticCache
import TestSupport
import Testing
@testable import VectorSearch

struct ScopedIndexTests {
    /// Scopes of some 130 vectors, with a graph or without.
    @Test(arguments: [1, 2, 3], [1 << 20, 40])
    func behavesLikeAList(seed: UInt64, linkThreshold: Int) {
        let index = Self.index(48, linkThreshold: linkThreshold)
        #expect(VectorIndexConformance.behavesLikeAList(index, seed: seed, steps: 3000, minimumRecall: linkThreshold == 40 ? 0.99 : 0.998) == nil)
    }

    @Test func memoryComesBack() {
        #expect(VectorIndexConformance.givesMemoryBack(ScopedIndex(dimension: 64)) == nil)
    }

    @Test(arguments: [1, 31, 32, 33, 64, 384])
    func everyDimensionIsSummedToItsEnd(dimension: Int) {
        #expect(VectorIndexConformance.comparesEveryComponent(ScopedIndex(dimension: dimension), tolerance: 5e-4) == nil)
    }

    @Test func tiesGoToTheOlder() {
        #expect(VectorIndexConformance.breaksTiesByAge(ScopedIndex(dimension: 2)) == nil)
    }

    @Test func nothingIsFoundWhereNothingIs() {
        #expect(VectorIndexConformance.findsNothingWhereNothingIs(ScopedIndex(dimension: 2)) == nil)
    }

    /// Near duplicates of one another by the hundred, as prompts made of one form are: the best is told from the second best.
    @Test func theBestOfManyAlikeIsFound() {
        var prompts = ClusteredVectors(seed: 5, dimension: 96, clusters: 1, spread: 0.02)
        let index = Self.index(96, linkThreshold: 1 << 20)
        let oracle = FlatIndex(dimension: 96)
        let scope = Scope(Sample.digest(1))
        for number in 0..<500 {
            let vector = prompts.next()
            index.insert(EntryID(rawValue: Int64(number)), vector, in: scope)
            oracle.insert(EntryID(rawValue: Int64(number)), vector, in: scope)
        }
        for _ in 0..<50 {
            let query = prompts.next()
            let (best, truth) = (index.nearest(to: query, in: scope, count: 4), oracle.nearest(to: query, in: scope, count: 4))
            #expect(zip(best, truth).allSatisfy { abs($0.similarity - $1.similarity) < 1e-4 })
        }
    }

    /// Clusters as prompts form them, against the oracle: when built, when a third is gone, when that is repaired, and when others came in its place.
    @Test func aGraphFindsTheBestThroughRemovalsAndReuse() {
        var prompts = ClusteredVectors(seed: 11, dimension: 64, clusters: 30, spread: 0.5)
        let index = Self.index(64, linkThreshold: 500)
        let oracle = FlatIndex(dimension: 64)
        let scope = Scope(Sample.digest(1))
        func insert(_ number: Int) {
            let vector = prompts.next()
            index.insert(EntryID(rawValue: Int64(number)), vector, in: scope)
            oracle.insert(EntryID(rawValue: Int64(number)), vector, in: scope)
        }
        func recall() -> Double {
            let queries = (0..<100).map { _ in prompts.next() }
            let found = queries.count {
                index.nearest(to: $0, in: scope, count: 1).first?.id == oracle.nearest(to: $0, in: scope, count: 1).first?.id
            }
            return Double(found) / 100
        }
        for number in 0..<2000 { insert(number) }
        #expect(recall() >= 0.99)
        index.settle()
        #expect(index.unlinkedCount == 0)
        #expect(recall() >= 0.99)
        let full = index.memoryBytes
        for number in stride(from: 0, to: 2000, by: 3) {
            index.remove(EntryID(rawValue: Int64(number)))
            oracle.remove(EntryID(rawValue: Int64(number)))
        }
        #expect(recall() >= 0.99)
        index.settle()
        #expect(recall() >= 0.99)
        for number in stride(from: 0, to: 2000, by: 3) { insert(number) }
        index.settle()
        #expect(recall() >= 0.99)
        // Others came in the places of those that went.
        #expect(index.memoryBytes < full * 11 / 10)
    }

    /// A whole cluster goes, then all but a few: what is left is still found, and the memory of the rest comes back.
    @Test func whatIsLeftOfALargeScopeIsFound() {
        var prompts = ClusteredVectors(seed: 3, dimension: 32, clusters: 4, spread: 0.2)
        let index = Self.index(32, linkThreshold: 200)
        let scope = Scope(Sample.digest(1))
        var vectors: [UnitVector] = []
        for number in 0..<800 {
            vectors.append(prompts.next())
            index.insert(EntryID(rawValue: Int64(number)), vectors[number], in: scope)
        }
        index.settle()
        let full = index.memoryBytes
        for number in 0..<800 where number % 4 == 0 { index.remove(EntryID(rawValue: Int64(number))) }
        index.settle()
        for number in 0..<800 where number % 4 != 0 {
            #expect(index.nearest(to: vectors[number], in: scope, count: 1).first?.id == EntryID(rawValue: Int64(number)))
        }
        for number in 10..<800 { index.remove(EntryID(rawValue: Int64(number))) }
        index.settle()
        for number in 1..<10 where number % 4 != 0 {
            #expect(index.nearest(to: vectors[number], in: scope, count: 1).first?.id == EntryID(rawValue: Int64(number)))
            #expect(index.remove(EntryID(rawValue: Int64(number))))
            index.insert(EntryID(rawValue: Int64(number)), vectors[number], in: scope)
        }
        #expect(index.memoryBytes < full / 5)
    }

    @Test func allThatAreSimilarEnoughAreFound() {
        var prompts = ClusteredVectors(seed: 9, dimension: 48, clusters: 5, spread: 0.3)
        let index = Self.index(48, linkThreshold: 100)
        let scope = Scope(Sample.digest(1))
        let vectors = (0..<300).map { _ in prompts.next() }
        for (number, vector) in vectors.enumerated() { index.insert(EntryID(rawValue: Int64(number)), vector, in: scope) }
        index.settle()
        let found = index.all(atLeast: 0.8, similarTo: vectors[7], in: scope)
        let truth = vectors.filter { $0.similarity(to: vectors[7]) >= 0.8 }
        #expect(abs(found.count - truth.count) <= 1 && found.count > 1)
        #expect(index.all(atLeast: 0.8, similarTo: vectors[7], in: Scope(Sample.digest(2))).isEmpty)
    }

    /// Many scopes of a few entries hold no more memory an entry than one scope of all of them.
    @Test func smallScopesCostNoMoreThanLargeOnes() {
        var vectors = VectorIndexConformance.Vectors(seed: 1, dimension: 384)
        let (many, one) = (ScopedIndex(dimension: 384), Self.index(384, linkThreshold: 1000))
        for number in 0..<1500 {
            let vector = vectors.next()
            many.insert(EntryID(rawValue: Int64(number)), vector, in: Scope(Sample.digest(number / 5)))
            one.insert(EntryID(rawValue: Int64(number)), vector, in: Scope(Sample.digest(1)))
        }
        one.settle()
        // A graph's fixed tables are nothing to a million vectors, and much to 1,500.
        #expect(many.memoryBytes < one.memoryBytes)
        #expect(many.memoryBytes / many.count < 800)
    }

    /// Searches while others write and the graph is built and repaired behind them.
    @Test func searchesGoOnWhileOthersWrite() async {
        var tuning = ScopedIndex.Tuning()
        (tuning.linkThreshold, tuning.buildWidth) = (100, 24)
        let index = ScopedIndex(dimension: 32, tuning: tuning)
        #expect(await VectorIndexConformance.goesOnWhileOthersWrite(index) == nil)
        index.settle()
        index.removeAll()
        #expect(index.count == 0)
    }

    private static func index(_ dimension: Int, linkThreshold: Int) -> ScopedIndex {
        var tuning = ScopedIndex.Tuning()
        tuning.linkThreshold = linkThreshold
        tuning.linksInBackground = false
        return ScopedIndex(dimension: dimension, tuning: tuning)
    }
}

/// Unit vectors in clusters: a centre and a deviation of `spread` times its length.
struct ClusteredVectors {
    private var source: VectorIndexConformance.Vectors
    private let centres: [UnitVector]
    private let spread: Float

    init(seed: UInt64, dimension: Int, clusters: Int, spread: Float) {
        source = VectorIndexConformance.Vectors(seed: seed, dimension: dimension)
        var made: [UnitVector] = []
        for _ in 0..<clusters { made.append(source.next()) }
        centres = made
        self.spread = spread
    }

    mutating func next() -> UnitVector {
        let centre = centres[source.number(below: centres.count)]
        let noise = source.next()
        guard let vector = UnitVector(normalizing: zip(centre.components, noise.components).map { $0 + spread * $1 }) else { return centre }
        return vector
    }
}
