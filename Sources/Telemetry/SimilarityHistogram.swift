/// How similar the best neighbours were, in bins of 0.02, apart by whether they were served.
package final class SimilarityHistogram: Sendable {
    /// The bins of 0...1; the last one holds 1 as well.
    package static let binCount = 50

    // Served, forwarded, then the two sums in millionths.
    private let cells = AtomicCounters(2 * binCount + 2)

    package init() {}

    /// Counts one decision. Similarities outside 0...1 count at the nearer end, those that are no number not at all.
    package func record(_ similarity: Float, isServed: Bool) {
        guard similarity.isFinite else { return }
        let value = Double(min(1, max(0, similarity)))
        // A similarity of exactly 0.9 is a Float just below 0.9.
        let bin = min(Self.binCount - 1, Int((value * Double(Self.binCount) + 1e-5).rounded(.down)))
        cells.add(at: (isServed ? 0 : Self.binCount) + bin)
        cells.add(Int(value * 1_000_000), at: 2 * Self.binCount + (isServed ? 0 : 1))
    }

    /// Counts by bin, ascending.
    package func counts(served: Bool) -> [Int] { (0..<Self.binCount).map { cells[(served ? 0 : Self.binCount) + $0] } }

    /// The sum of the similarities.
    package func sum(served: Bool) -> Double { Double(cells[2 * Self.binCount + (served ? 0 : 1)]) / 1_000_000 }
}
