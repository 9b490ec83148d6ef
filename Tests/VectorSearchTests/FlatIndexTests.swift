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
        #expect(VectorIndexConformance.comparesEveryComponent(FlatIndex(dimension: dimension), tolerance: 1e-5) == nil)
    }

    @Test func memoryComesBack() {
        #expect(VectorIndexConformance.givesMemoryBack(FlatIndex(dimension: 64)) == nil)
    }

    @Test func tiesGoToTheOlder() {
        #expect(VectorIndexConformance.breaksTiesByAge(FlatIndex(dimension: 2)) == nil)
    }

    @Test func nothingIsFoundWhereNothingIs() {
        #expect(VectorIndexConformance.findsNothingWhereNothingIs(FlatIndex(dimension: 2)) == nil)
    }

    @Test func searchesGoOnWhileOthersWrite() async {
        #expect(await VectorIndexConformance.goesOnWhileOthersWrite(FlatIndex(dimension: 32)) == nil)
    }
}
