import Testing

@testable import reprise

/// Files cut into records, however the pieces fall.
struct SplitterTests {
    /// The records when the text comes in two pieces, cut at `position`.
    private func split(_ splitter: some RecordSplitter, _ text: [UInt8], at position: Int) -> [RawRecord] {
        var splitter = splitter
        return splitter.append(text[..<position]) + splitter.append(text[position...]) + splitter.finish()
    }

    @Test func linesWithNumbersAndOffsets() {
        let text = Array("\u{FEFF}{a}\n\n  \r\n{b}\r\n{c}".utf8)
        let expected = [
            RawRecord(content: .json(Array("{a}".utf8)), line: 1, end: 7), RawRecord(content: .json(Array("{b}\r".utf8)), line: 4, end: 17),
            RawRecord(content: .json(Array("{c}".utf8)), line: 5, end: 20),
        ]
        for position in 0...text.count { #expect(split(LineSplitter(), text, at: position) == expected, "cut at \(position)") }
    }

    @Test func linesOverTheLimitAreSkippedAlone() {
        let records = split(LineSplitter(limit: 5), Array("123456\n12345\n1234567890".utf8), at: 3)
        #expect(records.map(\.line) == [1, 2, 3])
        #expect(records[1].content == .json(Array("12345".utf8)))
        for record in [records[0], records[2]] { #expect(record.content == .fault(RecordFault("the record is larger than 5 B"))) }
    }

    @Test func rowsWithQuotesAndLineEnds() {
        let text = Array("\u{FEFF}Prompt, answer ,extra\r\n\"a, \"\"b\"\"\r\nc\",d,\r\n\r\n\"\",\"x\",y\nlast,é,\"z\"".utf8)
        let expected = [
            RawRecord(content: .row(["prompt": "a, \"b\"\r\nc", "answer": "d"]), line: 2, end: 44),
            RawRecord(content: .row(["prompt": "", "answer": "x"]), line: 5, end: 55),
            RawRecord(content: .row(["prompt": "last", "answer": "é"]), line: 6, end: 66),
        ]
        for position in 0...text.count { #expect(split(CSVSplitter(), text, at: position) == expected, "cut at \(position)") }
        var splitter = CSVSplitter()
        _ = splitter.append(text)
        #expect(splitter.unusedColumns == ["extra"])
    }

    @Test(arguments: [
        ("prompt,answer\na\nb,c\n", [2, 3], "expected 2 fields as in the header; found 1"),
        ("prompt,answer\na,b,c\nb,c\n", [2, 3], "expected 2 fields as in the header; found 3"),
        ("prompt\n\"a\"b\nc\n", [2, 3], "expected a comma or the line's end after a closing quote"),
        ("prompt\n\"a\n", [2], "a closing quote is missing"),
    ])
    func badRowsAreSkippedAlone(text: String, lines: [Int], message: String) throws {
        let records = split(CSVSplitter(), Array(text.utf8), at: 0)
        #expect(records.map(\.line) == lines)
        let first = try #require(records.first)
        if case .fault(let fault) = first.content { #expect(fault.message.hasPrefix(message)) } else { Issue.record("\(records)") }
        if lines.count > 1, case .fault = records[1].content { Issue.record("\(records[1])") }
    }

    @Test func bytesThatAreNoTextAreSkipped() {
        let records = split(CSVSplitter(), Array("prompt\n".utf8) + [0xFF, 10] + Array("b\n".utf8), at: 0)
        #expect(records.count == 2 && records[1].content == .row(["prompt": "b"]))
        #expect(records.first?.content == .fault(RecordFault("expected text in UTF-8; found other bytes")))
    }

    @Test func aForgottenQuoteDoesNotSwallowTheFile() {
        let text = "prompt\n\"a\n" + String(repeating: "b\n", count: 50) + "c\n"
        let records = split(CSVSplitter(limit: 20), Array(text.utf8), at: 0)
        #expect(records.last?.content == .row(["prompt": "c"]))
        #expect(records.count(where: { if case .fault = $0.content { true } else { false } }) == 1)
    }

    @Test(arguments: ["question,answer\na,b\n", "a\n", "prompt,prompt\na,b\n", "\"prompt\na\n"])
    func filesWithoutAUsableHeaderEnd(text: String) {
        let records = split(CSVSplitter(), Array(text.utf8), at: 0)
        #expect(records.count == 1)
        if case .unusable = records.first?.content {} else { Issue.record("\(records)") }
    }

    @Test func emptyFiles() {
        for text in ["", "prompt", "prompt,answer\n"] { #expect(split(CSVSplitter(), Array(text.utf8), at: 0).isEmpty) }
        #expect(split(LineSplitter(), [], at: 0).isEmpty)
    }

    @Test func formatByNameThenByFirstByte() {
        let format = { (name: String, start: String) in WarmRecordReader.Format(name: name, start: Array(start.utf8)) }
        #expect(format("a.csv", "{") == .csv && format("a.JSONL", "x") == .jsonl && format("a.ndjson", "") == .jsonl)
        #expect(format("standard input", "\n {\"a\"") == .jsonl && format("standard input", "prompt,answer") == .csv)
        #expect(format("a.txt", "\u{FEFF}{") == .jsonl && format("a.txt", "") == .jsonl)
    }
}
