package import SemanticCache

/// What every `VectorIndex` must do, written once. Each check returns what was wrong, `nil` when all is well.
package enum VectorIndexConformance {
    /// Random unit vectors, the same for equal seeds.
    package struct Vectors {
        private var state: UInt64
        private let dimension: Int

        package init(seed: UInt64, dimension: Int) {
            state = seed
            self.dimension = dimension
        }

        /// A number in 0..<`bound`.
        package mutating func number(below bound: Int) -> Int { Int(word() % UInt64(bound)) }

        package mutating func next() -> UnitVector {
            while true {
                let components = (0..<dimension).map { _ in Float(word() >> 40) / Float(1 << 23) - 1 }
                if let vector = UnitVector(normalizing: components) { return vector }
            }
        }

        private mutating func word() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// Compares with a plain list under a random walk of insertions, replacements, removals and searches in several scopes.
    ///
    /// - Parameter minimumRecall: the share of true neighbours that must be found; 1 for an exact index.
    package static func behavesLikeAList(_ index: any VectorIndex, seed: UInt64, steps: Int, minimumRecall: Double = 1) -> String? {
        var vectors = Vectors(seed: seed, dimension: index.dimension)
        var model: [EntryID: (vector: UnitVector, scope: Scope)] = [:]
        var found = 0
        var expected = 0
        for step in 0..<steps {
            let id = EntryID(rawValue: Int64(vectors.number(below: 400)))
            let scope = Scope(Sample.digest(-1 - vectors.number(below: 3)))
            switch vectors.number(below: 4) {
            case 0, 1:
                let vector = vectors.next()
                index.insert(id, vector, in: scope)
                model[id] = (vector, scope)
            case 2:
                let wasThere = index.remove(id)
                if wasThere != (model.removeValue(forKey: id) != nil) { return "step \(step): remove(\(id)) said \(wasThere)" }
            default:
                let query = vectors.next()
                let limit = 1 + vectors.number(below: 12)
                let result = index.nearest(to: query, in: scope, count: limit)
                let truth = model.filter { $0.value.scope == scope }.map { Neighbour(id: $0.key, similarity: $0.value.vector.similarity(to: query)) }
                    .sorted { $0.similarity > $1.similarity }.prefix(limit)
                if result.count > limit { return "step \(step): \(result.count) neighbours for a limit of \(limit)" }
                for (neighbour, next) in zip(result, result.dropFirst()) where neighbour.similarity < next.similarity {
                    return "step \(step): not best first"
                }
                for neighbour in result {
                    guard let entry = model[neighbour.id] else { return "step \(step): found \(neighbour.id), which is not there" }
                    if entry.scope != scope { return "step \(step): found \(neighbour.id) of another scope" }
                    if abs(entry.vector.similarity(to: query) - neighbour.similarity) > 1e-3 { return "step \(step): a similarity is off" }
                }
                expected += truth.count
                found += truth.filter { want in result.contains { $0.id == want.id || abs($0.similarity - want.similarity) < 1e-6 } }.count
            }
            let inScope = model.values.count { $0.scope == scope }
            if index.count(in: scope) != inScope { return "step \(step): the scope counts \(index.count(in: scope)), expected \(inScope)" }
            if index.count != model.count { return "step \(step): count is \(index.count), expected \(model.count)" }
        }
        let recall = expected == 0 ? 1 : Double(found) / Double(expected)
        return recall >= minimumRecall ? nil : "recall \(recall) is below \(minimumRecall)"
    }

    /// Memory comes back when everything is removed.
    package static func givesMemoryBack(_ index: any VectorIndex) -> String? {
        var vectors = Vectors(seed: 7, dimension: index.dimension)
        let empty = index.memoryBytes
        for number in 0..<2000 { index.insert(EntryID(rawValue: Int64(number)), vectors.next(), in: Scope(Sample.digest(-1 - number % 50))) }
        let full = index.memoryBytes
        if full < 2000 * index.dimension { return "\(full) bytes cannot hold 2000 vectors of \(index.dimension) components" }
        for number in 0..<2000 where !index.remove(EntryID(rawValue: Int64(number))) { return "\(number) was lost" }
        if index.count != 0 { return "count is \(index.count) after removing everything" }
        return index.memoryBytes - empty < full / 10 ? nil : "\(index.memoryBytes) of \(full) bytes remain"
    }
}
