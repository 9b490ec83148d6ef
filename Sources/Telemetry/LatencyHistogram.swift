/// A histogram of durations from one microsecond to 71 minutes, each bucket at most 1/16 wide, in 4 kB.
///
/// Recording is constant time and takes no lock; quantiles are upper bounds of their bucket, so never flattering.
package final class LatencyHistogram: Sendable {
    /// The p50, p95 and p99 in milliseconds; `nil` before the first observation.
    package struct Quantiles: Sendable, Encodable {
        package let p50: Double?
        package let p95: Double?
        package let p99: Double?
    }

    /// How many observations took less than `bound` seconds.
    package struct Bucket: Sendable {
        package let bound: Double
        package let count: Int
    }

    // 16 sub-buckets for each power of two up to 2^32 microseconds; the sum of all stands behind the last.
    private static let bucketCount = 16 * 29
    private let cells = AtomicCounters(bucketCount + 1)

    package init() {}

    /// Counts one observation.
    package func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds = UInt64(clamping: seconds) &* 1_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000_000)
        cells.add(at: Self.bucket(of: microseconds))
        cells.add(Int(clamping: microseconds), at: Self.bucketCount)
    }

    /// The quantiles of everything recorded so far.
    package var quantiles: Quantiles {
        let counts = counts
        let total = counts.reduce(0, +)
        func quantile(_ share: Double) -> Double? {
            guard total > 0 else { return nil }
            let rank = Int((share * Double(total)).rounded(.up))
            var seen = 0
            for (bucket, count) in counts.enumerated() {
                seen += count
                if seen >= rank { return Double(Self.upperBound(of: bucket)) / 1000 }
            }
            return nil
        }
        return Quantiles(p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99))
    }

    /// Cumulative counts at powers of two from 64 microseconds to 67 seconds, where the fine buckets have their exact bounds; the number of all
    /// observations; their sum in seconds.
    package var cumulative: (buckets: [Bucket], total: Int, sum: Double) {
        let counts = counts
        var buckets: [Bucket] = []
        var seen = 0
        var next = 0
        for exponent in 6...26 {
            let end = Self.bucket(of: 1 << UInt64(exponent))
            while next < end {
                seen += counts[next]
                next += 1
            }
            buckets.append(Bucket(bound: Double(1 << exponent) / 1_000_000, count: seen))
        }
        return (buckets, seen + counts[next...].reduce(0, +), Double(cells[Self.bucketCount]) / 1_000_000)
    }

    private var counts: [Int] { (0..<Self.bucketCount).map { cells[$0] } }

    private static func bucket(of microseconds: UInt64) -> Int {
        guard microseconds >= 16 else { return Int(microseconds) }
        let exponent = 63 - microseconds.leadingZeroBitCount
        let sub = Int(microseconds >> UInt64(exponent - 4)) & 15
        return min(bucketCount - 1, (exponent - 3) * 16 + sub)
    }

    private static func upperBound(of bucket: Int) -> UInt64 {
        guard bucket >= 16 else { return UInt64(bucket) }
        let exponent = bucket / 16 + 3
        return (UInt64(16 + bucket % 16 + 1) << UInt64(exponent - 4)) - 1
    }
}
