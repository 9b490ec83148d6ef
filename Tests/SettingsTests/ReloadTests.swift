import Foundation
import SemanticCache
import Testing

@testable import Settings

/// What a running proxy makes of a configuration that was read again.
struct ReloadTests {
    /// For each key a configuration that differs from the defaults in it, and in no other where that can be.
    private static let samples: [String: String] = [
        "server.host": "server: {host: localhost}", "server.port": "server: {port: 81}",
        "server.tls_certificate": "server: {tls_certificate: a.pem, tls_key: b.pem}",
        "server.tls_key": "server: {tls_certificate: a.pem, tls_key: b.pem}", "server.min_tls": "server: {min_tls: v1.3}",
        "server.max_body": "server: {max_body: 1MiB}", "server.max_header": "server: {max_header: 1MiB}",
        "server.read_timeout": "server: {read_timeout: 1s}", "server.idle_timeout": "server: {idle_timeout: 1s}",
        "server.write_timeout": "server: {write_timeout: 1s}", "server.max_connections": "server: {max_connections: 1}",
        "server.max_requests": "server: {max_requests: 1}", "server.memory_limit": "server: {memory_limit: 1GiB}",
        "server.drain_timeout": "server: {drain_timeout: 1s}", "server.gptcache": "server: {gptcache: true}",
        "upstream.base_url": "upstream: {base_url: 'http://localhost:1/v1'}", "upstream.api_key_env": "upstream: {api_key_env: KEY}",
        "upstream.headers": "upstream: {headers: {X-A: b}}", "upstream.headers_env": "upstream: {headers_env: {X-A: KEY}}",
        "upstream.connect_timeout": "upstream: {connect_timeout: 1s}", "upstream.first_byte_timeout": "upstream: {first_byte_timeout: 1s}",
        "upstream.silence_timeout": "upstream: {silence_timeout: 1s}", "upstream.ca_file": "upstream: {ca_file: a.pem}",
        "upstream.min_tls": "upstream: {min_tls: v1.3}", "upstream.max_connections": "upstream: {max_connections: 1}",
        "upstream.queue_limit": "upstream: {queue_limit: 1}", "upstream.queue_timeout": "upstream: {queue_timeout: 1s}",
        "upstream.retries": "upstream: {retries: 1}", "upstream.retry_delay": "upstream: {retry_delay: 1s}",
        "upstream.retry_max_delay": "upstream: {retry_max_delay: 1s}", "upstream.breaker_failures": "upstream: {breaker_failures: 1}",
        "upstream.breaker_cooldown": "upstream: {breaker_cooldown: 1s}",
        "upstream.fallback": "upstream: {fallback: other}\nupstreams: {other: {retries: 1}}", "upstreams": "upstreams: {other: {retries: 1}}",
        "cache.enabled": "cache: {enabled: false}", "cache.ttl": "cache: {ttl: 1h}", "cache.max_ttl": "cache: {max_ttl: 60d}",
        "cache.stale_if_error": "cache: {stale_if_error: 2h}", "cache.stale_while_revalidate": "cache: {stale_while_revalidate: 2h}",
        "cache.max_entries": "cache: {max_entries: 1}", "cache.max_memory": "cache: {max_memory: 1GiB}", "cache.max_disk": "cache: {max_disk: 1GiB}",
        "cache.max_answer": "cache: {max_answer: 1MiB}", "cache.tools": "cache: {tools: off}", "cache.embeddings": "cache: {embeddings: false}",
        "cache.vary": "cache: {vary: [x-region]}",
        "cache.no_store_patterns": "cache: {no_store_patterns: [a]}", "cache.no_store_detect": "cache: {no_store_detect: [emails]}",
        "store.path": "store: {path: other.db}", "store.encryption_key_env": "store: {encryption_key_env: KEY}",
        "store.former_keys_env": "store: {former_keys_env: [KEY]}", "store.flush_interval": "store: {flush_interval: 1s}",
        "store.snapshot_interval": "store: {snapshot_interval: 1s}", "store.queue_limit": "store: {queue_limit: 1}",
        "shared.kind": "shared: {kind: redis, url: 'redis://localhost'}\ntenancy: {key_env: KEY}", "shared.url": "shared: {url: 'redis://localhost'}",
        "shared.url_env": "shared: {url_env: KEY}", "shared.lookup_timeout": "shared: {lookup_timeout: 1s}",
        "shared.namespace": "shared: {namespace: other}", "shared.index": "shared: {index: hnsw}",
        "shared.allow_plain": "shared: {allow_plain: true}",
        "embedder.kind": "embedder: {kind: off}", "embedder.model_dir": "embedder: {model_dir: other}", "embedder.threads": "embedder: {threads: 1}",
        "embedder.timeout": "embedder: {timeout: 1s}", "matching.mode": "matching: {mode: shadow}",
        "matching.error_bound": "matching: {error_bound: 0.5}", "matching.threshold": "matching: {threshold: 0.5}",
        "matching.profile": "matching: {profile: faq}", "matching.require_model": "matching: {require_model: true}",
        "matching.verifier": "matching: {verifier: off}", "matching.verifier_memory": "matching: {verifier_memory: 1MiB}",
        "matching.candidates": "matching: {candidates: 1}",
        "matching.max_wordings": "matching: {max_wordings: 1}", "matching.patience": "matching: {patience: 7}",
        "matching.ask": "matching: {ask: whole}",
        "matching.time_sensitive": "matching: {time_sensitive: match}",
        "matching.semantic_tools": "matching: {semantic_tools: true}", "matching.prior": "matching: {prior: none}",
        "matching.judge": "matching: {judge: {daily_calls: 1}}", "matching.noise_sample": "matching: {noise_sample: 0.5}",
        "matching.calibration_calls": "matching: {calibration_calls: 7}",
        "matching.overrides": "matching: {overrides: [{model: m, mode: exact}]}", "auth.clients": "auth: {clients: {app: {key_env: KEY}}}",
        "auth.open": "auth: {open: true}", "tenancy.sharing": "tenancy: {sharing: pool}",
        "tenancy.namespaces": "tenancy: {namespaces: {faq: {sharing: pool}}}", "tenancy.hide_pool_hits": "tenancy: {hide_pool_hits: true}",
        "tenancy.key_env": "tenancy: {key_env: KEY}", "admin.token_env": "admin: {token_env: KEY}",
        "admin.show_prompts": "admin: {show_prompts: true}",
        "recording.replay_pace": "recording: {replay_pace: recorded}", "recording.stream_usage": "recording: {stream_usage: always}",
        "log.level": "log: {level: debug}", "log.format": "log: {format: json}", "log.prompts": "log: {prompts: true}",
        "log.access_file": "log: {access_file: a.jsonl}", "log.access_content": "log: {access_content: prompts}",
        "prices.models": "prices: {models: {m: {input: 1, output: 2}}}",
    ]

