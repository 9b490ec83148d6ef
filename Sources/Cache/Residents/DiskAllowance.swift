/// What the entries may take in the store by an estimate, so that what they take in truth stays within a limit.
///
/// Entries are weighed as they come, and only the disk knows what they take: pages that are not full, trees above the rows, rows that cannot be read any
/// more. So the limit is held against a measurement whenever there is one, and the estimate against what that leaves.
struct DiskAllowance: Sendable {
    /// Never below this part of the limit: a measurement that is far off must not empty the cache.
    private static let least = 16

    private let limit: Int
    /// The estimate may reach this.
    private(set) var bytes: Int

    init(limit: Int) {
        self.limit = limit
        bytes = limit
    }

    /// Takes in that entries of `estimated` bytes take `measured`.
    mutating func note(estimated: Int, measured: Int) {
        guard measured > 0 else { return }
        let fitting = Double(estimated) * Double(limit) / Double(measured)
        // In steps: where rows are removed pages first get emptier, and are joined later.
        let bounded = fitting < Double(limit) ? max(Int(fitting), estimated / 8 * 7, limit / Self.least) : limit
        // Of a store with room left nothing is known that asks for less: what every file has weighs more in a small one.
        if measured > limit || bounded > bytes { bytes = bounded }
    }
}
