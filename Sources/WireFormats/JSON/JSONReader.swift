/// The strict reader behind ``JSONDocument``.
struct JSONReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var nodes: [JSONDocument.Node] = []
    private var unescaped: [UInt8] = []
    private let isLenient: Bool

    /// - Parameter isLenient: whether a byte-order mark, lone surrogates and bytes that are no UTF-8 pass, as they do with many servers.
    static func read(_ bytes: [UInt8], isLenient: Bool) throws(JSONError) -> ([JSONDocument.Node], [UInt8]) {
        // A closure would lose the typed error, so the result carries it out.
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<([JSONDocument.Node], [UInt8]), JSONError> in
            var reader = JSONReader(bytes: buffer, isLenient: isLenient)
            do throws(JSONError) {
                try reader.readDocument()
                return .success((reader.nodes, reader.unescaped))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, isLenient: Bool) {
        self.bytes = bytes
        self.isLenient = isLenient
        nodes.reserveCapacity(min(8 + bytes.count / 8, 4096))
    }

    private mutating func readDocument() throws(JSONError) {
        // Offsets are 32-bit; no request or answer comes near.
        guard bytes.count < Int(UInt32.max) else { throw JSONError(at: Int(UInt32.max), of: bytes, expected: "fewer than 4 GiB") }
        if isLenient, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        skipSpace()
        try readValue(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw failure("the end after the value") }
    }

    private func failure(_ expected: String, at offset: Int? = nil) -> JSONError { JSONError(at: offset ?? position, of: bytes, expected: expected) }

    /// The byte at the position; zero at the end, which no grammar rule accepts.
    private var byte: UInt8 {
        @inline(__always) get { position < bytes.count ? bytes[position] : 0 }
    }

    @inline(__always) private mutating func skipSpace() {
        while position < bytes.count, bytes[position] <= 0x20 {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func readValue(depth: Int) throws(JSONError) {
        switch byte {
        case UInt8(ascii: "\""): try readString()
        case UInt8(ascii: "{"): try readObject(depth: depth + 1)
        case UInt8(ascii: "["): try readArray(depth: depth + 1)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try readNumber()
        case UInt8(ascii: "t"): try readWord("true", .true)
        case UInt8(ascii: "f"): try readWord("false", .false)
        case UInt8(ascii: "n"): try readWord("null", .null)
        default: throw failure("a value")
        }
    }

    /// Appends a scalar that ends at the position.
    private mutating func close(_ node: JSONDocument.Node) {
        var node = node
        node.end = UInt32(truncatingIfNeeded: position)
        node.next = UInt32(truncatingIfNeeded: nodes.count + 1)
        nodes.append(node)
    }

    private mutating func readWord(_ word: StaticString, _ kind: JSONDocument.Kind) throws(JSONError) {
        let start = position
        for offset in 0..<word.utf8CodeUnitCount {
            guard byte == word.utf8Start[offset] else { throw failure("'\(word)'") }
            position += 1
        }
        close(JSONDocument.Node(kind: kind, start: UInt32(truncatingIfNeeded: start)))
    }

    private mutating func readNumber() throws(JSONError) {
        let start = position
        if byte == UInt8(ascii: "-") { position += 1 }
        if byte == UInt8(ascii: "0") {
            position += 1
        } else {
            try readDigits()
        }
        if byte == UInt8(ascii: ".") {
            position += 1
            try readDigits()
        }
        if byte | 0x20 == UInt8(ascii: "e") {
            position += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
            try readDigits()
        }
        close(JSONDocument.Node(kind: .number, start: UInt32(truncatingIfNeeded: start)))
    }

    private mutating func readDigits() throws(JSONError) {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { throw failure("a digit") }
        while byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    }

    private mutating func readArray(depth: Int) throws(JSONError) {
        let index = try open(.array, depth: depth)
        var count: UInt32 = 0
        skipSpace()
        if byte == UInt8(ascii: "]") {
            position += 1
        } else {
            while true {
                skipSpace()
                try readValue(depth: depth)
                count += 1
                skipSpace()
                if byte == UInt8(ascii: ",") {
                    position += 1
                } else if byte == UInt8(ascii: "]") {
                    position += 1
                    break
                } else {
                    throw failure("',' or ']'")
                }
            }
        }
        seal(index, count: count)
    }

    private mutating func readObject(depth: Int) throws(JSONError) {
        let index = try open(.object, depth: depth)
        var count: UInt32 = 0
        skipSpace()
        if byte == UInt8(ascii: "}") {
            position += 1
        } else {
            while true {
                skipSpace()
                guard byte == UInt8(ascii: "\"") else { throw failure(count == 0 ? "a member's name or '}'" : "a member's name") }
                try readString()
                skipSpace()
                guard byte == UInt8(ascii: ":") else { throw failure("':'") }
                position += 1
                skipSpace()
                try readValue(depth: depth)
                count += 1
                skipSpace()
                if byte == UInt8(ascii: ",") {
                    position += 1
                } else if byte == UInt8(ascii: "}") {
                    position += 1
                    break
                } else {
                    throw failure("',' or '}'")
                }
            }
        }
        seal(index, count: count)
    }

    private mutating func open(_ kind: JSONDocument.Kind, depth: Int) throws(JSONError) -> Int {
        guard depth <= JSONDocument.maximumDepth else { throw failure("at most \(JSONDocument.maximumDepth) levels of nesting") }
        nodes.append(JSONDocument.Node(kind: kind, start: UInt32(truncatingIfNeeded: position)))
        position += 1
        return nodes.count - 1
    }

    private mutating func seal(_ index: Int, count: UInt32) {
        nodes[index].end = UInt32(truncatingIfNeeded: position)
        nodes[index].textStart = count
        nodes[index].next = UInt32(truncatingIfNeeded: nodes.count)
    }
}

// MARK: - Strings

extension JSONReader {
    private mutating func readString() throws(JSONError) {
        var node = JSONDocument.Node(kind: .string, start: UInt32(truncatingIfNeeded: position))
        position += 1
        let textStart = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                node.textStart = UInt32(truncatingIfNeeded: textStart)
                node.textEnd = UInt32(truncatingIfNeeded: position)
                position += 1
                close(node)
                return
            }
            if byte == UInt8(ascii: "\\") {
                try readEscaped(&node, from: textStart)
                return
            }
            if byte < 0x80 {
                guard byte >= 0x20 else { throw failure("no control characters within a string") }
                position += 1
            } else {
                try skipMultibyte()
            }
        }
        throw failure("'\"' at the end of the string that began at byte \(textStart - 1)")
    }

    /// Reads the rest of a string whose first escape is at the position.
    private mutating func readEscaped(_ node: inout JSONDocument.Node, from textStart: Int) throws(JSONError) {
        node.isUnescaped = true
        node.textStart = UInt32(truncatingIfNeeded: unescaped.count)
        var runStart = textStart
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                unescaped.append(contentsOf: bytes[runStart..<position])
                node.textEnd = UInt32(truncatingIfNeeded: unescaped.count)
                position += 1
                close(node)
                return
            case UInt8(ascii: "\\"):
                unescaped.append(contentsOf: bytes[runStart..<position])
                position += 1
                try readEscape()
                runStart = position
            case 0x20..<0x80: position += 1
            case 0x80...: try skipMultibyte()
            default: throw failure("no control characters within a string")
            }
        }
        throw failure("'\"' at the end of the string that began at byte \(textStart - 1)")
    }

    private mutating func readEscape() throws(JSONError) {
        let escape = byte
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(escape)
        case UInt8(ascii: "u"):
            position += 1
            try readUnicodeEscape()
            return
        default:
            guard let control = JSONText.control(escape) else { throw failure("one of \"\\/bfnrtu after '\\'") }
            unescaped.append(control)
        }
        position += 1
    }

    /// Reads the four digits at the position and, for a high surrogate, the low one that must follow.
    private mutating func readUnicodeEscape() throws(JSONError) {
        let start = position - 2
        var value = try readHex()
        if isLenient, value & 0xF800 == 0xD800, !isPair(value) {
            unescaped.append(contentsOf: "\u{FFFD}".utf8)
            return
        }
        if value & 0xFC00 == 0xD800 {
            guard byte == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "u") else {
                throw failure("a low surrogate after the high one", at: start)
            }
            position += 2
            let low = try readHex()
            guard low & 0xFC00 == 0xDC00 else { throw failure("a low surrogate after the high one", at: start) }
            value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
        }
        guard let scalar = UnicodeScalar(value) else { throw failure("no lone low surrogate", at: start) }
        unescaped.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)  // Every Unicode scalar has a UTF-8 form.
    }

    /// Whether the value is a high surrogate, and the escape of a low one follows.
    private func isPair(_ value: UInt32) -> Bool {
        value & 0xFC00 == 0xD800 && position + 4 <= bytes.count && bytes[position] == UInt8(ascii: "\\") && bytes[position + 1] == UInt8(ascii: "u")
            && bytes[position + 2] | 0x20 == UInt8(ascii: "d") && "cdef".utf8.contains(bytes[position + 3] | 0x20)
    }

    private mutating func readHex() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw failure("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    /// Steps over one well-formed sequence of two to four bytes (Unicode, table 3-7).
    private mutating func skipMultibyte() throws(JSONError) {
        let lead = bytes[position]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return try skipNoUTF8()
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else { return try skipNoUTF8() }
        for offset in 2..<max(2, length) where bytes[position + offset] & 0xC0 != 0x80 { return try skipNoUTF8() }
        position += length
    }

    private mutating func skipNoUTF8() throws(JSONError) {
        guard isLenient else { throw failure("UTF-8") }
        position += 1
    }
}
