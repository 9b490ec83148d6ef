import Foundation
import HTTPTypes
import Logging
@testable import Server
import Synchronization
import Testing

/// Whatever changes something on the admin surface leaves a line.
struct AuditTests {
    /// A request that changes something, for each kind of request that may. `{id}` stands for an entry's id.
    private static func change(_ route: AdminRoute, _ method: HTTPRequest.Method) -> String? {
        switch (route, method) {
        case (.entry, .delete): ""
        case (.flush, .post): #"{"model": "m"}"#
        case (.import, .post): "not a record\n"
        case (.warm, .post): #"{"model": "m", "prompt": "one", "answer": "two"}"#
        case (.feedback, .post): #"{"entry": "{id}", "correct": false}"#
        default: nil
        }
    }

    private static let changing = AdminRoute.allCases.flatMap { route in route.methods.filter(route.mayChange).map { (route, $0) } }

    @Test(arguments: changing)
    func everyRouteThatChangesSomethingIsWrittenDown(_ route: AdminRoute, _ method: HTTPRequest.Method) async throws {
        let log = LogCapture()
        let client = RouterClient(log: log)
        _ = try await client.ask("hello there")
        let entries = try #require(try await client.send(.get, "/cache/entries").json["entries"] as? [[String: Any]])
        let id = try #require(entries.first?["id"] as? String)
        let body = try #require(Self.change(route, method), "say here how \(method) \(route.rawValue) changes something")
        let answer = try await client.send(
            method, route.rawValue.replacing("{id}", with: id), body: body.replacing("{id}", with: id))
        #expect(answer.status == 200, "\(answer.json)")
        #expect(log.audits.count == 1)
        #expect(log.audits.first?["by"] == "loopback" && log.audits.first?["action"] != nil)
        #expect(!log.text.contains("hello there"), "prompts stay out")
    }

    @Test func whatOnlyLooksIsNot() async throws {
        let log = LogCapture()
        let client = RouterClient(log: log)
        _ = try await client.ask("hello there")
        for route in AdminRoute.allCases where route.methods.contains(.get) { _ = try await client.send(.get, route.rawValue) }
        _ = try await client.send(.post, "/cache/explain", body: #"{"model":"m","messages":[{"role":"user","content":"hello there"}]}"#)
        _ = try await client.send(.post, "/cache/flush", body: #"{"all": true, "dry_run": true}"#)
        _ = try await client.send(.post, "/cache/flush", body: "{}")
        _ = try await client.send(.delete, "/cache/entries/0000000000000000")
        #expect(log.audits.isEmpty)
    }

    @Test func anImportThatBreaksOffIsWrittenDown() async throws {
        let log = LogCapture()
        let client = RouterClient(log: log)
        await #expect(throws: BrokenBody.self) { try await client.send(.post, "/cache/import", brokenBody: "not a record\n") }
        #expect(log.audits.count == 1 && log.audits.first?["broke_off"] != nil)
    }

    @Test func theTokenIsNamedWhereItOpened() async throws {
        let log = LogCapture()
        let client = RouterClient(gate: AdminGate(token: "s3cret", isLoopback: false), log: log)
        _ = try await client.send(.post, "/cache/flush", fields: [.authorization: "Bearer wrong"], body: #"{"all": true}"#)
        #expect(log.audits.isEmpty)
        _ = try await client.send(.post, "/cache/flush", fields: [.authorization: "Bearer s3cret"], body: #"{"all": true}"#)
        #expect(log.audits.map { $0["by"] } == ["admin token"] && log.audits.first?["selector"] == "all")
        #expect(!log.text.contains("s3cret"))
    }

    @Test func answersThatApplicationsBringAreWrittenDown() async throws {
        let log = LogCapture()
        let client = RouterClient(log: log, speaksGPTCache: true)
        _ = try await client.send(.post, "/put", body: #"{"prompt": "hello there", "answer": "hi"}"#)
        #expect(log.audits.map { $0["action"] } == ["put"] && log.audits.first?["by"] == "client")
        #expect(!log.text.contains("hello there"))
    }

    @Test func theDescriptionNamesEveryRoute() async throws {
        let paths = try #require(try await RouterClient().send(.get, "/cache/openapi.json").json["paths"] as? [String: [String: Any]])
        for route in AdminRoute.allCases {
            for method in route.methods { #expect(paths[route.rawValue]?[method.rawValue.lowercased()] != nil, "\(method) \(route.rawValue)") }
        }
    }
}

/// Keeps what is logged.
final class LogCapture: LogHandler, Sendable {
    private let lines = Mutex<[(message: String, metadata: [String: String])]>([])

    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        lines.withLock { $0.append(("\(event.message)", (event.metadata ?? [:]).mapValues { "\($0)" })) }
    }

    var audits: [[String: String]] { lines.withLock { $0.filter { $0.message == "audit" }.map(\.metadata) } }
    var text: String { lines.withLock { "\($0)" } }
}
