@testable import Forwarding
import Foundation
import HTTPTypes
import SemanticCache
import Synchronization
import TestSupport
import Testing

/// A server, and an upstream that speaks to it.
private struct Pair {
    let server: ScriptedServer
    let upstream: CurlUpstream

    init(configure: (inout UpstreamEndpoint) -> Void = { _ in }, _ script: @escaping ScriptedServer.Script) throws {
        server = try ScriptedServer(script)
        var endpoint = try UpstreamEndpoint.patient(server.url + "/v1")
        configure(&endpoint)
        upstream = CurlUpstream(endpoint: endpoint, transport: CurlTransport(maximumConnections: 256))
    }

    func send(
        _ method: HTTPRequest.Method = .post, _ target: String = "/x", fields: HTTPFields = [:], body: RequestBody = .bytes(Array("hi".utf8))
    ) async throws -> UpstreamResponse {
        try await upstream.send(UpstreamRequest(method: method, target: target, fields: fields, body: body))
    }

    func text(_ response: UpstreamResponse) async throws -> String {
        String(decoding: try await response.body.collect(upTo: 1 << 28) ?? [], as: UTF8.self)
    }
}

extension UpstreamEndpoint {
    /// With limits that no test meets which does not set its own.
    static func patient(_ baseURL: String) throws(UpstreamEndpointError) -> Self {
        try Self(
            baseURL: baseURL, connectTimeout: .seconds(10), firstByteTimeout: .seconds(600), silenceTimeout: .seconds(120), minimumTLS: .v12)
    }
}

private func failure(_ body: () async throws -> some Sendable) async -> UpstreamError? {
    do {
        _ = try await body()
        return nil
    } catch { return error as? UpstreamError }
}

