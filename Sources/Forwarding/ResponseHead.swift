import HTTPTypes

/// Reads a response's head line by line as libcurl hands it over. Informational heads are passed over. A pure machine.
struct ResponseHead {
    /// What a line meant.
    enum Event {
        case more
        /// The head is complete.
        case complete(HTTPResponse.Status, HTTPFields)
        /// The head is larger than `limit` bytes, or not one.
        case bad(String)
    }

    /// The largest head that is taken, in bytes.
    static let limit = 256 << 10

    private var status: Int?
    private var fields = HTTPFields()
    private var size = 0
    private(set) var isComplete = false

    /// Takes one line with its end. Lines after the head (trailers) are passed over.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Event {
        guard !isComplete else { return .more }
        size += bytes.count
        guard size <= Self.limit else { return .bad("its head is larger than \(Self.limit) bytes") }
        let line = bytes.drop(while: Self.isNewline).prefix { !Self.isNewline($0) }
        if line.starts(with: Self.protocolName) {
            status = line.split(separator: UInt8(ascii: " ")).dropFirst().first.flatMap { Int(Self.text($0)) }
            fields = HTTPFields()
            return status.map { (100...599).contains($0) } == true ? .more : .bad("its status line is '\(Self.text(line.prefix(100)))'")
        }
        guard !line.isEmpty else {
            guard let status else { return .bad("it has no status line") }
            // An informational head comes before the real one.
            guard status >= 200 else { return .more }
            isComplete = true
            return .complete(.init(code: status), fields.endToEnd)
        }
        if line.first.map(Self.isSpace) == true {
            // A folded line continues the one before.
            guard let last = fields.indices.last else { return .more }
            fields[last] = HTTPField(name: fields[last].name, value: fields[last].value + " " + Self.text(Self.trimmed(line)))
            return .more
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), let name = HTTPField.Name(Self.text(line[..<colon])) else { return .more }
        fields.append(HTTPField(name: name, value: Self.text(Self.trimmed(line[(colon + 1)...]))))
        return .more
    }

    // Byte by byte: characters would cost as much as the rest of a miss's way back.

    private static let protocolName = Array("HTTP/".utf8)

    private static func isNewline(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func trimmed(_ line: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var rest = line.drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return rest
    }

    private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes), as: UTF8.self)
    }
}
