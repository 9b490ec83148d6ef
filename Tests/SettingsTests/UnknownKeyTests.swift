import Settings
import Testing

/// Keys that do not exist, keys given twice, texts that are not YAML: all at once, each with its place.
struct UnknownKeyTests {
    @Test(arguments: [
        ("server:\n  prot: 80\n", "config.yaml:2:3: unknown key 'prot' in 'server'; did you mean 'port'?"),
        ("servre:\n  port: 80\n", "config.yaml:1:1: unknown section 'servre'; did you mean 'server'?"),
        ("\n\nupstream:\n    api_key: sk-abc\n", "config.yaml:4:5: unknown key 'api_key' in 'upstream'; did you mean 'api_key_env'?"),
        ("upstream:\n  base-url: x\n", "config.yaml:2:3: unknown key 'base-url' in 'upstream'; did you mean 'base_url'?"),
        ("upstream:\n  BaseURL: x\n", "config.yaml:2:3: unknown key 'BaseURL' in 'upstream'; did you mean 'base_url'?"),
        ("port: 80\n", "config.yaml:1:1: unknown section 'port'; did you mean 'server.port'?"),
        ("server:\n  threshold: 80\n", "config.yaml:2:3: unknown key 'threshold' in 'server'; did you mean 'matching.threshold'?"),
        ("recording:\n  colour: 80\n", "config.yaml:2:3: unknown key 'colour' in 'recording'; known are replay_pace, stream_usage"),
    ])
    func namesTheNearest(text: String, problem: String) {
        #expect(problems(in: text) == [problem])
    }

    @Test func keysThatAreNoNames() {
        #expect(problems(in: "? [a]\n: b\n") == ["config.yaml:1:3: expected a key; found a list"])
        #expect(problems(in: "server:\n  ? {a: b}\n  : c\n") == ["config.yaml:2:5: expected a key of 'server'; found a map of keys"])
    }

    @Test func duplicatesAreFoundWithEverythingElse() {
        let text = """
            server:
              port: 80
              prot: 1
              port: http
              "port": 82
            cache:
              ttl: soon
            server: {}
            log:
              level: info
              level: debug
            """
        let found = problems(in: text)
        #expect(
            found == [
                "config.yaml:3:3: unknown key 'prot' in 'server'; did you mean 'port'?",
                "config.yaml:4:3: 'server.port' is given more than once; it first stands on line 2",
                "config.yaml:4:9: server.port: expected a whole number from 0 to 65535; found 'http'",
                "config.yaml:5:3: 'server.port' is given more than once; it first stands on line 2",
                "config.yaml:7:8: cache.ttl: expected a duration such as 250ms, 30s, 5m, 24h or 7d, longer than 0s; found 'soon'",
                "config.yaml:8:1: 'server' is given more than once; it first stands on line 1",
                "config.yaml:11:3: 'log.level' is given more than once; it first stands on line 10",
            ], "\(found.joined(separator: "\n"))")
    }

    @Test func duplicatesWhoseKeyIsNotSpelledOutAreStillErrors() {
        for text in ["\"p\\x61th\": 1\npath: 2\n", "&a log: {}\nlog: {}\n"] {
            #expect(problems(in: text).contains { $0.contains("is given more than once") }, "\(text)")
        }
    }

    @Test func manyDuplicatesEndSoon() {
        let text = "server:\n" + String(repeating: "  port: 80\n", count: 2000)
        #expect(problems(in: text).first?.contains("is given more than once") == true)
    }

    @Test func allErrorsAtOnce() {
        let text = """
            server: {port: a, hots: b}
            cache: {ttl: c}
            nothing: {}
            admin: {token_env: MISSING}
            """
        let found = problems(in: text, Overrides(port: "x", logLevel: "loud"))
        #expect(found.count == 7)
        #expect(found[4] == "config.yaml:4:20: admin.token_env names the environment variable MISSING, which is not set")
        #expect(found[5] == "--port: expected a whole number from 0 to 65535; found 'x'")
        #expect(found[6].hasPrefix("--log-level: expected one of trace"))
    }

    @Test(arguments: [
        ("server:\n\tport: 80\n", "config.yaml:2:1: this is not YAML: "), ("server: [", "config.yaml:2:1: this is not YAML: "),
        ("a: b: c", "config.yaml:1:5: this is not YAML: "),
        ("log: *nowhere", "config.yaml:1:6: this is not YAML: found undefined alias"),
        ("server:\n  port: 80\n---\nlog: {}\n", "config.yaml:3:1: this is not YAML: but found another document"),
        ("a: \u{1}", "config.yaml:1:1: this is not YAML"),
    ])
    func brokenYAMLHasAPlace(text: String, start: String) {
        let found = problems(in: text)
        #expect(found.count == 1 && found[0].hasPrefix(start), "\(found)")
    }

    @Test func patternsAreNoAliases() throws {
        let clients = (1...100).map { "    client-\($0): {key_env: KEY, models: [gpt-*, claude-*]}\n" }.joined()
        let found = problems(in: "auth:\n  clients:\n\(clients)", environment: ["KEY": "a key"])
        #expect(!found.contains { $0.contains("alias") }, "\(found)")
        #expect(
            try load("upstreams:\n  a:\n    models:\n" + String(repeating: "      - a-*\n      - \"*-b\"\n", count: 50)).settings.upstreams.first?
                .models.count == 100)
    }

    @Test func aliasesWorkAndAreBounded() throws {
        #expect(try load("server: {read_timeout: &t 7s, idle_timeout: *t}").settings.server.idleTimeout == .seconds(7))
        var bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n"
        for (previous, name) in zip("abcdefghijklmnop", "bcdefghijklmnopq") {
            bomb += "\(name): &\(name) [" + Array(repeating: "*\(previous)", count: 9).joined(separator: ",") + "]\n"
        }
        #expect(problems(in: bomb + "? *q\n: x\n").first?.contains("more than 32 YAML aliases") == true)
    }

    @Test func deepNestingIsAnError() {
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
            let text = "server: \n  " + String(repeating: open, count: 50_000) + String(repeating: close, count: 50_000)
            #expect(!problems(in: text).isEmpty)
        }
    }
}
