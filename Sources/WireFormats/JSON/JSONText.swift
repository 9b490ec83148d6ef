/// Writes pieces of JSON into a buffer of bytes.
package enum JSONText {
    /// `text` as a string with quotes.
    package static func quoted(_ text: String) -> String {
        var output: [UInt8] = []
        append(text, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// The bytes of any JSON with the escapes of its strings undone, which makes it a text to search in and no JSON any more. What is no escape stays.
    ///
    /// A search must not fail, so this reads on where ``JSONReader`` refuses; of what the reader takes both make the same text. Only what it took is ever
    /// stored, so nothing is kept that is read otherwise here.
    package static func unescaped(_ json: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(json.count)
        var rest = json[...]
        while let slash = rest.firstIndex(of: UInt8(ascii: "\\")) {
            output += rest[..<slash]
            rest = rest[(slash + 1)...]
            switch rest.first {
            case .some(UInt8(ascii: "u")): if !appendScalar(&rest, to: &output) { output.append(UInt8(ascii: "\\")) }
            case let byte?:
                output.append(control(byte) ?? byte)
                rest = rest.dropFirst()
            case nil: output.append(UInt8(ascii: "\\"))
            }
        }
        return output + rest
    }

    /// The control character that a letter stands for behind a backslash; `nil` when it stands for none.
    static func control(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// Takes `u` and four digits, twice for a pair of surrogates, off `rest`; whether they stood there.
    private static func appendScalar(_ rest: inout ArraySlice<UInt8>, to output: inout [UInt8]) -> Bool {
        func unit(_ bytes: ArraySlice<UInt8>) -> UInt32? {
            guard bytes.count >= 5, bytes.first == UInt8(ascii: "u") else { return nil }
            let digits = bytes.dropFirst().prefix(4)
            return digits.allSatisfy { UInt8(ascii: "0") <= $0 } ? UInt32(String(decoding: digits, as: UTF8.self), radix: 16) : nil
        }
        guard var value = unit(rest) else { return false }
        var length = 5
        let next = rest.dropFirst(5)
        if value & 0xFC00 == 0xD800, next.first == UInt8(ascii: "\\"), let low = unit(next.dropFirst()), low & 0xFC00 == 0xDC00 {
            value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
            length = 11
        }
        rest = rest.dropFirst(length)
        output += Array(String(UnicodeScalar(value) ?? "\u{FFFD}").utf8)
        return true
    }

    /// Appends `text`, which must be UTF-8, as a string with quotes and no more escapes than JSON demands.
    static func append(_ text: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var runStart = 0
        for index in 0..<text.count {
            let byte = text[index]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
            output.append(contentsOf: text[runStart..<index])
            runStart = index + 1
            output.append(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
            case 0x08: output.append(UInt8(ascii: "b"))
            case 0x09: output.append(UInt8(ascii: "t"))
            case 0x0A: output.append(UInt8(ascii: "n"))
            case 0x0C: output.append(UInt8(ascii: "f"))
            case 0x0D: output.append(UInt8(ascii: "r"))
            default:
                output.append(contentsOf: [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0")])
                for digit in [byte >> 4, byte & 15] { output.append(digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)) }
            }
        }
        output.append(contentsOf: text[runStart...])
        output.append(UInt8(ascii: "\""))
    }

    /// Appends `text` as a string with quotes.
    static func append(_ text: String, to output: inout [UInt8]) {
        var text = text
        text.withUTF8 { append($0, to: &output) }
    }

    /// Appends UTF-8 bytes as a string with quotes.
    static func append(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) {
        text.withUnsafeBufferPointer { append($0, to: &output) }
    }
}

extension [UInt8] {
    /// Appends text as it stands: punctuation and names that need no escapes.
    mutating func append(raw text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

extension StaticString {
    /// Whether `text` is these very bytes.
    @inline(__always) func isEqual(to text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.count == utf8CodeUnitCount && text.elementsEqual(UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount))
    }
}