struct RequestFidelityTests {
    @Test func theRequestIsWhatTheCallerSaid() async throws {
        let pair = try Pair { _, connection in
            connection.respond(body: "ok")
            return true
        }
        let fields: HTTPFields = [
            .contentType: "application/json", .init("X-Mine")!: "ä b", .init("x-EMPTY")!: "", .connection: "X-Hop, close", .init("X-Hop")!: "1",
        ]
        _ = try await pair.text(pair.send(.post, "/a%20b/../c?x=1&y=%2F", fields: fields, body: .bytes(Array("{}".utf8))))
        let request = try #require(pair.server.requests.first)
        #expect(request.head[0] == "POST /v1/a%20b/../c?x=1&y=%2F HTTP/1.1")
        #expect(
            Set(request.head.dropFirst()) == [
                "Host: 127.0.0.1:\(pair.server.port)", "Content-Type: application/json", "X-Mine: ä b", "x-EMPTY:", "Content-Length: 2",
            ])
        #expect(request.body == Array("{}".utf8))
    }

    @Test(arguments: ["GET", "DELETE", "OPTIONS", "PATCH", "PUT", "POST"])
    func everyMethodWithoutABody(method: String) async throws {
        let pair = try Pair { _, connection in
            connection.respond(body: "ok")
            return true
        }
        #expect(try await pair.text(pair.send(.init(rawValue: method)!, body: .none)) == "ok")
        #expect(pair.server.requests.first?.method == method)
        #expect(pair.server.requests.first?.body.isEmpty == true)
        #expect(pair.server.requests.first?.values("Expect").isEmpty == true)
    }

    @Test func aHeadHasNoBody() async throws {
        let pair = try Pair { _, connection in connection.write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n") }
        let response = try await pair.send(.head, body: .none)
        #expect(response.fields[.contentLength] == "500")
        #expect(try await pair.text(response).isEmpty)
    }

    @Test(arguments: [3_000_000, nil])
    func aStreamedBodyArrivesByteForByte(length: Int?) async throws {
        let pair = try Pair { _, connection in
            connection.respond(body: "ok")
            return true
        }
        let pieces = (0..<300).map { number in [UInt8](repeating: UInt8(number % 251), count: 10_000) }
        let body = ByteStream(pieces)
        #expect(try await pair.text(pair.send(.put, body: .stream(body, length: length))) == "ok")
        let request = try #require(pair.server.requests.first)
        #expect(request.body == pieces.flatMap { $0 })
        #expect(request.values("Content-Length") == (length.map { ["\($0)"] } ?? []))
        #expect(request.values("Transfer-Encoding") == (length == nil ? ["chunked"] : []))
        #expect(request.values("Expect").isEmpty)
    }

    @Test func aSlowBodyIsWaitedFor() async throws {
        let pair = try Pair(configure: { $0.firstByteTimeout = .seconds(3) }) { request, connection in
            connection.respond(body: "\(request.body.count)")
            return true
        }
        let left = Mutex(4)
        let body = ByteStream(next: {
            guard
                left.withLock({ left in
                    left -= 1
                    return left >= 0
                })
            else { return nil }
            // Together longer than the upstream's time limit, which is not about the client's side.
            try await Task.sleep(for: .seconds(1))
            return [1, 2, 3]
        })
        #expect(try await pair.text(pair.send(body: .stream(body, length: nil))) == "12")
    }

    @Test func aBodyThatBreaksIsTheCallersFault() async throws {
        let pair = try Pair { _, connection in
            connection.respond()
            return true
        }
        struct Broken: Error {}
        let error = await failure { try await pair.send(body: .stream(ByteStream(next: { throw Broken() }), length: 100)) }
        guard case .requestBody = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func theEndpointsFieldsReplaceTheClients() async throws {
        let pair = try Pair(configure: {
            $0.authorization = "Bearer ours"
            $0.headers = [("api-key", "k")]
        }) { _, connection in
            connection.respond()
            return true
        }
        _ = try await pair.text(pair.send(fields: [.authorization: "Bearer theirs", .init("Api-Key")!: "x"]))
        #expect(pair.server.requests.first?.values("Authorization") == ["Bearer ours"])
        #expect(pair.server.requests.first?.values("api-key") == ["k"])
    }
}

struct ResponseTests {
    @Test func fieldsComeInOrderWithoutHopByHopOnes() async throws {
        let pair = try Pair { _, connection in
            connection.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            connection.write(
                "HTTP/1.1 201 Made\r\nSet-Cookie: a=1\r\nX-Thing: one\r\nset-cookie: b=2\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok"
            )
            return true
        }
        let response = try await pair.send()
        #expect(response.status.code == 201)
        #expect(
            response.fields.map { "\($0.name.rawName): \($0.value)" } == [
                "Set-Cookie: a=1", "X-Thing: one", "set-cookie: b=2", "X-Empty: ", "Content-Length: 2",
            ])
        #expect(try await pair.text(response) == "ok")
    }

    @Test func redirectsAndCompressionPassThrough() async throws {
        let pair = try Pair { _, connection in
            connection.respond("302 Found", fields: "Location: http://127.0.0.1:1/\r\nContent-Encoding: gzip\r\n", body: "\u{1F}raw")
            return true
        }
        let response = try await pair.send(fields: [.acceptEncoding: "gzip"])
        #expect(response.status.code == 302)
        #expect(response.fields[.location] == "http://127.0.0.1:1/")
        #expect(try await pair.text(response) == "\u{1F}raw")
    }

    @Test func chunksComeAsTheyAreSent() async throws {
        let go = DispatchSemaphore(value: 0)
        // The server is as silent as this test is slow, which under a sanitizer may wait for its turn.
        let pair = try Pair(configure: { $0.silenceTimeout = .seconds(3600) }) { _, connection in
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for number in 1...3 {
                connection.write("5\r\npart\(number)\r\n")
                go.wait()
            }
            return connection.write("0\r\n\r\n")
        }
        var iterator = try await pair.send().body.makeAsyncIterator()
        for number in 1...3 {
            // The server waits until this one was read.
            #expect(try await iterator.next() == Array("part\(number)".utf8))
            go.signal()
        }
        #expect(try await iterator.next() == nil)
        #expect(try await iterator.next() == nil)
    }

    @Test func connectionsAreUsedAgain() async throws {
        let pair = try Pair { _, connection in
            connection.respond(body: "ok")
            return true
        }
        // libcurl lets go of a connection that was idle for two minutes, and under a sanitizer this test may wait that long for its turn.
        var longPauses = 0
        var last = ContinuousClock.now
        for _ in 0..<20 {
            _ = try await pair.text(pair.send())
            if ContinuousClock.now - last > .seconds(60) { longPauses += 1 }
            last = .now
        }
        #expect(pair.server.connections <= 1 + longPauses)
        #expect(pair.server.requests.count == 20)
    }

    @Test func aConnectionThatDiedWhileIdleCostsNothing() async throws {
        let pair = try Pair { _, connection in
            connection.respond(body: "ok")
            return false
        }
        for _ in 0..<10 { #expect(try await pair.text(pair.send()) == "ok") }
    }

    @Test func manyAtOnce() async throws {
        let pair = try Pair { request, connection in
            Thread.sleep(forTimeInterval: 0.02)
            connection.respond(body: request.target)
            return true
        }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 { group.addTask { try await pair.text(pair.send(.post, "/\(number)")) == "/v1/\(number)" } }
            for try await isRight in group { #expect(isRight) }
        }
    }

    /// The server can only send what fits into the buffers while nobody reads.
    @Test func aSlowReaderHoldsTheServerBack() async throws {
        let total = 64 << 20
        let seen = Mutex<ScriptedServer.Connection?>(nil)
        let pair = try Pair { _, connection in
            seen.withLock { $0 = connection }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            return connection.write([UInt8](repeating: 7, count: total))
        }
        let response = try await pair.send()
        try await Task.sleep(for: .milliseconds(500))
        let sent = seen.withLock { $0?.bytesWritten ?? 0 }
        #expect(sent < 16 << 20, "\(sent) bytes were sent to a reader that read none")
        var count = 0
        for try await chunk in response.body { count += chunk.count }
        #expect(count == total)
    }
}

struct CancellationTests {
    @Test func leavingBeforeTheHeadClosesTheConnection() async throws {
        let closed = Mutex<Bool?>(nil)
        let pair = try Pair { _, connection in
            closed.withLock { $0 = connection.waitForClose(seconds: 300) }
            return false
        }
        let call = Task { try await pair.send() }
        while pair.server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        call.cancel()
        guard case .cancelled = await failure({ try await call.value }) else {
            Issue.record("expected a cancelled call")
            return
        }
        while closed.withLock({ $0 == nil }) { try await Task.sleep(for: .milliseconds(5)) }
        #expect(closed.withLock { $0 } == true)
    }

    @Test func droppingTheBodyClosesTheConnection() async throws {
        let closed = Mutex<Bool?>(nil)
        let pair = try Pair { _, connection in
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
            closed.withLock { $0 = connection.waitForClose(seconds: 300) }
            return false
        }
        var response: UpstreamResponse? = try await pair.send()
        var iterator = response?.body.makeAsyncIterator()
        #expect(try await iterator?.next() == Array("one".utf8))
        response = nil
        iterator = nil
        while closed.withLock({ $0 == nil }) { try await Task.sleep(for: .milliseconds(5)) }
        #expect(closed.withLock { $0 } == true)
    }

    @Test func closingTheTransportEndsWhatIsUnderWay() async throws {
        let server = try ScriptedServer { _, connection in
            _ = connection.waitForClose(seconds: 300)
            return false
        }
        let transport = CurlTransport(maximumConnections: 256)
        let upstream = CurlUpstream(endpoint: try UpstreamEndpoint.patient(server.url), transport: transport)
        let request = UpstreamRequest(method: .post, target: "/", fields: [:], body: .bytes([]))
        let call = Task { try await upstream.send(request) }
        while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        await transport.close()
        guard case .closed = await failure({ try await call.value }), case .closed = await failure({ try await upstream.send(request) }) else {
            Issue.record("expected closed")
            return
        }
        await transport.close()
    }
}

struct FaultTests {
    @Test func eachTimeLimitSaysWhatItWaitedFor() async throws {
        let silent = try Pair(configure: { $0.firstByteTimeout = .milliseconds(200) }) { _, connection in connection.waitForClose(seconds: 300) }
        guard case .timedOut(.firstByte, _) = await failure({ try await silent.send() }) else {
            Issue.record("expected the first byte's limit")
            return
        }
        let stalled = try Pair(configure: { $0.silenceTimeout = .milliseconds(200) }) { _, connection in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            return connection.waitForClose(seconds: 300)
        }
        guard case .timedOut(.silence, _) = await failure({ try await stalled.text(stalled.send()) }) else {
            Issue.record("expected the silence's limit")
            return
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\npart", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
    ])
    func aTruncatedBodyIsBroken(bytes: String) async throws {
        let pair = try Pair { _, connection in
            connection.write(bytes)
            return false
        }
        guard case .broken = await failure({ try await pair.text(pair.send()) }) else {
            Issue.record("a truncated body looked whole")
            return
        }
    }

    @Test(arguments: ["", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-"])
    func aHeadThatIsNoneIsBroken(bytes: String) async throws {
        let pair = try Pair { _, connection in
            connection.write(bytes)
            return false
        }
        guard case .broken = await failure({ try await pair.send() }) else {
            Issue.record("a head of '\(bytes)' was taken")
            return
        }
    }

    @Test func aResetIsBroken() async throws {
        let pair = try Pair { _, connection in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            Thread.sleep(forTimeInterval: 0.05)
            connection.reset()
            return false
        }
        guard case .broken = await failure({ try await pair.text(pair.send()) }) else {
            Issue.record("a reset looked like an end")
            return
        }
    }

    @Test func anEndlessHeadIsRefused() async throws {
        let pair = try Pair { _, connection in
            connection.write("HTTP/1.1 200 OK\r\n")
            for number in 0..<2000 where !connection.write("X-\(number): \(String(repeating: "x", count: 500))\r\n") { break }
            return false
        }
        guard case .broken = await failure({ try await pair.send() }) else {
            Issue.record("a head of a megabyte was taken")
            return
        }
    }

    @Test func nobodyThereIsUnreachable() async throws {
        for url in ["http://127.0.0.1:1/v1", "http://no-such-host.invalid/v1"] {
            let upstream = CurlUpstream(endpoint: try UpstreamEndpoint.patient(url), transport: CurlTransport(maximumConnections: 256))
            guard case .unreachable = await failure({ try await upstream.send(UpstreamRequest(method: .get, target: "/", fields: [:], body: .none)) })
            else {
                Issue.record("\(url) was reached")
                return
            }
        }
    }
}

struct UpstreamEndpointTests {
    @Test(arguments: ["https://api.openai.com/v1", "http://127.0.0.1:8080", "https://a.example/openai/deployments/x", "http://[::1]:80/v1/"])
    func goodURLs(url: String) throws {
        #expect(try !UpstreamEndpoint.patient(url).baseURL.hasSuffix("/"))
    }

    @Test(arguments: [
        "", "api.openai.com", "ftp://x/v1", "file:///etc/passwd", "http://", "http:///v1", "http://x/v1#a", "http://u:p@x/v1", "http://x/\nv1",
        "http://x/#a",
    ])
    func badURLs(url: String) {
        #expect(throws: UpstreamEndpointError.self) { try UpstreamEndpoint.patient(url) }
    }
}
