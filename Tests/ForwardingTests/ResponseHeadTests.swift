@testable import Forwarding
import HTTPTypes
import Testing

struct ResponseHeadTests {
    private static func read(_ lines: [String]) -> (events: [ResponseHead.Event], last: ResponseHead.Event?) {
        var head = ResponseHead()
        let events = lines.map { line in Array(line.utf8).withUnsafeBytes { head.take($0) } }
        return (events, events.last)
    }

    @Test(arguments: [
        ("X-A: b\r\n", "b"), ("X-A:b\n", "b"), ("x-a: \t b c \t\r\n", "b c"), ("X-A:\r\n", ""), ("X-A: b:c\r\n", "b:c"),
        ("X-A: gr\u{FC}n\r\n", "gr\u{FC}n"),
    ])
    func aFieldIsReadWithoutTheSpaceAroundIt(line: String, value: String) throws {
        guard case .complete(let status, let fields) = Self.read(["HTTP/1.1 201 Created\r\n", line, "\r\n"]).last else {
            Issue.record("no head")
            return
        }
        #expect(status.code == 201)
        #expect(fields[try #require(HTTPField.Name("X-A"))] == value)
    }

    @Test func aFoldedLineContinuesTheOneBefore() throws {
        guard case .complete(_, let fields) = Self.read(["HTTP/2 200\r\n", "X-A: one\r\n", "\t two \r\n", "no field\r\n", "\r\n"]).last else {
            Issue.record("no head")
            return
        }
        #expect(fields[try #require(HTTPField.Name("X-A"))] == "one two")
        #expect(fields.count == 1)
    }

    @Test func anInformationalHeadIsPassedOver() {
        let (events, last) = Self.read(["HTTP/1.1 103 Early Hints\r\n", "Link: </a>\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "\r\n"])
        guard case .complete(let status, let fields) = last else {
            Issue.record("no head")
            return
        }
        #expect(status == .ok && fields.isEmpty)
        for event in events.dropLast() { if case .more = event { continue } else { Issue.record("\(event)") } }
    }

    @Test(arguments: [
        ["HTTP/1.1 abc\r\n"], ["HTTP/1.1\r\n"], ["HTTP/1.1 999 x\r\n"], ["\r\n"], [String(repeating: "x", count: ResponseHead.limit + 1)],
    ])
    func whatIsNoHeadIsSaid(lines: [String]) {
        guard case .bad = Self.read(lines).last else {
            Issue.record("taken for a head")
            return
        }
    }
}
