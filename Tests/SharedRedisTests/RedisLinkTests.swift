import SemanticCache
import Testing

@testable import SharedRedis

/// What peers do to a connection that are no good engine.
struct RedisLinkTests {
    private static let greeting = "%3\r\n$5\r\nproto\r\n:3\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n+PONG\r\n"

    private static func link(_ url: String) throws -> RedisLink { RedisLink(try RedisConfiguration(url: url, prefix: "p")) }

    private static func ping(_ link: RedisLink, within limit: Duration = .seconds(20)) async -> SharedTierError? {
        await fault { () async throws(SharedTierError) in try await link.call(RedisCommands(["PING"]), until: .now + limit) }
    }

    @Test(
        "what a peer says in place of a greeting is told apart",
        arguments: [
            ("HTTP/1.1 400 Bad Request\r\n\r\n", SharedTierError.garbled("no type of RESP3 begins with byte 72")),
            ("SSH-2.0-OpenSSH_9.2\r\n", .garbled("no type of RESP3 begins with byte 83")),
            ("\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{28}", .refused("it speaks TLS: write rediss:// in the URL")),
            ("*2\r\n+proto\r\n:2\r\n+PONG\r\n", .garbled("HELLO is not answered in RESP3")),
            ("+OK\r\n+PONG\r\n", .garbled("HELLO is not answered in RESP3")),
            ("-ERR unknown command `HELLO`\r\n+PONG\r\n", .refused("it does not speak RESP3: Redis 6, Valkey or newer is needed")),
            ("-NOPROTO unsupported protocol version\r\n+PONG\r\n", .refused("NOPROTO unsupported protocol version")),
            ("-WRONGPASS invalid\r\n-NOAUTH Authentication required.\r\n", .refused("WRONGPASS invalid")),
            ("-LOADING the dataset\r\n-LOADING the dataset\r\n", .starting("LOADING the dataset")),
            ("$9999999999\r\n", .garbled("the length 9999999999, more than 134217728")),
        ])
    func greetings(_ said: String, _ error: SharedTierError) async throws {
        try await ScriptedRedis.run({ _, _ in Array(said.utf8) }) { server in
            let link = try Self.link(server.url)
            #expect(await Self.ping(link) == error)
            await link.close()
        }
    }

    @Test(
        "a peer that hangs up is not there, or says why",
        arguments: [
            ("", SharedTierError.unreachable("the connection was closed")), ("%3\r\n$5\r\npro", .unreachable("the connection was closed")),
            ("-DENIED protected mode\r\n", .refused("DENIED protected mode")),
            ("-ERR max number of clients reached\r\n", .unreachable("ERR max number of clients reached")),
        ])
    func hangsUp(_ said: String, _ error: SharedTierError) async throws {
        try await ScriptedRedis.run({ _, _ in Array(said.utf8) }, hangingUp: true) { server in
            let link = try Self.link(server.url)
            #expect(await Self.ping(link) == error)
            await link.close()
        }
    }

    @Test("nobody listens")
    func nobody() async throws {
        var url = ""
        try await ScriptedRedis.run({ _, _ in nil }) { url = $0.url }
        let link = try Self.link(url)
        guard case .unreachable = await Self.ping(link) else { Issue.record("reached whom?"); return }
        await link.close()
        #expect(await Self.ping(link) == .unreachable("closed"))
    }

