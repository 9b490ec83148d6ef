/// Comparisons that wait, the most telling first.
///
/// A label on what would have been served is worth a hundred on what was a clear miss: when there is no room, the latter give way, the oldest first; among equals
/// the new one is refused.
package struct LabelQueue<Job: Sendable>: Sendable {
    /// How much a label tells.
    package enum Worth: Int, Sendable, CaseIterable {
        /// It would not have been served, by far.
        case clearMiss
        /// It would not have been served, but nearly.
        case nearMiss
        /// It would have been served.
        case wouldServe
    }

    private struct Line: Sendable {
        var jobs: [Job] = []
        var head = 0

        var count: Int { jobs.count - head }

        mutating func take() -> Job? {
            guard head < jobs.count else { return nil }
            defer {
                head += 1
                if head > 64, head * 2 > jobs.count {
                    jobs.removeFirst(head)
                    head = 0
                }
            }
            return jobs[head]
        }
    }

    private let capacity: Int
    private var lines = Worth.allCases.map { _ in Line() }

    package init(capacity: Int) { self.capacity = max(1, capacity) }

    package var count: Int { lines.reduce(0) { $0 + $1.count } }

    /// Takes a job in; gives the one that had to go for it, which may be the job itself.
    ///
    /// - Complexity: O(1) amortised.
    package mutating func push(_ job: Job, worth: Worth) -> Job? {
        guard count >= capacity else {
            lines[worth.rawValue].jobs.append(job)
            return nil
        }
        for lower in 0..<worth.rawValue where lines[lower].count > 0 {
            let gone = lines[lower].take()
            lines[worth.rawValue].jobs.append(job)
            return gone
        }
        return job
    }

    /// The most telling job, the oldest of its kind; `nil` when none waits.
    package mutating func pop() -> Job? {
        for worth in Worth.allCases.reversed() where lines[worth.rawValue].count > 0 { return lines[worth.rawValue].take() }
        return nil
    }
}
