import SemanticCache
import Testing

@testable import Settings

/// What a shared tier asks of the rest of the settings.
struct SharedSettingsTests {
    private let environment = ["KEY": "0123456789abcdef", "URL": "redis://me:hush@10.0.0.1:6379/2", "TLS": "rediss://me:hush@cache.example/0"]

    private func found(_ shared: String, _ more: String = "tenancy: {key_env: KEY}") -> [String] {
        problems(in: "shared: {\(shared)}\n\(more)\n", environment: environment)
    }

    @Test func theDefaultsShareNothing() throws {
        let loaded = try load("")
        #expect(loaded.settings.shared == Settings.Shared() && loaded.settings.shared.kind == .none && loaded.secrets.sharedURL == nil)
        #expect(loaded.settings.shared.lookupTimeout == .milliseconds(30) && loaded.settings.shared.namespace == "reprise")
        // Switched off, with what is needed to switch it on again; the variable need not be there.
        #expect(try load("shared: {kind: none, url_env: NOT_THERE}").secrets.sharedURL == nil)
    }

    @Test(arguments: [
        "kind: redis, url: 'redis://localhost:6379/0'", "kind: redis, url: 'redis://127.0.0.1'", "kind: redis, url: 'redis://[::1]:7000'",
        "kind: redis, url: 'rediss://me@cache.example:6380/1'", "kind: redis, url: 'redis://cache.example', allow_plain: true",
        "kind: postgres, url: 'postgres://me@localhost/db'", "kind: postgres, url: 'postgresql:///db?host=/var/run/postgresql'",
        "kind: postgres, url: 'postgres://db.example/db?sslmode=verify-full'", "kind: postgres, url: 'postgres://a,b/db?sslmode=require'",
        "kind: redis, url_env: TLS",
    ])
    func whatIsEnough(shared: String) throws {
        #expect(found(shared) == [])
        #expect(try load("shared: {\(shared)}\ntenancy: {key_env: KEY}", environment: environment).secrets.sharedURL != nil)
    }

    @Test func anEncryptionKeySealsWhatCrossesTheNetwork() {
        #expect(found("kind: redis, url: 'redis://cache.example'", "tenancy: {key_env: KEY}\nstore: {encryption_key_env: KEY}") == [])
    }

    @Test(arguments: [
        ("kind: redis", "config.yaml:1:16: shared.kind: redis needs shared.url or shared.url_env"),
        (
            "kind: milvus, url: 'http://localhost:19530'",
            "config.yaml:1:16: shared.kind: this version has no milvus yet; known are none, redis and postgres"
        ),
        (
            "kind: redis, url: 'redis://localhost', url_env: TLS",
            "config.yaml:1:58: shared.url_env: expected either url or url_env; both are given"
        ),
        (
            "kind: redis, url: 'postgres://localhost/db'",
            "config.yaml:1:28: shared.url: expected redis:// or rediss:// for kind redis; found postgres://"
        ),
        (
            "kind: postgres, url: 'redis://localhost'",
            "config.yaml:1:31: shared.url: expected postgres:// or postgresql:// for kind postgres; found redis://"
        ),
        (
            "kind: postgres, url_env: TLS",
            "config.yaml:1:35: shared.url_env: expected postgres:// or postgresql:// for kind postgres; found rediss://"
        ),
        (
            "kind: redis, url_env: KEY",
            "config.yaml:1:32: shared.url_env: expected a URL such as redis://host:6379/0; the variable holds something else"
        ),
        ("kind: redis, url_env: NONE", "config.yaml:1:32: shared.url_env names the environment variable NONE, which is not set"),
    ])
    func whatIsWrong(shared: String, problem: String) {
        #expect(found(shared) == [problem])
    }

    @Test(arguments: [
        ("url: 'redis://me:hush@localhost'", "config.yaml:1:28: shared.url: holds a password: "),
        ("url: 'redis://:hush@localhost'", "config.yaml:1:28: shared.url: holds a password: "),
    ])
    func aPasswordBelongsIntoAVariable(url: String, start: String) {
        let found = found("kind: redis, \(url)")
        #expect(found.contains { $0.hasPrefix(start) && $0.hasSuffix("name that under 'url_env'") }, "\(found)")
        #expect(!found.joined().contains("hush"))
    }

    @Test func theTenancyKeyIsNeeded() {
        #expect(
            found("kind: redis, url: 'redis://localhost'", "") == [
                "config.yaml:1:16: tenancy.key_env: a shared tier needs it, with the same key on every proxy, so that they agree on tenants"
            ])
    }

    @Test(arguments: [
        "kind: redis, url: 'redis://cache.example'", "kind: redis, url: 'redis://127.example.com'", "kind: redis, url: 'redis://10.0.0.1'",
        "kind: redis, url_env: URL", "kind: postgres, url: 'postgres://db.example/db'", "kind: postgres, url: 'postgres://db/x?sslmode=prefer'",
        "kind: postgres, url: 'postgres://localhost,db/x'", "kind: postgres, url: 'postgres://localhost/x?host=db'",
        "kind: postgres, url: 'postgres:///x?hostaddr=10.0.0.1'",
    ])
    func plainTextOverANetworkIsRefused(shared: String) {
        let found = found(shared)
        #expect(found.count == 1)
        #expect(found.first?.contains("an engine that is reached over the network needs TLS") ?? false, "\(found)")
        #expect(found.first?.contains("'shared.allow_plain: true'") ?? false && !found.joined().contains("hush"))
    }

    @Test func theURLOfAVariableIsASecret() throws {
        let loaded = try load("shared: {kind: redis, url_env: TLS}\ntenancy: {key_env: KEY}", environment: environment)
        #expect(loaded.secrets.sharedURL?.reveal() == "rediss://me:hush@cache.example/0")
        #expect(!"\(loaded)".contains("hush") && !loaded.settings.effectiveYAML.contains("hush"))
    }
}
