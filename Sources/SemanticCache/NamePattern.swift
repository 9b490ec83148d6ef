/// A pattern for names and paths in which `*` stands for any run of characters and `?` for a single one. Letters match in either case.
package struct NamePattern: Sendable, Hashable, CustomStringConvertible {
    package let description: String
    private let pattern: [UInt8]

    package init(_ text: String) {
        description = text
        pattern = Array(text.lowercased().utf8)
    }

    /// Whether all of `text` matches. Linear in most cases, at worst the product of both lengths.
    package func matches(_ text: String) -> Bool {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return matches(Array(text.lowercased().utf8)[...]) { $0 } }
        var text = text
        return text.withUTF8 { matches($0) { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 } }
    }

    /// - Parameter folded: a byte of the text in lower case.
    private func matches<Bytes: RandomAccessCollection<UInt8>>(_ text: Bytes, _ folded: (UInt8) -> UInt8) -> Bool where Bytes.Index == Int {
        var place = 0
        var index = 0
        // Where to go on when the literal run after the last star does not match: the star takes one byte more.
        var retry: (pattern: Int, text: Int)?
        while index < text.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                retry = (place + 1, index)
                place += 1
            } else if place < pattern.count, pattern[place] == UInt8(ascii: "?") || pattern[place] == folded(text[index]) {
                place += 1
                index += 1
            } else if let last = retry {
                retry = (last.pattern, last.text + 1)
                place = last.pattern
                index = last.text + 1
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
