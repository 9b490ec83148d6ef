import Cache
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Proxy
@testable import Server
import Testing

/// What is answered on the event loop, what goes inwards, and in which order.
struct MemoryAnswersTests {
    private let client = RouterClient()
    private let presence = ClientPresence()
    private let channel: NIOAsyncTestingChannel

    init() async throws {
        channel = try await NIOAsyncTestingChannel { [client, presence] channel in
            try channel.pipeline.syncOperations.addHandler(
                MemoryAnswers(desk: .init(pipeline: client.pipeline, pressure: MemoryPressure(), maximumBody: 4096), presence: presence))
        }
        try await channel.connect(to: .init(ipAddress: "127.0.0.1", port: 1)).get()
    }

    @Test func answersARepeatAtOnce() async throws {
        let stored = try await client.ask("What is a semantic cache?")
        try await send(question: "What is a semantic cache?")
        let answer = try #require(try await answer())
        #expect(answer.head.status == .ok)
        #expect(answer.head.headerFields[.xCacheMatch] == "exact")
        #expect(answer.head.headerFields[.contentLength] == String(answer.body.count))
        #expect(answer.head.headerFields[.date]?.hasSuffix(" GMT") == true)
        #expect(answer.body == stored.bytes)
        #expect(try await channel.readInbound(as: HTTPRequestPart.self) == nil)
        #expect(presence.takeBegun() == nil)
    }

    @Test func answersSeveralOnOneConnection() async throws {
        _ = try await client.ask("one")
        for _ in 0..<3 {
            try await send(question: "one")
            #expect(try await answer()?.head.headerFields[.xCacheMatch] == "exact")
        }
    }

    @Test func refusesAtOnce() async throws {
        try await send(body: #"{"cache":{"ttl":"soon"},"messages":[{"role":"user","content":"q"}]}"#, path: "/v1/chat/completions")
        #expect(try await answer()?.head.status == .badRequest)
    }

    @Test func handsOnWhatItDoesNotKnow() async throws {
        try await send(question: "never asked")
        #expect(try await inboundBody() == Self.body("never asked"))
        #expect(try await answer() == nil)
        let begun = try #require(presence.takeBegun())
        guard case .underway(let request) = begun.beginning else {
            Issue.record("answered what is not known")
            return
        }
        #expect(request.requestID == begun.id)
        #expect(presence.takeBegun() == nil)
    }

    /// Answers leave in the order of their requests.
    @Test func waitsForTheRequestBefore() async throws {
        _ = try await client.ask("known")
        try await send(question: "unknown")
        _ = presence.takeBegun()
        try await send(question: "known")
        #expect(try await answer() == nil)
        // The second was not begun, so nobody can take its answer for the first's.
        #expect(presence.takeBegun() == nil)
        for _ in 0..<2 {
            try await channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
            try await channel.writeOutbound(HTTPResponsePart.end(nil))
            _ = try await answer()
        }
        try await send(question: "known")
        #expect(try await answer()?.head.headerFields[.xCacheMatch] == "exact")
    }

    /// What an earlier request left is not the next one's.
    @Test func clearsWhatNobodyTook() async throws {
        try await send(question: "first")
        try await channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .serviceUnavailable)))
        try await channel.writeOutbound(HTTPResponsePart.end(nil))
        try await send(body: "{}", path: "/v1/models")
        #expect(presence.takeBegun() == nil)
    }

    @Test(arguments: ["large", "chunked", "chunked beside a length", "two lengths", "expecting", "closing", "other path"])
    func leavesTheUnusualToTheOtherPath(kind: String) async throws {
        var fields: HTTPFields = [:]
        var body = Self.body("a question")
        var path = "/v1/chat/completions"
        switch kind {
        case "large": body = Self.body(String(repeating: "a", count: 5000))
        case "expecting": fields[.expect] = "100-continue"
        case "closing": fields[.connection] = "close"
        case "other path": path = "/v1/files"
        case "two lengths": fields.append(HTTPField(name: .contentLength, value: String(body.utf8.count)))
        default: fields[.transferEncoding] = "chunked"
        }
        if kind != "chunked" { fields.append(HTTPField(name: .contentLength, value: String(body.utf8.count))) }
        try await send(body: body, path: path, fields: fields)
        #expect(try await inboundBody() == body)
        #expect(presence.takeBegun() == nil)
    }

    // MARK: The connection's two sides

    private static func body(_ question: String) -> String { #"{"model":"m","messages":[{"role":"user","content":"\#(question)"}]}"# }

    private func send(question: String) async throws { try await send(body: Self.body(question), path: "/v1/chat/completions") }

    private func send(body: String, path: String, fields: HTTPFields? = nil) async throws {
        let fields = fields ?? [.contentLength: String(body.utf8.count)]
        let head = HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: path, headerFields: fields)
        try await channel.writeInbound(HTTPRequestPart.head(head))
        // In two pieces, as a socket may give it.
        let bytes = Array(body.utf8)
        for part in [bytes.prefix(bytes.count / 2), bytes.suffix(bytes.count - bytes.count / 2)] where !part.isEmpty {
            try await channel.writeInbound(HTTPRequestPart.body(ByteBuffer(bytes: part)))
        }
        try await channel.writeInbound(HTTPRequestPart.end(nil))
    }

    private func answer() async throws -> (head: HTTPResponse, body: [UInt8])? {
        guard case .head(let head)? = try await channel.readOutbound(as: HTTPResponsePart.self) else { return nil }
        var body: [UInt8] = []
        while let part = try await channel.readOutbound(as: HTTPResponsePart.self) {
            if case .body(let bytes) = part { body += bytes.readableBytesView }
            if case .end = part { return (head, body) }
        }
        Issue.record("an answer without an end")
        return nil
    }

    private func inboundBody() async throws -> String? {
        guard case .head? = try await channel.readInbound(as: HTTPRequestPart.self) else { return nil }
        var body: [UInt8] = []
        while let part = try await channel.readInbound(as: HTTPRequestPart.self) {
            if case .body(let bytes) = part { body += bytes.readableBytesView }
            if case .end = part { return String(decoding: body, as: UTF8.self) }
        }
        return nil
    }
}

struct HTTPDateTests {
    @Test func isOfTheFormOfTheField() {
        var date = HTTPDate()
        #expect(date.text(at: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(date.text(at: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(date.text(at: 951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
    }
}
