import Foundation
import SemanticCache
import Settings
import Testing

/// The `config.yaml` at the root, the defaults and the effective print say the same.
struct ConfigFileTests {
    private let configFile = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("config.yaml")

    @Test func rootConfigFileIsTheCommentedPrintOfTheDefaults() throws {
        let text = try String(contentsOf: configFile, encoding: .utf8)
        #expect(text == Settings().commentedYAML, "write it again with: reprise check --defaults > config.yaml")
    }

    @Test func rootConfigFileLoadsAsTheDefaults() throws {
        let loaded = try Settings.load(path: configFile.path, environment: { _ in nil })
        #expect(loaded.settings == Settings())
        #expect(loaded.file == configFile.path)
    }

    @Test func emptyTextsLoadAsTheDefaults() throws {
        for text in ["", "\n\n", "# nothing but a comment\n", "---\n", "server:\n", "server:\n  # port: 1\ncache: {}\n", "\u{FEFF}log:\n"] {
            #expect(try load(text).settings == Settings(), "\(text.debugDescription)")
        }
    }

    @Test func effectivePrintLoadsBack() throws {
        var settings = Settings()
        settings.server.host = "::1"
        settings.server.port = 0
        settings.server.maxBody = ByteCount(1_234_567)
        settings.server.readTimeout = .milliseconds(1500)
        settings.server.drainTimeout = .zero
        settings.server.tlsCertificate = "on"
        settings.server.tlsKey = "key: #1.pem"
        settings.server.minTLS = .v13
        settings.upstream.baseURL = "http://localhost:9000/api"
        settings.upstream.apiKeyEnv = "KEY"
        settings.upstream.headers = [.init(name: "X-A", value: "a: \"b\" # c\\ \u{85}é"), .init(name: "X-B", value: "on")]
        settings.upstream.headersEnv = [.init(name: "api-key", value: "KEY")]
        settings.upstream.caFile = "off"
        settings.upstream.fallback = "second"
        var second = Settings.RoutedUpstream(name: "second")
        second.models = ["*-mini", "claude-?", "a, b"]
        second.paths = ["/v1/audio/*"]
        second.upstream.headers = [.init(name: "X-A", value: "a")]
        second.upstream.minTLS = .v13
        settings.upstreams = [second, .init(name: "third.one")]
        settings.cache.enabled = false
        settings.cache.ttl = .seconds(86_401)
        settings.cache.tools = .off
        settings.store.path = ":memory:"
        settings.shared.kind = .postgres
        settings.shared.url = "postgres://me@db/x?sslmode=verify-full"
        settings.shared.lookupTimeout = .milliseconds(45)
        settings.shared.namespace = "a-1_b"
        settings.shared.index = .hnsw
        settings.shared.allowPlain = true
        settings.tenancy.keyEnv = "KEY"
        settings.embedder.kind = .off
        settings.embedder.modelDirectory = "2024 models/#1: \n\u{2028}"
        settings.matching.threshold = 0.875
        settings.matching.profile = .default
        settings.matching.mode = .shadow
        settings.matching.errorBound = 0.025
        settings.matching.prior = .none
        settings.matching.judge.model = "judge: \"mini\""
        settings.matching.judge.dailyCalls = 7
        var override = Settings.Override()
        override.model = "a: {b}"
        override.mode = .exact
        var other = Settings.Override()
        other.namespace = "faq"
        other.errorBound = 0.5
        other.profile = .faq
        other.threshold = 0.75
        settings.matching.overrides = [override, other]
        settings.tenancy.sharing = .pool
        settings.log.level = .trace
        settings.log.accessFile = "~/access.jsonl"
        settings.log.accessContent = .answers
        settings.admin.showPrompts = true
        settings.prices.models = [
            .init(model: "gpt-4o", input: 2.5, cachedInput: 1.25, output: 10), .init(model: "no: \"plain\" name", input: 0, output: 0.5),
        ]
        for text in [settings.effectiveYAML, settings.commentedYAML] {
            #expect(try load(text, environment: ["KEY": "secret"]).settings == settings, "\(text)")
        }
    }

    @Test(arguments: [
        "null", "~", "true", "no", "y", "1", "0x1F", "1.5", "1e3", ".inf", "12:30:45", "2001-01-01", "=", "<<", "-", "- a", "a: b", "?", "!x", "&a",
        "*a", "%", "@", "`", "'", "\"", "a #b", " a ", "a:",
    ])
    func anyPathIsWrittenSoThatItReadsBack(path: String) throws {
        var settings = Settings()
        settings.store.path = path
        #expect(try load(settings.effectiveYAML).settings.store.path == path)
    }
}
