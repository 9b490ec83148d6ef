/// A share of some trials with its 95 % interval after Wilson (1927), which keeps its promise for small counts and shares near 0 or 1.
package struct Proportion: Hashable, Sendable, Encodable {
    package let count: Int
    package let total: Int

    package init(_ count: Int, of total: Int) {
        self.count = count
        self.total = total
    }

    /// The share; 0 of nothing is 0.
    package var share: Double { total > 0 ? Double(count) / Double(total) : 0 }

    /// The 95 % interval; 0...1 of nothing.
    package var interval: ClosedRange<Double> {
        guard total > 0 else { return 0...1 }
        let z = 1.959964
        let n = Double(total)
        let center = share + z * z / (2 * n)
        let spread = z * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
        let scale = 1 + z * z / n
        return max(0, (center - spread) / scale)...min(1, (center + spread) / scale)
    }

    private enum CodingKeys: String, CodingKey { case count, total, share, low, high }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(count, forKey: .count)
        try container.encode(total, forKey: .total)
        try container.encode(share, forKey: .share)
        try container.encode(interval.lowerBound, forKey: .low)
        try container.encode(interval.upperBound, forKey: .high)
    }

    package static func + (a: Self, b: Self) -> Self { Self(a.count + b.count, of: a.total + b.total) }
}
