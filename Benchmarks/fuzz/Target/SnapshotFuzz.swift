import SemanticCache
import VectorSearch

/// Snapshots that hold anything: refused, or an index that can be searched and written again.
enum SnapshotFuzz {
    private struct End: Error {}

    private static let scopes = [UInt8(1), 2].map { Scope(Digest256(bytes: [UInt8](repeating: $0, count: 32))!) }

    private static func index() -> ScopedIndex {
        var tuning = ScopedIndex.Tuning()
        tuning.linkThreshold = 8
        tuning.linksInBackground = false
        return ScopedIndex(dimension: 4, tuning: tuning)
    }

    static func run(_ input: [UInt8]) {
        let index = index()
        var rest = input[...]
        do {
            try index.read { buffer in
                guard rest.count >= buffer.count else { throw End() }
                buffer.copyBytes(from: rest.prefix(buffer.count))
                rest = rest.dropFirst(buffer.count)
            }
        } catch { return }
        let query = UnitVector(normalizing: [1, 2, 3, 4])!
        for scope in scopes {
            let found = index.nearest(to: query, in: scope, count: 4)
            guard found.count <= 4, found.allSatisfy({ $0.similarity.isFinite }) else { fatalError("broken: what is found is near") }
        }
        index.insert(EntryID(rawValue: 900), query, in: scopes[0])
        index.settle()
        guard index.nearest(to: query, in: scopes[0], count: 1).first?.similarity ?? 0 > 0.99 else { fatalError("broken: what is inserted is found") }
        do { try index.write { _ in } } catch { fatalError("broken: what is read can be written") }
    }

    /// A scope that is scanned, and one with a graph.
    static func seeds() throws -> [[UInt8]] {
        try [[3, 0], [0, 12], [5, 30]].map { counts in
            let index = index()
            var id: Int64 = 0
            for (scope, count) in zip(scopes, counts) {
                for number in 0..<count {
                    id += 1
                    index.insert(EntryID(rawValue: id), UnitVector(normalizing: [Float(number) - 4, 1, Float(number % 3), 2])!, in: scope)
                }
            }
            index.settle()
            var bytes: [UInt8] = []
            try index.write { bytes.append(contentsOf: $0) }
            return bytes
        }
    }
}
