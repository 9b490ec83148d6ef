import CSimilarity
import SemanticCache
import TestSupport
import Testing
@testable import VectorSearch

struct CodedVectorTests {
    /// Vectors as embedders make them, sparse ones, and one of a single component: similarities are true to 1e-3.
    @Test(arguments: [2, 31, 32, 100, 384, 1536])
    func similaritiesAreTrue(dimension: Int) {
        var vectors = VectorIndexConformance.Vectors(seed: 4, dimension: dimension)
        var sparse = [Float](repeating: 0, count: dimension)
        sparse[dimension - 1] = -1
        var samples = (0..<20).map { _ in vectors.next() }
        if let vector = UnitVector(normalizing: sparse) { samples.append(vector) }
        sparse[0] = 0.013
        if let vector = UnitVector(normalizing: sparse) { samples.append(vector) }
        for a in samples {
            for b in samples {
                let (query, stored) = (CodedVector(a), CodedVector(b))
                let exact = query.similarity(coarse: stored.coarse, fine: stored.fine, scale: stored.scale)
                #expect(abs(exact - a.similarity(to: b)) < 1e-3)
                let coarse = Float(similarity_coarse(query.coarse, stored.coarse, query.coarse.count)) * query.scale * stored.scale
                #expect(abs(coarse - a.similarity(to: b)) < max(query.margin, stored.margin))
            }
        }
    }

    /// The form for this processor and the portable one give the same.
    @Test(arguments: [32, 64, 96, 384, 1024])
    func allFormsAgree(count: Int) {
        var generator = VectorIndexConformance.Vectors(seed: UInt64(count), dimension: count)
        defer { similarity_force_portable(0) }
        for round in 0..<20 {
            let a = (0..<count).map { _ in Int8(round == 0 ? 127 : generator.number(below: 255) - 127) }
            let b = (0..<count).map { _ in Int8(round == 0 ? -127 : generator.number(below: 255) - 127) }
            let fine = (0..<count / 2).map { _ in UInt8(generator.number(below: 256)) }
            let query = generator.next().components
            similarity_force_portable(0)
            let (coarse, exact) = (similarity_coarse(a, b, count), similarity_fine(query, a, fine, count))
            similarity_force_portable(1)
            #expect(coarse == similarity_coarse(a, b, count))
            #expect(coarse == zip(a, b).reduce(0) { $0 + Int32($1.0) * Int32($1.1) })
            #expect(abs(exact - similarity_fine(query, a, fine, count)) < 0.05)
        }
    }

    /// A scan finds what comparing row by row finds: rows without an id aside, counts that are no multiple of four, either form.
    @Test(arguments: [0, 1, 3, 4, 7, 64, 255], [false, true])
    func scansFindWhatSingleComparisonsFind(rowCount: Int, isPortable: Bool) {
        similarity_force_portable(isPortable ? 1 : 0)
        defer { similarity_force_portable(0) }
        let count = 96
        var generator = VectorIndexConformance.Vectors(seed: UInt64(rowCount + 1), dimension: count)
        let query = CodedVector(generator.next())
        let vectors = (0..<rowCount).map { _ in CodedVector(generator.next()) }
        let coarse = vectors.flatMap(\.coarse)
        let scales = vectors.map(\.scale)
        let ids = (0..<rowCount).map { _ in Int64(generator.number(below: 3)) - 1 }
        let similarities = vectors.map { Float(similarity_coarse(query.coarse, $0.coarse, count)) * ($0.scale * query.scale) }
        for floor: Float in [-2, 0, 0.1] {
            var found = [UInt32](repeating: .max, count: rowCount + 1)
            var values = [Float](repeating: .nan, count: rowCount + 1)
            let hits = coarse.withUnsafeBufferPointer { coarse in
                scales.withUnsafeBufferPointer { scales in
                    ids.withUnsafeBufferPointer { ids in
                        guard let parts = coarse.baseAddress, let factors = scales.baseAddress, let marks = ids.baseAddress else { return 0 }
                        var rows = similarity_rows(coarse: parts, scales: factors, ids: marks, count: rowCount)
                        return similarity_coarse_scan(query.coarse, query.scale, &rows, count, floor, &found, &values)
                    }
                }
            }
            let expected = (0..<rowCount).filter { ids[$0] >= 0 && similarities[$0] >= floor }
            #expect(found.prefix(hits).map(Int.init) == expected)
            #expect(Array(values.prefix(hits)) == expected.map { similarities[$0] })
        }
    }
}
