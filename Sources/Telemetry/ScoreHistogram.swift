/// How the best neighbours scored where a learned score decides, in bins of 0.25 over -3...9, apart by whether they were served.
package final class ScoreHistogram: Sendable {
    package static let binCount = 48
    /// The least score of the first bin. Scores beyond either end count in the outermost bins.
    package static let lowest = -3.0
    package static let width = 0.25

    // Served, then forwarded.
    private let cells = AtomicCounters(2 * binCount)

    package init() {}

    /// Counts one decision; a score that is no number does not count.
    package func record(_ score: Double, isServed: Bool) {
        guard score.isFinite else { return }
        let place = ((score - Self.lowest) / Self.width).rounded(.down)
        let bin = Int(min(Double(Self.binCount - 1), max(0, place)))
        cells.add(at: (isServed ? 0 : Self.binCount) + bin)
    }

    /// Counts by bin, ascending.
    package func counts(served: Bool) -> [Int] { (0..<Self.binCount).map { cells[(served ? 0 : Self.binCount) + $0] } }
}
