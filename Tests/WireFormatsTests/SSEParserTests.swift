import Testing

@testable import WireFormats

@Suite struct SSEParserTests {
    private func events(_ text: String) throws -> [String] {
        var parser = SSEParser()
        return try parser.append(Array(text.utf8)).map { "\($0.name)|\(String(decoding: $0.data, as: UTF8.self))|\($0.id ?? "-")" }
    }

    @Test(
        arguments: [
            ("data: a\n\n", ["|a|-"]), ("data:a\r\rdata:  b\r\n\r\n", ["|a|-", "| b|-"]), ("data\n\n", ["||-"]), ("data\ndata\n\n", ["|\n|-"]),
            ("event: x\nid: 1\ndata: a\ndata: b\nretry: 10\n\n", ["x|a\nb|1"]), (": c\n\n:\n\n", []), ("event: x\n\ndata: a\n\n", ["|a|-"]),
            ("\u{FEFF}data: a\n\n", ["|a|-"]), ("\u{FEFF}\u{FEFF}data: a\n\n", []), ("data: a\n", []), ("dat: a\nunknown\n\n", []),
            ("data: a:b\n\n", ["|a:b|-"]),
            ("id: a\0b\ndata: x\n\n", ["|x|-"]), ("\n\n\ndata: x\n\n\n\n", ["|x|-"]), ("Data: x\n data: x\n\n", []),
        ] as [(String, [String])])
    func parses(text: String, expected: [String]) throws {
        #expect(try events(text) == expected)
    }

    @Test func keepsTheRetryTime() throws {
        var parser = SSEParser()
        _ = try parser.append(Array("retry: 1500\nretry: +3\nretry: x\n".utf8))
        #expect(parser.retry == 1500)
    }

    @Test func boundsAnEvent() throws {
        var parser = SSEParser(limit: 20)
        #expect(try parser.append(Array("data: 0123456789\n\ndata: 0123456789\n\n".utf8)).count == 2)
        #expect(throws: SSEParser.EventTooLarge(limit: 20)) { try parser.append(Array("data: 0123456789\ndata: 0123456789\n".utf8)) }
        var endless = SSEParser(limit: 20)
        #expect(throws: SSEParser.EventTooLarge.self) { for _ in 0..<21 { _ = try endless.append([0x61]) } }
    }

    /// Every stream of the fixtures, split at every byte and fed byte by byte.
    @Test(arguments: try Transcript.all.filter(\.isEvents))
    func splitsDoNotMatter(transcript: Transcript) throws {
        var parser = SSEParser()
        let whole = try parser.append(transcript.bytes)
        let rest = parser.finish()
        for cut in 0...transcript.bytes.count {
            var parser = SSEParser()
            let parts = try parser.append(transcript.bytes[..<cut]) + parser.append(transcript.bytes[cut...])
            #expect(parts == whole, "cut at \(cut)")
            #expect(parser.finish() == rest, "cut at \(cut)")
        }
        var single = SSEParser()
        #expect(try transcript.bytes.flatMap { try single.append([$0]) } == whole)
        #expect(single.finish() == rest)
    }

    /// Line ends say nothing: a stream with other ones has the same events.
    @Test(arguments: try Transcript.all.filter { $0.isEvents && !$0.bytes.contains(0x0D) }, ["\r\n", "\r"])
    func lineEndsDoNotMatter(transcript: Transcript, end: String) throws {
        var plain = SSEParser()
        var other = SSEParser()
        let events = try plain.append(transcript.bytes).map { ($0.name, $0.data, $0.id) }
        let same = try other.append(transcript.bytes.flatMap { $0 == 0x0A ? Array(end.utf8) : [$0] }).map { ($0.name, $0.data, $0.id) }
        #expect(events.count == same.count)
        #expect(zip(events, same).allSatisfy { $0 == $1 })
    }

    /// A stream that is cut anywhere gives the events before the cut and no other one.
    @Test(arguments: try Transcript.all.filter(\.isEvents))
    func cutStreamsGiveWholeEventsOnly(transcript: Transcript) throws {
        var parser = SSEParser()
        let whole = try parser.append(transcript.bytes)
        for length in stride(from: 0, through: transcript.bytes.count, by: 3) {
            var cut = SSEParser()
            let events = try cut.append(transcript.bytes[..<length])
            #expect(events == whole.filter { $0.end <= length })
        }
    }
}
