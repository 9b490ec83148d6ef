import HTTPTypes
import SemanticCache
import Testing

@testable import reprise

/// What is sent to a proxy, and what its answers mean for the exit status.
struct AdminClientTests {
    @Test func sendsTokenQueryAndCredential() async throws {
        let upstream = ScriptedUpstream { _, _ in (200, "ok") }
        let client = AdminClient(upstream: upstream, server: "http://proxy", token: "secret")
        _ = try await client.get("/cache/entries", query: [("tag", "a&b=ü /?"), ("limit", "5")])
        _ = try await client.post("/cache/warm", body: Array("x".utf8), contentType: "application/x-ndjson", credential: "Bearer k")
        let seen = upstream.requests
        #expect(seen[0].target == "/cache/entries?tag=a%26b%3D%C3%BC%20%2F%3F&limit=5" && seen[0].method == "GET")
        #expect(seen[0].fields[.authorization] == "Bearer secret")
        #expect(seen[1].body == "x" && seen[1].fields[.contentType] == "application/x-ndjson")
        #expect(try seen[1].fields[#require(HTTPField.Name("X-Cache-Authorization"))] == "Bearer k")
    }

    @Test(arguments: [
        (401, #"{"error":{"message":"wrong token"}}"#, CommandFailure.Status.notAllowed, "wrong token; set REPRISE_ADMIN_TOKEN"),
        (403, "no", .notAllowed, "status 403"), (404, #"{"error":{"message":"no such entry"}}"#, .failure, "no such entry"),
        (404, "<html>", .unavailable, "is it Reprise?"), (500, #"{"error":{"message":"a\u001b[31mb"}}"#, .failure, "a [31mb"),
        (200, "<html>", .unavailable, "not as this version of Reprise does"),
    ])
    func answersAndTheirStatus(code: Int, body: String, status: CommandFailure.Status, message: String) async throws {
        let client = ScriptedUpstream { _, _ in (code, body) }.client
        do {
            _ = try client.decode(WarmAnswer.self, from: try await client.get("/cache/stats"))
            Issue.record("taken")
        } catch let failure as CommandFailure {
            #expect(failure.status == status && failure.message.contains(message), "\(failure.message)")
        }
    }

    @Test func noProxyIsOneClearLine() async throws {
        let client = ScriptedUpstream { _, _ throws(UpstreamError) in throw .unreachable("connection refused") }.client
        await #expect(throws: CommandFailure(.unavailable, "no proxy answers at http://proxy: connection refused")) {
            try await client.get("/cache/stats")
        }
    }
}
