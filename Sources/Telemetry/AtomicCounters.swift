import Synchronization

/// A fixed number of counters in one piece of memory, each added to without a lock.
///
/// `@unchecked Sendable`: between `init` and `deinit` the memory is only touched through the operations of `Atomic`, which any thread may use.
/// Counters are read one after the other, so that a report may see a request in one and not yet in the next.
final class AtomicCounters: @unchecked Sendable {
    let count: Int
    private let cells: UnsafeMutablePointer<Atomic<Int>>

    /// `count` counters at zero.
    init(_ count: Int) {
        self.count = count
        cells = .allocate(capacity: count)
        for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: count)
        cells.deallocate()
    }

    /// Adds `amount` to the counter at `index`, wrapping around at the ends.
    func add(_ amount: Int = 1, at index: Int) {
        precondition(index >= 0 && index < count)
        cells[index].wrappingAdd(amount, ordering: .relaxed)
    }

    /// The counter at `index`.
    subscript(index: Int) -> Int {
        precondition(index >= 0 && index < count)
        return cells[index].load(ordering: .relaxed)
    }
}
