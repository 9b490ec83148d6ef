/// A state of a store: its transactions are numbered.
package struct StoreGeneration: Hashable, Sendable, Codable {
    /// 32 hexadecimal digits drawn at random when the store was made: numbers of different lines say nothing about one another.
    package let lineage: String
    /// The number of the last transaction that inserted.
    package let number: Int64

    package init(lineage: String, number: Int64) {
        self.lineage = lineage
        self.number = number
    }

    /// A line of its own.
    package static func freshLineage() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in String(Int.random(in: 0..<16, using: &generator), radix: 16) }.joined()
    }
}