    @Test("a peer that says nothing makes no call wait beyond its deadline, and the connection is given up")
    func silent() async throws {
        try await ScriptedRedis.run({ _, _ in [] }) { server in
            let link = try Self.link(server.url)
            #expect(await Self.ping(link, within: .milliseconds(50)) == .timedOut)
            #expect(await Self.ping(link, within: .milliseconds(-1)) == .timedOut)
            #expect(await Self.ping(link) == .unreachable("it does not answer to HELLO"))
            #expect(
                await fault { () async throws(SharedTierError) in try await Engines.open(server.url) } == .unreachable("it does not answer to HELLO"))
            await link.close()
        }
    }

    @Test("a peer that falls silent is given up, and the next call connects anew")
    func fallsSilent() async throws {
        let script: ScriptedRedis.Script = { number, heard in
            if String(decoding: heard, as: UTF8.self).contains("HELLO") { return Array(Self.greeting.utf8) }
            return number == 1 ? [] : Array("+PONG\r\n".utf8)
        }
        try await ScriptedRedis.run(script) { server in
            let link = try Self.link(server.url)
            var faults: Set<SharedTierError> = []
            try await eventually {
                guard let fault = await Self.ping(link, within: .milliseconds(100)) else { return true }
                faults.insert(fault)
                return false
            }
            #expect(server.connections == 2)
            #expect(faults.isSubset(of: [.timedOut, .unreachable("it does not answer")]))
            await link.close()
        }
    }

    @Test("when a connection breaks all that wait on it are told, and the next call connects anew")
    func breaks() async throws {
        let script: ScriptedRedis.Script = { number, heard in
            let text = String(decoding: heard, as: UTF8.self)
            if text.contains("HELLO") { return Array(Self.greeting.utf8) }
            if number > 1 { return Array("+PONG\r\n".utf8) }
            return text.contains("QUIT") ? nil : []
        }
        try await ScriptedRedis.run(script) { server in
            let link = try Self.link(server.url)
            let waiting = (0..<50).map { _ in Task { await Self.ping(link) } }
            _ = try? await link.call(RedisCommands(["QUIT"]), until: .now + .seconds(20))
            for task in waiting {
                // One that came after the end is on the second connection.
                // Whether the other side ended it or cut it off is its affair.
                switch await task.value {
                case nil, .unreachable: break
                case .some(let fault): Issue.record("\(fault)" as Comment)
                }
            }
            #expect(await Self.ping(link) == nil)
            #expect(server.connections == 2)
            await link.close()
        }
    }

    @Test("answers find their calls, whatever is pushed between them")
    func pushes() async throws {
        let script: ScriptedRedis.Script = { _, heard in
            let text = String(decoding: heard, as: UTF8.self)
            if text.contains("HELLO") { return Array((">2\r\n+invalidate\r\n_\r\n" + Self.greeting).utf8) }
            // As many answers as commands were heard, each after a push.
            let numbers = text.split(separator: "\r\n").filter { $0.hasPrefix("n") }
            return Array(numbers.map { ">1\r\n+x\r\n+\($0)\r\n" }.joined().utf8)
        }
        try await ScriptedRedis.run(script) { server in
            let link = try Self.link(server.url)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let answers = try await link.call(RedisCommands(["n\(number)"], ["n\(number)b"]), until: .now + .seconds(20))
                        #expect(answers.map(\.text) == ["n\(number)", "n\(number)b"])
                    }
                }
                try await group.waitForAll()
            }
            await link.close()
        }
    }

    @Test("an answer that nobody asked for ends the connection")
    func unasked() async throws {
        let script: ScriptedRedis.Script = { _, heard in
            Array((String(decoding: heard, as: UTF8.self).contains("HELLO") ? Self.greeting : "+PONG\r\n+more\r\n").utf8)
        }
        try await ScriptedRedis.run(script) { server in
            let link = try Self.link(server.url)
            try await eventually {
                // The one that comes between the two is answered by what was not meant for it, or fails.
                _ = await Self.ping(link)
                return server.connections > 3
            }
            await link.close()
        }
    }

    @Test(
        "who cannot be a tier's engine is refused with the reason",
        arguments: [
            (greeting.replacing("master", with: "slave").replacing("$6", with: "$5"), SharedTierError.readOnly("it is a slave")),
            (
                greeting.replacing("standalone", with: "sentinel").replacing("$10", with: "$8"),
                .refused("it is a sentinel: the URL has to name the server itself")
            ),
        ])
    func wrongRoles(_ greeting: String, _ error: SharedTierError) async throws {
        let script: ScriptedRedis.Script = { _, heard in
            Array((String(decoding: heard, as: UTF8.self).contains("HELLO") ? greeting : "+PONG\r\n").utf8)
        }
        try await ScriptedRedis.run(script) { server in
            #expect(await fault { () async throws(SharedTierError) in try await Engines.open(server.url) } == error)
        }
    }
}
