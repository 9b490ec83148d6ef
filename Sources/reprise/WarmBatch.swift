/// Records that go in one POST, and how far in their file they reach.
struct WarmBatch: Sendable {
    /// Its place in the order of the file.
    var number: Int
    var records: [CheckedRecord] = []
    /// The line of the file on which each record stands.
    var lines: [Int] = []
    var reaching = WarmProgress(bytes: 0, records: 0)
    private var size = 0

    init(number: Int) { self.number = number }

    static let recordLimit = 200
    /// Far below what a proxy takes in one request by default.
    static let byteLimit = 4 << 20

    /// Whether the record may come along: imports go together, a record to be asked goes alone.
    func admits(_ record: CheckedRecord) -> Bool {
        guard let first = records.first else { return true }
        return first.hasAnswer && record.hasAnswer && records.count < Self.recordLimit && size + record.line.count < Self.byteLimit
    }

    mutating func append(_ record: CheckedRecord, line: Int) {
        records.append(record)
        lines.append(line)
        size += record.line.count + 1
    }

    /// Whether nothing more can come along.
    var isFull: Bool { records.first.map { !$0.hasAnswer || records.count >= Self.recordLimit || size >= Self.byteLimit } ?? false }

    /// The body of `POST /cache/warm`.
    var body: [UInt8] { records.flatMap { $0.line + [UInt8(ascii: "\n")] } }
}

/// What became of the records of one POST.
struct WarmAnswer: Decodable, Sendable {
    struct Failure: Decodable, Sendable {
        /// The line of the POST's body; the first is 1.
        var line: Int
        var message: String
    }

    var imported: Int
    var asked: Int
    var already: Int
    var failed: Int
    var errors: [Failure]?
}
