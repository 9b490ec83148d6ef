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

    @Test(
        arguments: try ["chat-crlf.sse", "chat-cr.sse", "chat-multiline.sse", "chat-comments.sse", "messages-tools.sse", "responses-text.sse"].map {
            try Transcript($0)
        })
    func splitsDoNotMatter(transcript: Transcript) throws {
        var parser = SSEParser()
        let whole = try parser.append(transcript.bytes)
        #expect(whole.count > 5)
        for cut in 0...transcript.bytes.count {
            var parser = SSEParser()
            let parts = try parser.append(transcript.bytes[..<cut]) + parser.append(transcript.bytes[cut...])
            #expect(parts == whole, "cut at \(cut)")
        }
        var single = SSEParser()
        #expect(try transcript.bytes.flatMap { try single.append([$0]) } == whole)
    }
}
