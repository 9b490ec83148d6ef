import NIOCore
import TestSupport
import Testing

@testable import SharedRedis

struct RESPParserTests {
    /// What a server may say, and what it means.
    private static let samples: [(wire: String, value: RESPValue)] = [
        ("+OK\r\n", .string(Array("OK".utf8))),
        ("+\r\n", .string([])),
        ("-ERR no\r\n", .error("ERR no")),
        (":0\r\n", .integer(0)),
        (":-9223372036854775808\r\n", .integer(.min)),
        ("$5\r\na\r\nbc\r\n", .string(Array("a\r\nbc".utf8))),
        ("$0\r\n\r\n", .string([])),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("_\r\n", .null),
        ("#t\r\n", .boolean(true)),
        ("#f\r\n", .boolean(false)),
        (",1.5\r\n", .double(1.5)),
        (",-inf\r\n", .double(-.infinity)),
        ("(-3492890328409238509324850943850943825024385\r\n", .bigNumber("-3492890328409238509324850943850943825024385")),
        ("!9\r\nSYNTAX\r\nx\r\n", .error("SYNTAX\r\nx")),
        ("=7\r\ntxt:a\r\n\r\n", .string(Array("a\r\n".utf8))),
        ("*0\r\n", .array([])),
        ("*3\r\n:1\r\n*1\r\n_\r\n$1\r\nx\r\n", .array([.integer(1), .array([.null]), .string([0x78])])),
        ("~2\r\n:1\r\n:2\r\n", .set([.integer(1), .integer(2)])),
        ("%2\r\n+a\r\n:1\r\n:2\r\n%0\r\n", .map([.init(key: .string([0x61]), value: .integer(1)), .init(key: .integer(2), value: .map([]))])),
        (">2\r\n+message\r\n:7\r\n", .push([.string(Array("message".utf8)), .integer(7)])),
        // Attributes say something of what follows, wherever it stands.
        ("|1\r\n+ttl\r\n:3600\r\n:5\r\n", .integer(5)),
        ("*2\r\n|1\r\n+a\r\n*1\r\n:0\r\n:1\r\n:2\r\n", .array([.integer(1), .integer(2)])),
        ("|0\r\n:5\r\n", .integer(5)),
    ]

    private static func values(_ pieces: [[UInt8]], limits: RESPParser.Limits = .init()) throws -> [RESPValue] {
        var parser = RESPParser(limits: limits)
        var buffer = ByteBuffer()
        var values: [RESPValue] = []
        for piece in pieces {
            buffer.writeBytes(piece)
            while let value = try parser.next(&buffer) { values.append(value) }
            buffer.discardReadBytes()
        }
        return values
    }

    @Test("every type is read", arguments: samples.map(\.wire))
    func everyType(_ wire: String) throws {
        let value = try #require(Self.samples.first { $0.wire == wire }?.value)
        #expect(try Self.values([Array(wire.utf8)]) == [value])
    }

    @Test("all of them in a row come out the same wherever the network cuts")
    func cut() throws {
        let wire = Array(Self.samples.map(\.wire).joined().utf8)
        let expected = Self.samples.map(\.value)
        #expect(try Self.values([wire]) == expected)
        #expect(try Self.values(wire.map { [$0] }) == expected)
        for cut in 1..<wire.count {
            #expect(try Self.values([Array(wire[..<cut]), Array(wire[cut...])]) == expected, "cut at \(cut)")
        }
    }

    @Test("nothing comes out before the last byte")
    func unfinished() throws {
        for (wire, _) in Self.samples where !wire.isEmpty {
            #expect(try Self.values([Array(wire.utf8.dropLast())]).isEmpty, "\(wire)")
        }
    }

