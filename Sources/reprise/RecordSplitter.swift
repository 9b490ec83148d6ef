/// Cuts a file that comes in pieces into records, without holding more than one of them.
protocol RecordSplitter {
    /// Takes the next bytes and gives the records that are complete now.
    mutating func append(_ bytes: some Sequence<UInt8>) -> [RawRecord]

    /// Gives what is left at the file's end.
    mutating func finish() -> [RawRecord]
}

/// A record as it stands in its file.
struct RawRecord: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        /// A line of JSON without the line's end; never blank.
        case json([UInt8])
        /// A row of CSV by the header's names.
        case row([String: String])
        /// Bytes that are no record.
        case fault(RecordFault)
        /// The file as a whole cannot be used; nothing follows.
        case unusable(RecordFault)
    }

    var content: Content
    /// The line on which it begins; the first is 1.
    var line: Int
    /// The bytes of the file up to its end.
    var end: Int
}

/// The largest record that is taken, in bytes; a longer one is skipped as a whole.
let recordLimit = 16 << 20

/// Cuts JSONL at line ends. Blank lines are passed over.
struct LineSplitter: RecordSplitter {
    private var current: [UInt8] = []
    private var isTooLong = false
    private var line = 1
    private var offset = 0
    private let limit: Int

    init(limit: Int = recordLimit) { self.limit = limit }

    mutating func append(_ bytes: some Sequence<UInt8>) -> [RawRecord] {
        var records: [RawRecord] = []
        for byte in bytes {
            offset += 1
            if byte == UInt8(ascii: "\n") {
                if let record = complete() { records.append(record) }
                line += 1
            } else if current.count < limit {
                current.append(byte)
            } else {
                isTooLong = true
            }
        }
        return records
    }

    mutating func finish() -> [RawRecord] { complete().map { [$0] } ?? [] }

    private mutating func complete() -> RawRecord? {
        defer {
            current.removeAll(keepingCapacity: true)
            isTooLong = false
        }
        if isTooLong { return RawRecord(content: .fault(RecordFault("the record is larger than \(spokenSize(limit))")), line: line, end: offset) }
        if line == 1, current.starts(with: [0xEF, 0xBB, 0xBF]) { current.removeFirst(3) }
        let isBlank = current.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
        return isBlank ? nil : RawRecord(content: .json(current), line: line, end: offset)
    }
}
