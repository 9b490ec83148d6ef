import SemanticCache
import TestSupport
import Testing

@testable import SharedRedis

@Suite(.enabled(if: Engines.redis != nil, "REPRISE_TEST_REDIS_URL is not set: Scripts/test sets it"))
struct RedisAccessTests {
    @Test("who is not let in is told why", arguments: ["wrong password", "nobody", "no user"])
    func refused(_ what: String) async throws {
        let configuration = try RedisConfiguration(url: try #require(Engines.redis), prefix: "p")
        let place = "\(configuration.host):\(configuration.port)"
        let url =
            switch what {
            case "wrong password": "redis://reprise:wrong@\(place)"
            case "nobody": "redis://nobody:wrong@\(place)"
            default: "redis://\(place)"
            }
        let error = await fault { () async throws(SharedTierError) in try await Engines.open(url) }
        guard case .refused(let reason) = error else { Issue.record("\(String(describing: error))"); return }
        #expect(reason.hasPrefix(what == "no user" ? "NOAUTH" : "WRONGPASS"))
    }

    @Test("keys beyond what the user may touch are refused")
    func otherKeys() async throws {
        let url = try #require(Engines.redis)
        let error = await fault { () async throws(SharedTierError) in try await Engines.open(url, prefix: "other") }
        guard case .refused(let reason) = error else { Issue.record("\(String(describing: error))"); return }
        #expect(reason.hasPrefix("NOPERM"))
    }

    @Test("TLS to an engine that speaks none is told apart from an engine that is not there")
    func noTLS() async throws {
        let url = try #require(Engines.redis).replacing("redis://", with: "rediss://")
        let error = await fault { () async throws(SharedTierError) in try await Engines.open(url) }
        guard case .unreachable = error else { Issue.record("\(String(describing: error))"); return }
    }
}

/// Debian's Redis 7.0: TLS and access lists, no search.
@Suite(.enabled(if: Engines.secure != nil && Engines.secureCA != nil, "REPRISE_TEST_REDIS_TLS_URL is not set: Scripts/test sets it"))
struct RedisSecureTests {
    private static func link(ca: Bool = true, _ change: (String) -> String = { $0 }) throws -> RedisLink {
        let url = change(try #require(Engines.secure)) + (ca ? "?ca_file=\(try #require(Engines.secureCA))" : "")
        return RedisLink(try RedisConfiguration(url: url, prefix: "rp"))
    }

    private static func ping(_ link: RedisLink) async -> SharedTierError? {
        let error = await fault { () async throws(SharedTierError) in try await link.call(RedisCommands(["PING"]), until: .now + .seconds(20)) }
        await link.close()
        return error
    }

    @Test("commands go over TLS, as a user with a password")
    func secure() async throws {
        let link = try Self.link()
        let key = RedisCommands.Word.text(Engines.prefix())
        let value = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let answers = try await link.call(
            RedisCommands(
                ["SET", key, .bytes(value), "PX", "60000"], ["GET", key], ["DEL", key], ["SET", "elsewhere", "x"], ["CONFIG", "GET", "*"]),
            until: .now + .seconds(20))
        #expect(answers[0].text == "OK" && answers[1].bytes == value && answers[2].number == 1)
        for refused in answers[3...] {
            guard case .refused = await fault({ () async throws(SharedTierError) in try refused.orThrow() }) else {
                Issue.record("\(refused)")
                return
            }
        }
        await link.close()
    }

    @Test("many calls at once find their answers")
    func concurrent() async throws {
        let link = try Self.link()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<500 {
                group.addTask {
                    let answers = try await link.call(RedisCommands(["ECHO", .number(number)]), until: .now + .seconds(20))
                    #expect(answers[0].number == Int64(number))
                }
            }
            try await group.waitForAll()
        }
        await link.close()
    }

    @Test("a certificate that nobody vouches for is refused")
    func distrusted() async throws {
        let error = await Self.ping(try Self.link(ca: false))
        guard case .refused(let reason) = error, reason.contains("certificate") else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("certificates that cannot be read are named")
    func noCertificates() async throws {
        let url = try #require(Engines.secure) + "?ca_file=/nowhere/ca.pem"
        let error = await Self.ping(RedisLink(try RedisConfiguration(url: url, prefix: "rp")))
        guard case .refused(let reason) = error else { Issue.record("\(String(describing: error))"); return }
        #expect(reason.contains("/nowhere/ca.pem"))
    }

    @Test("a wrong password is refused")
    func wrongPassword() async throws {
        guard case .refused = await Self.ping(try Self.link { $0.replacing(":secret@", with: ":wrong@") }) else {
            Issue.record("let in")
            return
        }
    }

    @Test("whoever speaks in the clear is told nothing, or to speak TLS")
    func inTheClear() async throws {
        switch await Self.ping(try Self.link(ca: false) { $0.replacing("rediss://", with: "redis://") }) {
        case .unreachable, .refused("it speaks TLS: write rediss:// in the URL"): break
        case let error: Issue.record("\(String(describing: error))")
        }
    }

    @Test("an engine without search is no tier")
    func noSearch() async throws {
        let url = try #require(Engines.secure) + "?ca_file=\(try #require(Engines.secureCA))"
        let error = await fault { () async throws(SharedTierError) in try await Engines.open(url) }
        guard case .noSearch = error else { Issue.record("\(String(describing: error))"); return }
    }
}