    @Test(
        "what is no RESP3 is refused",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n", "\u{15}\u{3}\u{1}", "\r\n", ":1.5\r\n", ":\r\n", ":1 \r\n", ",x\r\n", "#y\r\n", "#tt\r\n", "_x\r\n",
            "(1a\r\n",
            "(\r\n", "(--1\r\n", "$-2\r\n", "$+5\r\nhello\r\n", "$x\r\n", "$ 1\r\na\r\n", "$\r\n", "*-2\r\n", "%-1\r\n", "~-1\r\n", ">-1\r\n",
            "=3\r\ntxt\r\n",
            "=5\r\nhello\r\n", "$1\r\nab\r\n", "$?\r\n", "*?\r\n", "%?\r\n", ";4\r\n", ".\r\n", ":1\n", "+OK\n", "!-1\r\n", "=-1\r\n",
        ])
    func refused(_ wire: String) {
        #expect(throws: RESPFault.self) { try Self.values([Array(wire.utf8)]) }
        #expect(throws: RESPFault.self) { try Self.values(Array(wire.utf8).map { [$0] }) }
    }

    @Test(
        "a length beyond reason is refused when it is read",
        arguments: [
            "$134217729\r\n", "$9223372036854775807\r\n", "$99999999999999999999999\r\n", "*1048577\r\n", "*9223372036854775807\r\n", "%524289\r\n",
            "%9223372036854775807\r\n", "~1048577\r\n", ">1048577\r\n", "|524289\r\n", "!134217729\r\n", "=134217729\r\n",
        ])
    func hostileLengths(_ wire: String) {
        #expect(throws: RESPFault.self) { try Self.values([Array(wire.utf8)]) }
    }

    @Test("a line without end is refused at its limit, and kept until then")
    func longLine() throws {
        var limits = RESPParser.Limits()
        limits.line = 100
        #expect(try Self.values([Array("+".utf8) + [UInt8](repeating: 0x61, count: 98)], limits: limits).isEmpty)
        #expect(throws: RESPFault.self) { try Self.values([Array("+".utf8) + [UInt8](repeating: 0x61, count: 99)], limits: limits) }
    }

    @Test("aggregates nest as deep as the limit and no deeper", arguments: ["*1\r\n", "~1\r\n", ">1\r\n", "|1\r\n", "%1\r\n:0\r\n"])
    func nesting(_ opening: String) throws {
        var limits = RESPParser.Limits()
        limits.depth = 4
        let deep = Array(String(repeating: opening, count: 4).utf8)
        #expect(throws: Never.self) { try Self.values([deep], limits: limits) }
        #expect(throws: RESPFault.self) { try Self.values([deep + Array(opening.utf8)], limits: limits) }
        // An empty one is a level, too.
        #expect(throws: RESPFault.self) { try Self.values([deep + Array("*0\r\n".utf8)], limits: limits) }
    }

    @Test("many small values are as little welcome as a large one")
    func answerLimits() throws {
        var limits = RESPParser.Limits()
        limits.values = 10
        let many = "*4\r\n" + String(repeating: "*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n", count: 2)
        #expect(throws: RESPFault.self) { try Self.values([Array(many.utf8)], limits: limits) }
        limits = RESPParser.Limits()
        limits.answer = 20
        #expect(throws: RESPFault.self) { try Self.values([Array("*2\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n".utf8)], limits: limits) }
        // The limits are each answer's own.
        #expect(try Self.values([Array(String(repeating: "$10\r\n0123456789\r\n", count: 5).utf8)], limits: limits).count == 5)
    }

    @Test("bytes at random are values or a fault, and never anything worse")
    func fuzz() {
        var generator = SeededGenerator(seed: 20)
        let alphabet = Array("+-:,(#_$=!*~%>|0123456789\r\n\r\n\r\ntx".utf8)
        for _ in 0..<3000 {
            var bytes = (0..<Int.random(in: 1...60, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }
            if Bool.random(using: &generator) {
                bytes = Array(Self.samples.randomElement(using: &generator)!.wire.utf8) + bytes
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let whole = Result { try Self.values([bytes]) }
            let single = Result { try Self.values(bytes.map { [$0] }) }
            switch (whole, single) {
            case (.success(let a), .success(let b)): #expect("\(a)" == "\(b)")
            case (.failure, .failure): break
            default: Issue.record("\(bytes) depends on how it is cut")
            }
        }
    }

    @Test("commands are arrays of strings with their lengths in bytes")
    func commands() {
        var commands = RedisCommands(["SET", "k\u{E9}", .bytes([0, 13, 10, 255])], ["GET", .number(-5)])
        commands.appendUnanswered(["SUBSCRIBE", ""])
        let expected =
            Array("*3\r\n$3\r\nSET\r\n$3\r\nk\u{E9}\r\n$4\r\n".utf8) + [0, 13, 10, 255]
            + Array("\r\n*2\r\n$3\r\nGET\r\n$2\r\n-5\r\n*2\r\n$9\r\nSUBSCRIBE\r\n$0\r\n\r\n".utf8)
        #expect(Array(commands.bytes.readableBytesView) == expected)
        #expect(commands.count == 2)
    }
}