    /// For a key that cannot stand alone, the configuration that differs from its sample in it alone.
    private static let bases = ["shared.kind": "shared: {url: 'redis://localhost'}\ntenancy: {key_env: KEY}"]

    private func settings(_ text: String) throws -> Settings { try load(text, environment: ["KEY": "0123456789abcdef"]).settings }

    /// The keys that wait, when a proxy that runs with the one text reads the other; and what it goes by then.
    private func reload(_ before: String, _ after: String) throws -> (waiting: [String], inEffect: Settings) {
        let found = try settings(before).reloaded(as: settings(after))
        return (found.waiting, found.inEffect)
    }

    @Test func everyKeyEitherTakesEffectAtOnceOrIsNamedAndKeepsItsValue() throws {
        let keys = SettingsCatalogue.sections.flatMap(\.named)
        #expect(Set(keys.map(\.name)) == Set(Self.samples.keys))
        for (name, key) in keys {
            let running = try settings(Self.bases[name] ?? "")
            let new = try settings(try #require(Self.samples[name]))
            #expect(key.write(new) != key.write(running), "\(name)")
            let (inEffect, waiting) = running.reloaded(as: new)
            switch key.effect {
            case .atStart: #expect(waiting == [name] && inEffect == running, "\(name)")
            case .atOnce: #expect(waiting.isEmpty && inEffect == new, "\(name)")
            case .atOnceUnless(let waits):
                #expect(waiting.contains(name) == waits(running, new), "\(name)")
                #expect(inEffect == (waiting.isEmpty ? new : running), "\(name)")
            }
        }
        let running = Settings()
        let (inEffect, waiting) = running.reloaded(as: running)
        #expect(waiting.isEmpty && inEffect == running)
    }

    @Test func theCommentedFileSaysWhatWaits() {
        let text = Settings().commentedYAML
        #expect(text.contains("  # Takes effect at the next start.\n  port: 8080"))
        let waiting = SettingsCatalogue.sections.flatMap(\.named).filter { if case .atStart = $0.key.effect { true } else { false } }
        #expect(text.components(separatedBy: "# Takes effect at the next start.").count - 1 == waiting.count)
    }

    @Test(arguments: [
        ("", "server: {tls_certificate: a.pem, tls_key: b.pem}", ["server.tls_certificate", "server.tls_key"]),
        ("server: {tls_certificate: a.pem, tls_key: b.pem}", "", ["server.tls_certificate", "server.tls_key"]),
        ("server: {tls_certificate: a.pem, tls_key: b.pem}", "server: {tls_certificate: c.pem, tls_key: d.pem, min_tls: v1.3}", []),
        ("", "cache: {stale_if_error: 30m, stale_while_revalidate: 1h}", []),
        ("", "cache: {stale_if_error: 2h, stale_while_revalidate: 3h}", ["cache.stale_if_error", "cache.stale_while_revalidate"]),
        ("cache: {stale_while_revalidate: 2h}", "cache: {stale_if_error: 90m}", []),
        ("matching: {mode: exact}", "matching: {mode: calibrated}", ["matching.mode"]),
        ("matching: {mode: exact}", "matching: {mode: exact, overrides: [{model: m, mode: shadow}]}", ["matching.overrides"]),
        ("matching: {mode: exact}", "matching: {mode: exact, overrides: [{model: m, threshold: 0.5}]}", []),
        ("matching: {mode: exact, overrides: [{model: m, mode: shadow}]}", "matching: {mode: threshold}", []),
        ("matching: {mode: shadow}", "matching: {mode: exact}", []),
        (
            "", "prices: {models: {m: {input: 1, output: 2}}}\nrecording: {replay_pace: recorded}\ncache: {max_disk: 1GiB}",
            ["cache.max_disk", "prices.models"]
        ),
    ])
    func whatWaitsMayDependOnTheStart(before: String, after: String, waiting: [String]) throws {
        #expect(try reload(before, after).waiting == waiting)
    }

    /// The socket stays where it is, so its callers must not be taken for those of a loopback address.
    @Test func aProxyOnTheNetworkStaysOneUntilTheNextStart() throws {
        let (waiting, inEffect) = try reload("server: {host: 0.0.0.0}", "tenancy: {sharing: pool}")
        #expect(waiting == ["server.host"])
        #expect(!inEffect.server.listensOnLoopback && inEffect.tenancy.sharing == .pool)
    }

    @Test func certificatesThatWaitAreNotHalfInEffect() throws {
        let (_, inEffect) = try reload("", "server: {tls_certificate: a.pem, tls_key: b.pem, min_tls: v1.3}")
        #expect(inEffect.server.tlsCertificate == nil && inEffect.server.tlsKey == nil)
    }
}
