/// Why bytes are not JSON: where the reader stood, what it expected and what came.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The offending byte, counted from zero.
    package let offset: Int
    /// The line of that byte, counted from one.
    package let line: Int
    /// What would have been right there, as in "a value" or "',' or '}'".
    package let expected: String
    /// What stood there instead.
    package let found: String

    package var description: String { "expected \(expected), got \(found) at line \(line), byte \(offset)" }
}

extension JSONError {
    /// The error at `offset` of `bytes`; the line is counted here, off the fast path.
    init(at offset: Int, of bytes: UnsafeBufferPointer<UInt8>, expected: String) {
        self.offset = offset
        self.expected = expected
        line = 1 + bytes[..<min(offset, bytes.count)].reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
        guard offset < bytes.count else {
            found = "the end"
            return
        }
        let byte = bytes[offset]
        found = byte > 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16))"
    }
}
