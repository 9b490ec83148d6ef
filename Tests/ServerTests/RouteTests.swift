import HTTPTypes
import SemanticCache
@testable import Server
import Telemetry
import Testing

struct ProxyRouteTests {
    @Test func aRepeatIsAHit() async throws {
        let client = RouterClient()
        let first = try await client.ask("hello there")
        let second = try await client.ask("hello there")
        #expect(first.fields[.init("X-Cache")!] == "MISS")
        #expect(second.fields[.init("X-Cache")!] == "HIT")
        #expect(second.bytes == first.bytes)
        #expect(second.fields[.init("X-Request-Id")!]?.isEmpty == false)
    }

    @Test func aBodyOverTheLimitIsRefused() async throws {
        let client = RouterClient(maximumBody: 100)
        let answer = try await client.ask(String(repeating: "x", count: 200))
        #expect(answer.status == 413)
        #expect(answer.errorCode == "body_too_large")
        #expect(answer.fields[.connection] == "close")
    }

    /// A request whose end cannot be told is refused on every route, and nothing after it is read.
    @Test(arguments: ["/v1/files", "/openai/deployments/m/files", "/cache/flush", "/healthz", "/", "/nothing"])
    func whatIsFramedInTwoWaysIsRefused(path: String) async throws {
        let answer = try await RouterClient().send(.post, path, fields: [.transferEncoding: "chunked"])
        #expect(answer.status == 400 && answer.fields[.connection] == "close")
    }

    @Test func whatIsNeitherProxyNorAdminIsNotFound() async throws {
        let client = RouterClient()
        #expect(try await client.send(.get, "/nothing").status == 404)
        #expect(try await client.send(.get, "/v1").status == 404)
        #expect(try await client.send(.get, "/v2/models").errorCode == "not_found")
    }
}

struct AdminRouteTests {
    @Test func statisticsHaveTheContractsNames() async throws {
        let client = RouterClient()
        _ = try await client.ask("hello there")
        _ = try await client.ask("hello there")
        let stats = try await client.send(.get, "/cache/stats").json
        let requests = try #require(stats["requests"] as? [String: Any])
        #expect(requests["total"] as? Int == 2)
        #expect(requests["exact_hits"] as? Int == 1)
        #expect(requests["misses"] as? Int == 1)
        #expect(stats["hit_ratio"] as? Double == 0.5)
        for name in ["version", "uptime_seconds", "entries", "memory_bytes", "disk_bytes", "evictions", "saved", "latency_ms", "matching", "models"] {
            #expect(stats[name] != nil, "\(name)")
        }
        let latency = try #require(stats["latency_ms"] as? [String: Any])
        #expect(Set(latency.keys).isSuperset(of: ["exact_hit", "semantic_hit", "miss_overhead", "embed", "search"]))
        #expect(((stats["models"] as? [String: Any])?["m"] as? [String: Any])?["hits"] as? Int == 1)
        #expect((stats["saved"] as? [String: Any])?["upstream_calls"] as? Int == 1)
    }

    /// Where there is no shared tier a proxy's own part is the whole.
    @Test func theLocalPartIsAskedForByAFlag() async throws {
        let client = RouterClient()
        _ = try await client.ask("hello there")
        let page = try await client.send(.get, "/cache/entries?local=true").json
        let entries = try #require(page["entries"] as? [[String: Any]])
        let id = try #require(entries.first?["id"] as? String)
        #expect(try await client.send(.get, "/cache/entries/\(id)?local=true").status == 200)
        #expect(try await client.send(.get, "/cache/export?local=true").bytes.count { $0 == UInt8(ascii: "\n") } == 1)
        for path in ["/cache/entries?local=1", "/cache/entries/\(id)?local=yes", "/cache/export?local="] {
            #expect(try await client.send(.get, path).errorCode == "bad_selector", "\(path)")
        }
        #expect(try await client.send(.post, "/cache/flush", body: #"{"all": true, "local": "true"}"#).errorCode == "bad_selector")
        #expect(try await client.send(.post, "/cache/flush", body: #"{"local": true}"#).errorCode == "bad_selector")
        #expect(try await client.send(.post, "/cache/flush", body: #"{"all": true, "local": true}"#).json["removed"] as? Int == 1)
    }

