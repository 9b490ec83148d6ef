/// Cuts CSV by RFC 4180 into rows: fields in double quotes may hold commas, line ends and doubled quotes; the first row names the columns.
struct CSVSplitter: RecordSplitter {
    /// The columns that have a meaning.
    static let columns = ["prompt", "answer", "model", "system", "namespace", "tags", "ttl"]

    /// The columns of this file that have none; known after the first row.
    private(set) var unusedColumns: [String] = []

    private enum State {
        case fieldStart
        case plain
        case quoted
        /// After a quote inside a quoted field: its end, or the first of a doubled quote.
        case quoteInQuoted
    }

    private var state = State.fieldStart
    private var field: [UInt8] = []
    private var fields: [String] = []
    private var fault: RecordFault?
    private var size = 0
    private var line = 1
    private var firstLine = 1
    private var offset = 0
    private var header: [String]?
    private var isOver = false
    private let limit: Int

    init(limit: Int = recordLimit) { self.limit = limit }

    mutating func append(_ bytes: some Sequence<UInt8>) -> [RawRecord] {
        var records: [RawRecord] = []
        for byte in bytes where !isOver {
            offset += 1
            size += 1
            // A forgotten quote would swallow the rest of the file: past the limit, lines end records again.
            if size > limit, state == .quoted {
                fault = RecordFault("the record is larger than \(spokenSize(limit)): is a closing quote missing?")
                state = .plain
            }
            take(byte, into: &records)
            if byte == UInt8(ascii: "\n") { line += 1 }
            if size == 0 { firstLine = line }
        }
        return records
    }

    mutating func finish() -> [RawRecord] {
        guard !isOver else { return [] }
        if state == .quoted { fault = RecordFault("a closing quote is missing") }
        if header == nil, size == 0 { return [] }
        return endRow().map { [$0] } ?? []
    }

    private mutating func take(_ byte: UInt8, into records: inout [RawRecord]) {
        switch (state, byte) {
        case (.quoted, UInt8(ascii: "\"")): state = .quoteInQuoted
        case (.quoted, _): keep(byte)
        case (.quoteInQuoted, UInt8(ascii: "\"")):
            keep(byte)
            state = .quoted
        case (.fieldStart, UInt8(ascii: "\"")) where field.isEmpty || field == [0xEF, 0xBB, 0xBF]:
            field = []
            state = .quoted
        case (_, UInt8(ascii: ",")): endField()
        case (_, UInt8(ascii: "\n")):
            if let record = endRow() { records.append(record) }
        case (_, UInt8(ascii: "\r")) where state != .plain || field.last != UInt8(ascii: "\r"):
            // The end of a line in the Windows way; `endRow` drops it.
            if state != .quoteInQuoted { keep(byte) }
        case (.quoteInQuoted, _):
            fault = fault ?? RecordFault("expected a comma or the line's end after a closing quote; double a quote that belongs to the text")
            state = .plain
        default:
            keep(byte)
            // The three bytes of a byte order mark do not begin a field.
            if header != nil || !fields.isEmpty || ![0xEF, 0xBB, 0xBF].starts(with: field) { state = .plain }
        }
    }

    private mutating func keep(_ byte: UInt8) {
        if field.count < limit { field.append(byte) }
    }

    private mutating func endField() {
        if header == nil, fields.isEmpty, field.starts(with: [0xEF, 0xBB, 0xBF]) { field.removeFirst(3) }
        fields.append(String(decoding: field, as: UTF8.self))
        if String(validating: field, as: UTF8.self) == nil { fault = fault ?? RecordFault("expected text in UTF-8; found other bytes") }
        field.removeAll(keepingCapacity: true)
        state = .fieldStart
    }

    private mutating func endRow() -> RawRecord? {
        if state == .plain || state == .fieldStart, field.last == UInt8(ascii: "\r") { field.removeLast() }
        if size > limit, fault == nil { fault = RecordFault("the record is larger than \(spokenSize(limit))") }
        let isBlank = fields.isEmpty && field.isEmpty && state != .quoteInQuoted
        if !isBlank { endField() }
        defer {
            fields = []
            field = []
            fault = nil
            size = 0
            state = .fieldStart
        }
        if isBlank, fault == nil { return nil }
        guard let header else { return readHeader() }
        if let fault { return RawRecord(content: .fault(fault), line: firstLine, end: offset) }
        guard fields.count == header.count else {
            let message = "expected \(header.count) fields as in the header; found \(fields.count)"
            return RawRecord(content: .fault(RecordFault(message)), line: firstLine, end: offset)
        }
        let row = Dictionary(zip(header, fields).filter { Self.columns.contains($0.0) }, uniquingKeysWith: { first, _ in first })
        return RawRecord(content: .row(row), line: firstLine, end: offset)
    }

    private mutating func readHeader() -> RawRecord? {
        let names = fields.map { name in String(name.lowercased().drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
        header = names
        unusedColumns = names.filter { !Self.columns.contains($0) && !$0.isEmpty }
        func unusable(_ message: String) -> RawRecord {
            isOver = true
            return RawRecord(content: .unusable(RecordFault(message)), line: firstLine, end: offset)
        }
        if let fault { return unusable(fault.message) }
        let found = shortened(printable(names.joined(separator: ", ")), to: 120)
        guard names.contains("prompt") else {
            return unusable(
                "expected a first row with the column prompt, and maybe \(Self.columns.dropFirst().joined(separator: ", ")); found \(found)")
        }
        let used = names.filter { Self.columns.contains($0) }
        guard Set(used).count == used.count else { return unusable("expected each column once; found \(found)") }
        return nil
    }
}
