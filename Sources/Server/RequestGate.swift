import Synchronization

/// Bounds the requests that are answered at the same time; the next one is refused at once rather than kept waiting.
final class RequestGate: Sendable {
    /// A request's place; free again when the last copy is gone.
    final class Place: Sendable {
        private let gate: RequestGate

        fileprivate init(_ gate: RequestGate) { self.gate = gate }

        deinit { gate.count.subtract(1, ordering: .relaxed) }
    }

    private let limit: Int
    private let count = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    /// The requests being answered.
    var inFlight: Int { count.load(ordering: .relaxed) }

    /// A place for one more request; `nil` when there is none.
    func enter() -> Place? {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            count.subtract(1, ordering: .relaxed)
            return nil
        }
        return Place(self)
    }
}
