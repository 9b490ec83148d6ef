/// How often things were asked for of late: a count-min sketch of four-bit counters that are halved as time goes on.
///
/// TinyLFU (Einziger, Friedman and Manes, 2017): recent popularity in half a byte a counter, also of what is not in the cache.
package struct FrequencySketch: Sendable {
    /// Sixteen counters a word.
    private var words: [UInt64]
    private var additions = 0
    private let period: Int
    private var mask: UInt64 { UInt64(words.count - 1) }

    /// - Parameter capacity: how many things are to be told apart; counters are halved after ten times as many additions.
    package init(capacity: Int) {
        var count = 64
        while count < min(capacity, 1 << 22) { count *= 2 }
        words = [UInt64](repeating: 0, count: count)
        period = count * 10
    }

    /// The memory held, in bytes.
    package var memoryBytes: Int { words.count * 8 }

    /// The estimate for a hash, 0...15; never too low but for halving.
    package func frequency(_ hash: UInt64) -> Int {
        var least = 15
        for row in 0..<4 {
            let (word, shift) = place(hash, row)
            least = min(least, Int(words[word] >> shift & 15))
        }
        return least
    }

    /// Counts one request.
    package mutating func add(_ hash: UInt64) {
        for row in 0..<4 {
            let (word, shift) = place(hash, row)
            if words[word] >> shift & 15 < 15 { words[word] += 1 << shift }
        }
        additions += 1
        guard additions >= period else { return }
        additions /= 2
        for index in words.indices { words[index] = words[index] >> 1 & 0x7777_7777_7777_7777 }
    }

    /// Row `row` has four of the sixteen counters of a word, so that rows never share one.
    private func place(_ hash: UInt64, _ row: Int) -> (word: Int, shift: UInt64) {
        var mixed = (hash ^ UInt64(row) &* 0xD6E8_FEB8_6659_FD93) &* 0x9E37_79B9_7F4A_7C15
        mixed ^= mixed >> 32
        return (Int(mixed & mask), (mixed >> 60 & 3) * 4 + UInt64(row) * 16)
    }
}
