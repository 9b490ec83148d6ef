import Cache
import Learning
import Matching
import SemanticCache
import Synchronization

/// Vectors that are still being made when their answers have ended.
///
/// An answer's last byte never waits for the embedder: the entry serves exact repeats at once, and its vector follows. A rewording that comes in
/// that moment waits for it here, so that what was answered before a question was asked can answer it.
final class LateVectors: Sendable {
    private struct Making {
        let facts: StatedFacts
        let vector: LateVector
        let task: Task<Void, Never>
    }

    /// What is on its way into one scope.
    private struct Underway {
        private(set) var makings: [EntryID: Making] = [:]
        /// How many of them state a fact. Each request asks, and there may be thousands where answers come faster than vectors.
        private var stated: [Int: Int] = [:]

        var isEmpty: Bool { makings.isEmpty }

        mutating func add(_ making: Making, to id: EntryID) {
            makings[id] = making
            for fact in making.facts.stated { stated[fact, default: 0] += 1 }
        }

        mutating func remove(_ id: EntryID) {
            guard let making = makings.removeValue(forKey: id) else { return }
            for fact in making.facts.stated { stated[fact] = stated[fact].flatMap { $0 > 1 ? $0 - 1 : nil } }
        }

        /// Whether everything that a prompt requires is stated by some that are on their way, if not by one alone.
        func mayMatch(_ facts: StatedFacts) -> Bool {
            !makings.isEmpty && facts.required.allSatisfy { keys in keys.contains { stated[$0] != nil } }
        }
    }

    private struct State {
        var underway: [Scope: Underway] = [:]
        var waiters: [Scope: [Int: Waiter]] = [:]
        var lastWaiter = 0
    }

    /// One that waits for a scope, until nothing is missing or it gives up.
    private struct Waiter {
        var missing: Set<EntryID>
        let continuation: CheckedContinuation<Void, Never>
    }

    private let cache: AnswerCache
    private let indexing: IndexingQueue?
    private let state = Mutex(State())

    /// - Parameter indexing: takes over what could not be embedded in time; `nil` leaves it exact-only.
    init(cache: AnswerCache, indexing: IndexingQueue?) {
        self.cache = cache
        self.indexing = indexing
    }

    /// Brings the vector to the entry, which is in the cache, when it is there.
    ///
    /// - Parameters:
    ///   - facts: what the query states.
    ///   - then: what is to be done with what the look-up for the vector can teach.
    func follow(
        _ vector: LateVector, to id: EntryID, in scope: Scope, query: String, facts: StatedFacts,
        then learn: @escaping @Sendable (LabelJob.Kind?) -> Void
    ) {
        state.withLock { state in
            // Begun under the lock, so that its end finds it.
            let task = Task {
                let made = await vector.made
                if let vector = made.vector { await cache.attach(vector, to: id) } else { indexing?.enqueue(id, query: query) }
                forget(id, in: scope)
                learn(made.lesson)
            }
            state.underway[scope, default: Underway()].add(Making(facts: facts, vector: vector, task: task), to: id)
        }
    }

    /// Whether no vector is on its way into `scope`.
    func isEmpty(_ scope: Scope) -> Bool { state.withLock { $0.underway[scope] == nil } }

    /// Whether no vector is on its way into `scope` that a prompt with these facts might be answered by.
    func isSettled(_ scope: Scope, for facts: StatedFacts) -> Bool {
        state.withLock { state in state.underway[scope].map { !$0.mayMatch(facts) } ?? true }
    }

    /// Waits for the vectors that are on their way into `scope` and might answer a prompt with these facts; those that are announced later are not
    /// waited for. Ends at once when cancelled.
    func settle(_ scope: Scope, for facts: StatedFacts) async {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let hasToWait = state.withLock { state in
                    let missing = (state.underway[scope]?.makings ?? [:]).filter { facts.mayMatch($0.value.facts) }
                    guard !Task.isCancelled, !missing.isEmpty else { return false }
                    for making in missing.values { making.vector.hurry() }
                    state.waiters[scope, default: [:]][number] = Waiter(missing: Set(missing.keys), continuation: continuation)
                    return true
                }
                if !hasToWait { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { Self.remove(number, in: scope, &$0) }
            waiter?.continuation.resume()
        }
    }

    /// Waits for all that are on their way.
    func settle() async {
        let all = state.withLock { $0.underway.values.flatMap(\.makings.values) }
        for making in all { making.vector.hurry() }
        for making in all { await making.task.value }
    }

    private func forget(_ id: EntryID, in scope: Scope) {
        let served = state.withLock { state -> [Waiter] in
            state.underway[scope]?.remove(id)
            if state.underway[scope]?.isEmpty == true { state.underway[scope] = nil }
            for number in (state.waiters[scope] ?? [:]).keys { state.waiters[scope]?[number]?.missing.remove(id) }
            let served = (state.waiters[scope] ?? [:]).filter(\.value.missing.isEmpty)
            return served.keys.compactMap { Self.remove($0, in: scope, &state) }
        }
        for waiter in served { waiter.continuation.resume() }
    }

    private static func remove(_ number: Int, in scope: Scope, _ state: inout State) -> Waiter? {
        defer { if state.waiters[scope]?.isEmpty == true { state.waiters[scope] = nil } }
        return state.waiters[scope]?.removeValue(forKey: number)
    }
}

/// The vector of a forwarded query, which may not be there yet. Nothing is made for nobody: the last reference that goes ends the making.
final class LateVector: Sendable {
    /// What there is in the end.
    struct Made: Sendable {
        /// `nil` when it cannot be had.
        let vector: UnitVector?
        /// What the query's look-up can teach, where it was made behind the request.
        var lesson: LabelJob.Kind?
    }

    private final class Place: Sendable {
        let made: Mutex<Made?>

        init(_ made: Made?) { self.made = Mutex(made) }
    }

    private let place: Place
    private let urgency = Urgency()
    private let make: @Sendable (Urgency) async -> Made
    private let making = Mutex<Task<Made, Never>?>(nil)

    /// A vector that the look-up made.
    init(_ vector: UnitVector) {
        let made = Made(vector: vector)
        place = Place(made)
        make = { _ in made }
    }

    /// A vector that is made while the upstream works, from ``begin()`` on.
    ///
    /// - Parameter make: told when somebody begins to wait for it.
    init(_ make: @escaping @Sendable (Urgency) async -> Made) {
        place = Place(nil)
        self.make = make
    }

    /// Has it made, if nobody has before.
    func begin() { _ = task }

    private var task: Task<Made, Never> {
        making.withLock { making in
            if let making { return making }
            let task = Task { [urgency, make, place] in
                let made = await make(urgency)
                place.made.withLock { $0 = made }
                return made
            }
            making = task
            return task
        }
    }

    deinit { making.withLock { $0 }?.cancel() }

    /// Somebody waits for it.
    func hurry() { urgency.raise() }

    /// The vector and what came with it, if it is there already.
    var ready: Made? { place.made.withLock { $0 } }

    /// The same, waited for.
    var made: Made {
        get async { if let ready { ready } else { await task.value } }
    }
}
