import Matching
import SemanticCache
import Synchronization

/// Which numbers, dates and identifiers the searchable entries of each scope state.
///
/// A prompt that names an order, a version or a day that nobody in its scope ever named cannot be answered from the cache: the numbers guard would
/// refuse every neighbour. Knowing that beforehand spares the request the embedding, by far the dearest part of a look-up.
final class ScopeFacts: Sendable {
    /// How many entries state a fact, by the hash of scope and fact. A collision makes a look-up go the whole way, which is only slower.
    private let counts = Mutex<[Int: UInt32]>([:])

    /// Takes in the facts of an entry that becomes searchable.
    func add(_ query: String, in scope: Scope) {
        let keys = Self.keys(query, scope)
        guard !keys.isEmpty else { return }
        counts.withLock { counts in for key in keys { counts[key, default: 0] += 1 } }
    }

    /// Takes out the facts of an entry that was added before.
    func remove(_ query: String, in scope: Scope) {
        let keys = Self.keys(query, scope)
        guard !keys.isEmpty else { return }
        counts.withLock { counts in
            for key in keys {
                guard let count = counts[key] else { continue }
                counts[key] = count > 1 ? count - 1 : nil
            }
        }
    }

    /// The memory held, in bytes.
    var memoryBytes: Int { counts.withLock { $0.capacity * 16 * 4 / 3 } }

    func removeAll() { counts.withLock { $0 = [:] } }

    /// Whether every number that a neighbour must state is stated by some entry of `scope`.
    func mayMatch(_ facts: StatedFacts, in scope: Scope) -> Bool {
        let required = facts.required
        guard !required.isEmpty else { return true }
        return counts.withLock { counts in
            required.allSatisfy { keys in keys.contains { counts[Self.key($0, scope)] != nil } }
        }
    }

    private static func keys(_ query: String, _ scope: Scope) -> [Int] { StatedFacts(query).stated.map { key($0, scope) } }

    private static func key(_ fact: Int, _ scope: Scope) -> Int {
        var hasher = Hasher()
        hasher.combine(fact)
        hasher.combine(scope)
        return hasher.finalize()
    }
}
