package import SemanticCache
import Synchronization

/// Exact search by scanning float32 vectors: the oracle for every other index.
///
/// Each scope is a list of chunks of at most `rowsPerChunk` vectors, stored one after the other; only the last one is not full. A search takes the
/// chunks under the lock, which is a handful of references, and scans them outside it; a writer that meets a chunk in use copies that chunk alone.
/// Insertion and removal take O(`dimension`), a search O(n · `dimension`) for the n vectors of its scope.
package final class FlatIndex: VectorIndex {
    /// Where a vector is.
    private struct Place {
        var scope: Scope
        var chunk: Int
        var row: Int
    }

    /// Some vectors of one scope: row `i` of `rows` belongs to `ids[i]`.
    struct Chunk {
        var ids: ContiguousArray<EntryID> = []
        /// `ids.count` × `dimension` floats.
        var rows: ContiguousArray<Float> = []
    }

    private struct State {
        var scopes: [Scope: [Chunk]] = [:]
        var places: [EntryID: Place] = [:]
    }

    /// 256 rows of 384 floats are 384 KiB: copied in tens of microseconds, and far larger than a chunk's overhead.
    private static let rowsPerChunk = 256

    package let dimension: Int
    private let state = Mutex(State())

    /// An empty index for vectors of `dimension` components.
    package init(dimension: Int) {
        precondition(dimension > 0, "a vector has at least one component")
        self.dimension = dimension
    }

    package var count: Int { state.withLock { $0.places.count } }

    package var unlinkedCount: Int { 0 }

    package var ids: [EntryID] { state.withLock { Array($0.places.keys) } }

    package func contains(_ id: EntryID, in scope: Scope) -> Bool { state.withLock { $0.places[id]?.scope == scope } }

    package func count(in scope: Scope) -> Int {
        state.withLock { state in
            // Only the last chunk is not full.
            guard let chunks = state.scopes[scope], let last = chunks.last else { return 0 }
            return (chunks.count - 1) * Self.rowsPerChunk + last.ids.count
        }
    }

    package var memoryBytes: Int {
        state.withLock { state in
            let places = state.places.count * (MemoryLayout<EntryID>.stride + MemoryLayout<Place>.stride) * 4 / 3
            let chunks = state.scopes.values.reduce(0) { sum, chunks in
                sum
                    + chunks.reduce(64 + MemoryLayout<Scope>.stride) { sum, chunk in
                        sum + chunk.rows.capacity * MemoryLayout<Float>.stride + chunk.ids.capacity * MemoryLayout<EntryID>.stride + 64
                    }
            }
            return places + chunks
        }
    }

    package func insert(_ id: EntryID, _ vector: UnitVector, in scope: Scope) {
        precondition(vector.dimension == dimension, "this index holds vectors of \(dimension) components, not \(vector.dimension)")
        state.withLock { state in
            remove(id, &state)
            var last = state.scopes[scope, default: []].count - 1
            if last < 0 || state.scopes[scope, default: []][last].ids.count == Self.rowsPerChunk {
                state.scopes[scope, default: []].append(Chunk())
                last += 1
            }
            let row = state.scopes[scope, default: []][last].ids.count
            state.scopes[scope, default: []][last].ids.append(id)
            state.scopes[scope, default: []][last].rows.append(contentsOf: vector.components)
            state.places[id] = Place(scope: scope, chunk: last, row: row)
        }
    }

    @discardableResult
    package func remove(_ id: EntryID) -> Bool {
        state.withLock { remove(id, &$0) }
    }

    package func removeAll() {
        state.withLock { $0 = State() }
    }

    package func nearest(to query: UnitVector, in scope: Scope, count: Int) -> [Neighbour] {
        precondition(query.dimension == dimension, "this index holds vectors of \(dimension) components, not \(query.dimension)")
        guard count > 0, let chunks = state.withLock({ $0.scopes[scope] }) else { return [] }
        var best = NearestList(count: count)
        query.components.withUnsafeBufferPointer { query in
            for chunk in chunks {
                chunk.rows.withUnsafeBufferPointer { rows in
                    guard let first = rows.baseAddress, let query = query.baseAddress else { return }
                    for (row, id) in chunk.ids.enumerated() {
                        // Row `row` lies within `rows`, which holds `ids.count` rows of `dimension` floats.
                        best.offer(id, DotProduct.of(query, first + row * dimension, count: dimension))
                    }
                }
            }
        }
        return best.neighbours
    }

    package func all(atLeast threshold: Float, similarTo query: UnitVector, in scope: Scope) -> [Neighbour] {
        nearest(to: query, in: scope, count: max(1, count(in: scope))).filter { $0.similarity >= threshold }
    }

    @discardableResult
    private func remove(_ id: EntryID, _ state: inout State) -> Bool {
        guard let place = state.places.removeValue(forKey: id), var chunks = state.scopes.removeValue(forKey: place.scope) else { return false }
        // The chunks were taken out of the dictionary, so that changing them copies none.
        let last = chunks.count - 1
        let lastRow = chunks[last].ids.count - 1
        if place.chunk != last || place.row != lastRow {
            let moved = chunks[last].ids[lastRow]
            let vector = Array(chunks[last].rows[(lastRow * dimension)...])
            chunks[place.chunk].ids[place.row] = moved
            chunks[place.chunk].rows.replaceSubrange(place.row * dimension..<(place.row + 1) * dimension, with: vector)
            state.places[moved] = Place(scope: place.scope, chunk: place.chunk, row: place.row)
        }
        chunks[last].ids.removeLast()
        chunks[last].rows.removeLast(dimension)
        if chunks[last].ids.isEmpty {
            chunks.removeLast()
        } else if chunks[last].rows.count * 4 <= chunks[last].rows.capacity {
            chunks[last] = Chunk(ids: ContiguousArray(Array(chunks[last].ids)), rows: ContiguousArray(Array(chunks[last].rows)))
        }
        if !chunks.isEmpty { state.scopes[place.scope] = chunks }
        return true
    }
}