    @Test func aSharedTierHasTheContractsNames() async throws {
        let alone = try await RouterClient().send(.get, "/cache/stats").json
        #expect(alone["shared"] == nil && (alone["latency_ms"] as? [String: Any])?["shared_lookup"] == nil)

        let metrics = SharedTierMetrics(kind: "redis")
        let client = RouterClient(shared: metrics)
        for (result, count) in [(SharedLookUpResult.exactHit, 3), (.semanticHit, 2), (.miss, 4), (.late, 1), (.error, 5), (.down, 6)] {
            for _ in 0..<count { metrics.record(result, took: .milliseconds(1)) }
        }
        metrics.setWaiting(7)
        metrics.recordDropped(8)
        metrics.setState(.refused(reason: "wrong password"))
        let down = try #require(try await client.send(.get, "/cache/stats").json["shared"] as? [String: Any])
        #expect(down["kind"] as? String == "redis" && down["state"] as? String == "down" && down["reason"] as? String == "wrong password")
        metrics.setState(.works)
        let stats = try await client.send(.get, "/cache/stats").json
        let shared = try #require(stats["shared"] as? [String: Any])
        #expect(shared["state"] as? String == "works" && shared["reason"] == nil)
        let counts = ["exact_hits": 3, "semantic_hits": 2, "misses": 4, "late": 1, "errors": 5, "not_asked": 6, "waiting": 7, "dropped": 8]
        for (name, count) in counts { #expect(shared[name] as? Int == count, "\(name)") }
        let latency = (stats["latency_ms"] as? [String: Any])?["shared_lookup"] as? [String: Any]
        #expect(latency?["p50"] as? Double ?? 0 >= 1)
        #expect(String(decoding: try await client.send(.get, "/metrics").bytes, as: UTF8.self).contains("reprise_shared_waiting_entries 7\n"))
    }

    @Test func entriesAreListedShownAndRemoved() async throws {
        let client = RouterClient()
        _ = try await client.ask("hello there")
        let entries = try #require(try await client.send(.get, "/cache/entries?limit=10&model=m").json["entries"] as? [[String: Any]])
        let entry = try #require(entries.first)
        let id = try #require(entry["id"] as? String)
        #expect(entry["query"] as? String == "hello there")
        #expect(entry["answer"] as? String == "hi")
        #expect(entry["body"] == nil)
        let shown = try await client.send(.get, "/cache/entries/\(id)").json
        #expect((shown["body"] as? String)?.contains("chat.completion") == true)
        #expect(shown["form"] as? String == "message")
        #expect(try await client.send(.delete, "/cache/entries/\(id)").json["removed"] as? Int == 1)
        #expect(try await client.send(.get, "/cache/entries/\(id)").status == 404)
    }

    @Test func entriesAreListedFromEitherEnd() async throws {
        let client = RouterClient()
        for question in ["one", "two", "three"] { _ = try await client.ask(question) }
        func questions(_ query: String) async throws -> (questions: [String], next: String?) {
            let page = try await client.send(.get, "/cache/entries?\(query)").json
            let entries = try #require(page["entries"] as? [[String: Any]])
            return (entries.compactMap { $0["query"] as? String }, page["next_cursor"] as? String)
        }
        #expect(try await questions("limit=10").questions == ["one", "two", "three"])
        #expect(try await questions("order=oldest").questions == ["one", "two", "three"])
        let first = try await questions("order=newest&limit=2")
        #expect(first.questions == ["three", "two"])
        #expect(try await questions("order=newest&limit=2&cursor=\(first.next ?? "")").questions == ["one"])
    }

    @Test(arguments: [
        "{}", "[]", "", "{\"all\": \"yes\"}", "{\"all\": 1}", "{\"colour\": \"red\"}", "{\"older_than\": \"soon\"}", "{\"id\": \"12\"}",
        "{\"matching\": \"([\"}",
        "{\"threshold\": 3, \"similar_to\": \"x\"}", "{\"dry_run\": true}",
        // Half of a condition: a threshold of nothing would remove what the rest selects.
        "{\"threshold\": 0.95, \"model\": \"m\"}", "{\"threshold\": 0.95}", "{\"threshold\": true, \"similar_to\": \"x\"}",
        "{\"all\": true, \"threshold\": 0.5}",
    ])
    func aSelectorThatCannotBeUsedRemovesNothing(body: String) async throws {
        let client = RouterClient()
        _ = try await client.ask("hello there")
        let answer = try await client.send(.post, "/cache/flush", body: body)
        #expect(answer.status == 400)
        #expect(answer.errorCode == "bad_selector")
        #expect(try await client.send(.get, "/cache/stats").json["entries"] as? Int == 1)
    }

    @Test func allClears() async throws {
        let client = RouterClient()
        _ = try await client.ask("one")
        _ = try await client.ask("two")
        #expect(try await client.send(.post, "/cache/flush", body: "{\"all\": true, \"dry_run\": true}").json["matched"] as? Int == 2)
        #expect(try await client.send(.post, "/cache/flush", body: "{\"all\": true}").json["removed"] as? Int == 2)
        #expect(try await client.ask("one").fields[.init("X-Cache")!] == "MISS")
    }

    @Test func wrongMethodsAreToldTheRightOnes() async throws {
        let answer = try await RouterClient().send(.get, "/cache/flush")
        #expect(answer.status == 405)
        #expect(answer.fields[.allow] == "POST")
    }

    @Test(arguments: ["limit=0", "limit=x", "order=best", "order=", "cursor=zz", "colour=red", "older_than=1.5h", "threshold=0.8&model=m"])
    func aBadQueryIsRefused(query: String) async throws {
        #expect(try await RouterClient().send(.get, "/cache/entries?\(query)").status == 400)
    }

    @Test func anExportWithHalfAConditionIsRefused() async throws {
        #expect(try await RouterClient().send(.get, "/cache/export?threshold=0.8").errorCode == "bad_selector")
    }
}

struct AdminGateTests {
    @Test func aTokenIsAskedForAsSoonAsItIsSet() async throws {
        let client = RouterClient(gate: AdminGate(token: "s3cret", isLoopback: true))
        #expect(try await client.send(.get, "/cache/stats").status == 401)
        #expect(try await client.send(.get, "/cache/stats", fields: [.authorization: "Bearer s3cre"]).status == 401)
        #expect(try await client.send(.get, "/cache/stats", fields: [.authorization: "Bearer s3creT"]).status == 401)
        #expect(try await client.send(.get, "/cache/stats", fields: [.authorization: "Bearer s3cret"]).status == 200)
        #expect(try await client.send(.get, "/healthz").status == 200)
    }

    @Test func theNetworkFindsItClosedWithoutAToken() async throws {
        let client = RouterClient(gate: AdminGate(token: nil, isLoopback: false))
        let answer = try await client.send(.post, "/cache/flush", body: "{\"all\": true}")
        #expect(answer.status == 403)
        #expect(answer.errorCode == "admin_closed")
    }
}
