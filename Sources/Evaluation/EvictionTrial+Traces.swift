import Foundation

extension EvictionTrial {
    /// Requests whose popularity falls off as Zipf's law has it, with answers of very different sizes and prices.
    ///
    /// - Parameters:
    ///   - keys: how many different requests there are.
    ///   - skew: the exponent; 0.9 is usual for prompts and pages.
    ///   - scans: the share of requests that belong to long runs of requests that never come again, as a crawl or an evaluation makes them.
    package static func zipf(requests: Int, keys: Int, skew: Double, scans: Double, seed: UInt64) -> [Request] {
        var random = SeededGenerator(seed: seed)
        var cumulative: [Double] = []
        var sum = 0.0
        for rank in 1...max(1, keys) {
            sum += pow(Double(rank), -skew)
            cumulative.append(sum)
        }
        // Some answers are long, most are short; a long one costs more and takes longer, and besides that models differ in price.
        func request(_ key: UInt64) -> Request {
            var z = key &* 0xD6E8_FEB8_6659_FD93
            z ^= z >> 32
            let size = Double(z & 0xFFFF) / 65_536
            let price = Double(z >> 16 & 0xFFFF) / 65_536
            let bytes = 300 + Int(40_000 * size * size * size)
            return Request(key: key, bytes: bytes, cost: 0.3 + Double(bytes) / 1000 * (0.2 + 2 * price * price))
        }
        var trace: [Request] = []
        trace.reserveCapacity(requests)
        var nextScan = UInt64(1) << 40
        while trace.count < requests {
            // One run of a scan is some thousand requests; between runs come as many others that the share is kept.
            let run = 2000
            if scans > 0 {
                for _ in 0..<run {
                    trace.append(request(nextScan))
                    nextScan += 1
                }
            }
            for _ in 0..<(scans > 0 ? Int(Double(run) * (1 - scans) / scans) : requests) {
                let target = random.unit() * sum
                var (low, high) = (0, cumulative.count - 1)
                while low < high {
                    let middle = (low + high) / 2
                    if cumulative[middle] < target { low = middle + 1 } else { high = middle }
                }
                trace.append(request(UInt64(low)))
            }
        }
        return Array(trace.prefix(requests))
    }
}
