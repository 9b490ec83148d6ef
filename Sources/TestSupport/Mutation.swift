/// Damages texts for fuzz tests: by bits, by pieces, and by words that mean something to the reader under test.
package enum Mutation {
    /// The number of rounds for a fuzz test: few in the suite; `REPRISE_FUZZ_ROUNDS` asks for more.
    package static func rounds(_ environment: [String: String], default count: Int) -> Int {
        environment["REPRISE_FUZZ_ROUNDS"].flatMap { Int($0) } ?? count
    }

    /// `bytes` with one to four changes.
    package static func mutated(_ bytes: [UInt8], words: [String], using generator: inout some RandomNumberGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) { change(&bytes, words: words, using: &generator) }
        return bytes
    }

    private static func change(_ bytes: inout [UInt8], words: [String], using generator: inout some RandomNumberGenerator) {
        let place = Int.random(in: 0...bytes.count, using: &generator)
        let end = min(bytes.count, place + Int.random(in: 0...24, using: &generator))
        switch Int.random(in: 0..<8, using: &generator) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1 where place < bytes.count: bytes[place] = .random(in: .min ... .max, using: &generator)
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4: bytes.removeSubrange(place...)
        case 5:
            let other = Int.random(in: 0...bytes.count, using: &generator)
            bytes.insert(contentsOf: bytes[place..<end], at: other)
        default:
            if let word = words.randomElement(using: &generator) { bytes.replaceSubrange(place..<min(end, place + word.utf8.count), with: word.utf8) }
        }
    }
}
