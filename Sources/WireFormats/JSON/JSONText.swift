/// Writes pieces of JSON into a buffer of bytes.
package enum JSONText {
    /// `text` as a string with quotes.
    package static func quoted(_ text: String) -> String {
        var output: [UInt8] = []
        append(text, to: &output)
        return String(decoding: output, as: UTF8.self)
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
