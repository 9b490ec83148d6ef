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

    /// Every component counts: similarities are what the vectors' own are, up to `tolerance`.
    package static func comparesEveryComponent(_ index: any VectorIndex, tolerance: Float) -> String? {
        var vectors = Vectors(seed: 3, dimension: index.dimension)
        let scope = Scope(Sample.digest(1))
        for number in 0..<20 {
            let (a, b) = (vectors.next(), vectors.next())
            index.insert(EntryID(rawValue: Int64(number)), a, in: scope)
            guard let found = index.nearest(to: b, in: scope, count: 30).first(where: { $0.id.rawValue == Int64(number) }) else {
                return "\(number) is not found"
            }
            let off = abs(found.similarity - a.similarity(to: b))
            if off >= tolerance { return "a similarity is off by \(off)" }
        }
        return nil
    }

    /// Equal vectors come in the order of their ids, whatever the order was in which they came.
    package static func breaksTiesByAge(_ index: any VectorIndex) -> String? {
        let scope = Scope(Sample.digest(1))
        var vectors = Vectors(seed: 2, dimension: index.dimension)
        let vector = vectors.next()
        for raw in [5, 2, 9, 1, 7] as [Int64] { index.insert(EntryID(rawValue: raw), vector, in: scope) }
        let found = index.nearest(to: vector, in: scope, count: 3).map(\.id.rawValue)
        return found == [1, 2, 5] ? nil : "found \(found)"
    }

    /// Nothing is found in another scope, by a search for none, or after everything was removed; and what is there is told by scope.
    package static func findsNothingWhereNothingIs(_ index: any VectorIndex) -> String? {
        var vectors = Vectors(seed: 2, dimension: index.dimension)
        let (vector, here, elsewhere) = (vectors.next(), Scope(Sample.digest(1)), Scope(Sample.digest(2)))
        index.insert(EntryID(rawValue: 1), vector, in: here)
        if !index.contains(EntryID(rawValue: 1), in: here) || index.contains(EntryID(rawValue: 1), in: elsewhere) {
            return "it is in the wrong scope"
        }
        if index.ids != [EntryID(rawValue: 1)] { return "its ids are \(index.ids)" }
        if !index.nearest(to: vector, in: elsewhere, count: 8).isEmpty { return "found in another scope" }
        if !index.nearest(to: vector, in: here, count: 0).isEmpty { return "found when asked for none" }
        index.removeAll()
        return index.count == 0 && index.ids.isEmpty && index.nearest(to: vector, in: here, count: 8).isEmpty ? nil : "found after removeAll"
    }

    /// Searches while others write: no crash, and never an id of another scope.
    package static func goesOnWhileOthersWrite(_ index: any VectorIndex) async -> String? {
        await withTaskGroup(of: Bool.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var vectors = Vectors(seed: UInt64(worker), dimension: index.dimension)
                    let scope = Scope(Sample.digest(-1 - worker % 2))
                    for step in 0..<2000 {
                        let id = EntryID(rawValue: Int64(worker % 2 * 1000 + vectors.number(below: 600)))
                        // Waves of insertions and of removals, so that whole regions go while a graph is led around others.
                        if step / 500 % 2 == 0 ? step % 3 == 0 : step % 10 < 7 {
                            _ = index.remove(id)
                        } else {
                            index.insert(id, vectors.next(), in: scope)
                        }
                        if step % 5 == 0 {
                            let found = index.nearest(to: vectors.next(), in: scope, count: 8)
                            if found.contains(where: { Int($0.id.rawValue) / 1000 != worker % 2 }) { return false }
                        }
                    }
                    return true
                }
            }
            var isRight = true
            for await one in group { isRight = isRight && one }
            let counts = (0..<2).map { index.count(in: Scope(Sample.digest(-1 - $0))) }
            if !isRight { return "an id of another scope was found" }
            return index.count == counts.reduce(0, +) ? nil : "\(index.count) vectors, \(counts) by scope"
        }
    }
}
