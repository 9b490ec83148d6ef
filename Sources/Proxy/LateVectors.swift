import SemanticCache
import Synchronization

/// Vectors that are still being made when their answers have ended.
///
/// An answer's last byte never waits for the embedder: the entry serves exact repeats at once, and its vector follows. A rewording that comes in
/// that moment waits for it here, so that what was answered before a question was asked can answer it.
final class LateVectors: Sendable {
    private let cache: AnswerCache
    private let indexing: IndexingQueue?
    private let underway = Mutex<[Scope: [EntryID: Task<Void, Never>]]>([:])

    /// - Parameter indexing: takes over what could not be embedded in time; `nil` leaves it exact-only.
    init(cache: AnswerCache, indexing: IndexingQueue?) {
        self.cache = cache
        self.indexing = indexing
    }

    /// Brings the vector to the entry, which is in the cache, when it is there.
    func follow(_ vector: LateVector, to id: EntryID, in scope: Scope, query: String) {
        underway.withLock { underway in
            // Begun under the lock, so that its end finds it.
            underway[scope, default: [:]][id] = Task {
                if let vector = await vector.value { await cache.attach(vector, to: id) } else { indexing?.enqueue(id, query: query) }
                forget(id, in: scope)
            }
        }
    }

    /// Waits for the vectors that are on their way into `scope`; those that are announced later are not waited for.
    func settle(_ scope: Scope) async {
        let tasks = underway.withLock { $0[scope].map { Array($0.values) } ?? [] }
        for task in tasks { await task.value }
    }

    /// Waits for all that are on their way.
    func settle() async {
        let tasks = underway.withLock { $0.values.flatMap(\.values) }
        for task in tasks { await task.value }
    }

    private func forget(_ id: EntryID, in scope: Scope) {
        underway.withLock { underway in
            underway[scope]?[id] = nil
            if underway[scope]?.isEmpty == true { underway[scope] = nil }
        }
    }
}

/// The vector of a forwarded query, which may not be there yet. Nothing is made for nobody: the last reference that goes ends the making.
final class LateVector: Sendable {
    private final class Made: Sendable {
        let vector: Mutex<UnitVector?>

        init(_ vector: UnitVector?) { self.vector = Mutex(vector) }
    }

    private let made: Made
    private let making: Task<UnitVector?, Never>?

    /// A vector that the look-up made.
    init(_ vector: UnitVector) {
        made = Made(vector)
        making = nil
    }

    /// A vector that is made while the upstream works.
    ///
    /// - Parameter make: `nil` when it cannot be had.
    init(_ make: @escaping @Sendable () async -> UnitVector?) {
        let made = Made(nil)
        self.made = made
        making = Task {
            let vector = await make()
            made.vector.withLock { $0 = vector }
            return vector
        }
    }

    deinit { making?.cancel() }

    /// The vector, if it is there already.
    var ready: UnitVector? { made.vector.withLock { $0 } }

    /// The vector, waited for; `nil` when it cannot be had.
    var value: UnitVector? {
        get async { if let making { await making.value } else { ready } }
    }
}
