import Synchronization

/// Tells when every search that may still look at something that was taken out has ended.
///
/// Searches enter and leave; what is taken out is stamped with the epoch of that moment and may be reused once ``isOver(_:)``. Epochs advance
/// only when no search of the one before is left, so two advances later nobody can hold what was stamped (Fraser 2004, epoch-based reclamation).
final class ReaderEpochs: Sendable {
    private let current = Atomic<Int>(2)
    private let even = Atomic<Int>(0)
    private let odd = Atomic<Int>(0)

    /// Begins a search; the result goes to ``leave(_:)``.
    func enter() -> Int {
        while true {
            let epoch = current.load(ordering: .sequentiallyConsistent)
            add(1, epoch)
            if current.load(ordering: .sequentiallyConsistent) == epoch { return epoch }
            add(-1, epoch)
        }
    }

    func leave(_ epoch: Int) { add(-1, epoch) }

    /// The stamp for something that is taken out now.
    var stamp: Int { current.load(ordering: .sequentiallyConsistent) }

    /// Whether what was stamped so can no longer be seen by anyone; moves the epoch on when it may.
    func isOver(_ stamp: Int) -> Bool {
        for _ in 0..<2 {
            let epoch = current.load(ordering: .sequentiallyConsistent)
            if epoch >= stamp + 2 { return true }
            let former = (epoch + 1).isMultiple(of: 2) ? even.load(ordering: .sequentiallyConsistent) : odd.load(ordering: .sequentiallyConsistent)
            guard former == 0 else { return false }
            _ = current.compareExchange(expected: epoch, desired: epoch + 1, ordering: .sequentiallyConsistent)
        }
        return current.load(ordering: .sequentiallyConsistent) >= stamp + 2
    }

    private func add(_ count: Int, _ epoch: Int) {
        if epoch.isMultiple(of: 2) { even.add(count, ordering: .sequentiallyConsistent) } else { odd.add(count, ordering: .sequentiallyConsistent) }
    }
}
