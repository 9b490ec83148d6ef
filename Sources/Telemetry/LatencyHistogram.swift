import Synchronization

/// A histogram of durations from one microsecond to an hour, each bucket at most 1/16 wide, in 3 kB.
///
/// Recording is constant time under a short lock; quantiles are upper bounds of their bucket, so never flattering.
package final class LatencyHistogram: Sendable {
    private struct State {
        var counts = [UInt64](repeating: 0, count: LatencyHistogram.bucketCount)
        var total: UInt64 = 0
        var sumMicroseconds: UInt64 = 0
    }

    /// The p50, p95 and p99 in milliseconds; `nil` before the first observation.
    package struct Quantiles: Sendable, Encodable {
        package let p50: Double?
        package let p95: Double?
        package let p99: Double?
    }

    // 16 sub-buckets for each power of two up to 2^32 microseconds (71 minutes).
    private static let bucketCount = 16 * 29
    private let state = Mutex(State())

    package init() {}

    /// Counts one observation.
    package func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds = UInt64(clamping: seconds) &* 1_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000_000)
        let bucket = Self.bucket(of: microseconds)
        state.withLock {
            $0.counts[bucket] += 1
            $0.total += 1
            $0.sumMicroseconds &+= microseconds
        }
    }

    /// The quantiles of everything recorded so far.
    package var quantiles: Quantiles {
        state.withLock { state in
            func quantile(_ share: Double) -> Double? {
                guard state.total > 0 else { return nil }
                let rank = UInt64((share * Double(state.total)).rounded(.up))
                var seen: UInt64 = 0
                for (bucket, count) in state.counts.enumerated() {
                    seen += count
                    if seen >= rank { return Double(Self.upperBound(of: bucket)) / 1000 }
                }
                return nil
            }
            return Quantiles(p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99))
        }
    }

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
