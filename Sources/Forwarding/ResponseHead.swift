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
        let line = String(decoding: bytes, as: UTF8.self).drop { $0.isNewline }.prefix { !$0.isNewline }
        if line.hasPrefix("HTTP/") {
            status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            fields = HTTPFields()
            return status.map { (100...599).contains($0) } == true ? .more : .bad("its status line is '\(line.prefix(100))'")
        }
        guard !line.isEmpty else {
            guard let status else { return .bad("it has no status line") }
            // An informational head comes before the real one.
            guard status >= 200 else { return .more }
            isComplete = true
            return .complete(.init(code: status), fields.endToEnd)
        }
        if line.first == " " || line.first == "\t" {
            // A folded line continues the one before.
            guard let last = fields.indices.last else { return .more }
            fields[last] = HTTPField(name: fields[last].name, value: fields[last].value + " " + String(line.trimmed))
            return .more
        }
        guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else { return .more }
        fields.append(HTTPField(name: name, value: String(line[line.index(after: colon)...].trimmed)))
        return .more
    }
}
