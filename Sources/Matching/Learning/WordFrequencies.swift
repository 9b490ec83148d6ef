/// In how many prompts each word stood, in a table of fixed size.
///
/// Words share a place when their hashes do, which makes a rare word look commoner and never the other way round.
package struct WordFrequencies: Hashable, Sendable {
    package static let placeCount = 8192
    /// The table is halved when it has seen this many prompts, so that it follows the traffic and its counts fit 16 bits.
    private static let limit = 40_000

    package private(set) var counts: [UInt16]
    package private(set) var prompts: Int

    package init() {
        counts = Array(repeating: 0, count: Self.placeCount)
        prompts = 0
    }

    /// A table as it was kept; `nil` when its size is not right.
    package init?(counts: [UInt16], prompts: Int) {
        guard counts.count == Self.placeCount, (0...Self.limit).contains(prompts) else { return nil }
        self.counts = counts
        self.prompts = prompts
    }

    /// Counts one prompt's words, each once.
    package mutating func add(_ places: some Sequence<Int>) {
        prompts += 1
        for place in places where counts[place] < .max { counts[place] += 1 }
        guard prompts >= Self.limit else { return }
        prompts /= 2
        for index in counts.indices { counts[index] /= 2 }
    }

    /// The place of a word: FNV-1a of its UTF-8, the same on every system and in every run.
    package static func place(of word: String) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in word.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash ^= hash >> 32
        return Int(truncatingIfNeeded: hash & UInt64(placeCount - 1))
    }

    /// How rare a word is, 0 (in every prompt) to 1 (never seen): its inverse document frequency as a share of the largest.
    ///
    /// The table starts as if it had seen 200 prompts in which function words are common and all others rare.
    package func rarity(of place: Int, isFunctionWord: Bool) -> Double {
        let seen = Double(prompts) + 200
        let count = Double(counts[place]) + (isFunctionWord ? 40 : 0.5)
        return min(1, max(0, Exponential.ln(seen / count) / Exponential.ln(seen / 0.5)))
    }
}
