import Settings
import Testing

/// What is said about values that cannot be used.
struct WrongValueTests {
    private static let duration = "a duration such as 250ms, 30s, 5m, 24h or 7d, longer than 0s"
    private static let size = "a size such as 64KiB, 32MiB, 1GiB or plain bytes"

    /// Key, wrong value, what must be expected, what must be found.
    private static let cases: [(key: String, value: String, expected: String, found: String)] = [
        ("server.host", "[a]", "a host name or address such as 127.0.0.1, without scheme and port", "a list"),
        ("server.host", "localhost:80", "a host name or address", "'localhost:80'"),
        ("server.host", "256.1.1.1", "a host name or address", "'256.1.1.1'"),
        ("server.host", "10.0.0.1.1", "a host name or address", "'10.0.0.1.1'"),
        ("server.host", "true", "a host name or address", "'true'; put it in quotes"),
        ("server.port", "http", "a whole number from 0 to 65535", "'http'"),
        ("server.port", "65536", "a whole number from 0 to 65535", "'65536'"),
        ("server.port", "\"80\"", "a whole number from 0 to 65535", "the text '80'; remove the quotes"),
        ("server.port", "-1", "a whole number from 0 to 65535", "'-1'"),
        ("server.port", "80.5", "a whole number from 0 to 65535", "'80.5'"),
        ("server.port", "", "a whole number from 0 to 65535", "nothing"),
        ("server.tls_certificate", "[a.pem]", "a path", "a list"),
        ("server.tls_key", "\"\"", "a path", "the text ''"),
        ("server.min_tls", "1.2", "one of v1.2, v1.3", "'1.2'"),
        ("server.max_body", "32 MiB", size, "'32 MiB'"),
        ("server.max_body", "0", size, "'0'"),
        ("server.max_body", "99999999999999999999", size, "'99999999999999999999'"),
        ("server.max_header", "10", "at least 1KiB", "'10'"),
        ("server.read_timeout", "soon", duration, "'soon'"),
        ("server.read_timeout", "30", duration, "'30'"),
        ("server.idle_timeout", "0s", duration, "'0s'"),
        ("server.max_connections", "{a: 1}", "a whole number from 1 to 1000000", "a map of keys"),
        ("server.drain_timeout", "-1s", "a duration such as 250ms, 30s, 5m, 24h or 7d", "'-1s'"),
        ("server.gptcache", "on", "true or false", "'on'"),
        ("server.write_timeout", "0s", duration, "'0s'"),
        ("server.max_requests", "0", "a whole number from 1 to 1000000", "'0'"),
        ("server.memory_limit", "1MiB", "at least 64MiB", "'1MiB'"),
        ("upstream.min_tls", "1.2", "one of v1.2, v1.3", "'1.2'"),
        ("upstream.queue_limit", "-1", "a whole number from 0 to 1000000", "'-1'"),
        ("upstream.queue_timeout", "0s", duration, "'0s'"),
        ("upstream.retries", "21", "a whole number from 0 to 20", "'21'"),
        ("upstream.retry_delay", "1", duration, "'1'"),
        ("upstream.retry_max_delay", "long", duration, "'long'"),
        ("upstream.breaker_failures", "x", "a whole number from 0 to 10000", "'x'"),
        ("upstream.breaker_cooldown", "0s", duration, "'0s'"),
        ("upstream.fallback", "[]", "a name from 'upstreams'", "a list"),
        ("upstream.base_url", "api.openai.com", "an http or https URL", "'api.openai.com'"),
        ("upstream.base_url", "ftp://a/v1", "an http or https URL", "'ftp://a/v1'"),
        ("upstream.base_url", "http://a/v1#x", "an http or https URL", "'http://a/v1"),
        ("upstream.base_url", "http:///v1", "an http or https URL", "'http:///v1'"),
        ("upstream.base_url", "http://a:99999/v1", "an http or https URL", "'http://a:99999/v1'"),
        ("upstream.api_key_env", "[]", "the name of an environment variable", "not shown"),
        ("upstream.headers", "text", "a map of header names", "'text'"),
        ("upstream.headers", "{a b: c}", "a header name of letters, digits and dashes", "'a b'"),
        ("upstream.headers", "{X-A: [1]}", "a header value", "a list"),
        ("upstream.headers", "{X-A: \"a\\nb\"}", "a header value", "the text 'a"),
        ("upstream.headers_env", "{X-A: 1b}", "the name of an environment variable", "not shown"),
        ("upstream.connect_timeout", "10sec", duration, "'10sec'"),
        ("upstream.first_byte_timeout", "true", duration, "'true'"),
        ("upstream.silence_timeout", "1000000d", duration, "'1000000d'"),
        ("upstream.ca_file", "12", "a path", "'12'; put it in quotes"),
        ("upstream.max_connections", "0", "a whole number from 1 to 100000", "'0'"),
        ("cache.enabled", "1", "true or false", "'1'"),
        ("cache.enabled", "\"true\"", "true or false", "the text 'true'; remove the quotes"),
        ("cache.ttl", "0s", duration, "'0s'"),
        ("cache.max_ttl", "never", duration, "'never'"),
        ("cache.stale_if_error", "x", "a duration such as 250ms, 30s, 5m, 24h or 7d", "'x'"),
        ("cache.stale_while_revalidate", "1", "a duration such as 250ms, 30s, 5m, 24h or 7d", "'1'"),
        ("cache.vary", "x-region", "a list of names of header fields", "'x-region'"),
        ("cache.vary", "[x region]", "names of header fields", "'x region'"),
        ("cache.no_store_patterns", "x", "a list of regular expressions", "'x'"),
        ("cache.no_store_patterns", "[\"(\"]", "regular expressions", "the text '('"),
        ("cache.no_store_detect", "[names]", "keys, cards or emails", "'names'"),
        ("cache.max_entries", "1e6", "a whole number from 1 to 100000000", "'1e6'"),
        ("cache.max_memory", "64KiB", "at least 1MiB", "'64KiB'"),
        ("cache.max_disk", "much", size, "'much'"),
        ("cache.max_answer", "big", size, "'big'"),
        ("cache.tools", "exactly", "one of exact, off", "'exactly'; did you mean 'exact'?"),
        ("cache.embeddings", "off", "true or false", "'off'"),
        ("store.path", "[]", "a path", "a list"),
        ("store.path", "\"\"", "a path", "the text ''"),
        ("store.encryption_key_env", "a b", "the name of an environment variable", "not shown"),
        ("store.former_keys_env", "[a-b]", "names of environment variables", "'a-b'"),
        ("store.flush_interval", "200", duration, "'200'"),
        ("store.snapshot_interval", "often", "a duration such as 250ms, 30s, 5m, 24h or 7d", "'often'"),
        ("store.queue_limit", "many", "a whole number from 1 to 10000000", "'many'"),
        ("shared.kind", "radis", "one of none, redis, postgres, milvus", "'radis'; did you mean 'redis'?"),
        ("shared.url", "[]", "a URL such as redis://host:6379/0", "a list"),
        ("shared.url", "localhost:6379", "a URL such as redis://host:6379/0", "'localhost:6379'"),
        ("shared.url", "redis://", "a URL such as redis://host:6379/0", "'redis://'"),
        ("shared.url", "\"redis://a b\"", "a URL such as redis://host:6379/0", "the text 'redis://a b'"),
        ("shared.url_env", "a-b", "the name of an environment variable", "not shown"),
        ("shared.lookup_timeout", "0s", duration, "'0s'"),
        ("shared.namespace", "Cache", "1 to 48 of the characters a-z, 0-9, _ and -", "'Cache'"),
        ("shared.namespace", "a:b", "1 to 48 of the characters a-z, 0-9, _ and -", "'a:b'"),
        ("shared.namespace", "\"\"", "1 to 48 of the characters a-z, 0-9, _ and -", "the text ''"),
        ("shared.index", "ivf", "one of flat, hnsw", "'ivf'"),
        ("shared.allow_plain", "on", "true or false", "'on'"),
        ("embedder.kind", "remote", "one of local, off", "'remote'"),
        ("embedder.model_dir", "", "a path", "nothing"),
        ("embedder.threads", "65", "a whole number from 1 to 64", "'65'"),
        ("embedder.timeout", "2", duration, "'2'"),
        ("matching.verifier", "maybe", "one of on, off", "'maybe'"),
        ("matching.mode", "treshold", "one of exact, threshold, calibrated, shadow", "'treshold'; did you mean 'threshold'?"),
        ("matching.threshold", "1.5", "a number from 0.0 to 1.0", "'1.5'"),
        ("matching.threshold", "nan", "a number from 0.0 to 1.0", "'nan'"),
        ("matching.threshold", "90%", "a number from 0.0 to 1.0", "'90%'"),
        ("matching.profile", "[faq]", "one of faq, default, strict", "a list"),
        ("matching.require_model", "maybe", "true or false", "'maybe'"),
        ("matching.candidates", "0", "a whole number from 1 to 100", "'0'"),
        ("matching.verifier_memory", "much", size, "'much'"),
        ("matching.patience", "-1", "a whole number from 0 to 1000000", "'-1'"),
        ("matching.max_wordings", "-2", "a whole number from 0 to 1000000", "'-2'"),
        ("matching.ask", "half", "one of auto, whole", "'half'"),
        ("matching.time_sensitive", "yes", "one of exact, match", "'yes'"),
        ("matching.semantic_tools", "2", "true or false", "'2'"),
        ("matching.error_bound", "1 %", "a number from 0.0 to 1.0", "'1 %'"),
        ("matching.prior", "mine", "one of shipped, none", "'mine'"),
        ("matching.noise_sample", "2", "a number from 0.0 to 1.0", "'2'"),
        ("matching.calibration_calls", "-1", "a whole number from 0 to 1000000", "'-1'"),
        ("matching.judge", "gpt-4o", "a map of the keys model and daily_calls", "'gpt-4o'"),
        ("matching.judge", "{modle: a}", "each once", "'modle'"),
        ("matching.judge", "{daily_calls: -1}", "a whole number from 0 to 1000000", "'-1'"),
        ("matching.overrides", "{model: a}", "a list of overrides", "a map of keys"),
        ("matching.overrides", "[{mode: exact}]", "an override with a model or a namespace", "a map of keys"),
        ("matching.overrides", "[{model: a, treshold: 0.9}]", "each once", "'treshold'"),
        ("matching.overrides", "[{model: a, mode: exactly}]", "one of exact, threshold, calibrated, shadow", "'exactly'"),
        ("auth.clients", "[a]", "a map of names and the keys of a client", "a list"),
        ("auth.open", "on", "true or false", "'on'"),
        ("tenancy.namespaces", "{a: {sharing: all}}", "one of tenant, pool", "'all'"),
        ("tenancy.hide_pool_hits", "x", "true or false", "'x'"),
        ("tenancy.sharing", "none", "one of tenant, pool", "'none'"),
        ("tenancy.key_env", "a-b", "the name of an environment variable", "not shown"),
        ("admin.token_env", "{}", "the name of an environment variable", "not shown"),
        ("recording.stream_usage", "never", "one of asked, always", "'never'"),
        ("recording.replay_pace", "slow", "one of immediate, recorded", "'slow'"),
        ("log.level", "warn", "one of trace, debug, info, notice, warning, error, critical", "'warn'"),
        ("log.format", "xml", "one of auto, text, json", "'xml'"),
        ("log.prompts", "3s", "true or false", "'3s'"),
        ("log.access_file", "[]", "a path", "a list"),
        ("log.access_content", "all", "one of none, prompts, answers", "'all'"),
        ("admin.show_prompts", "shown", "true or false", "'shown'"),
        ("prices.models", "cheap", "a map of model names and prices", "'cheap'"),
        ("prices.models", "{a: 3}", "prices of 'a' such as", "'3'"),
        ("prices.models", "{a: {input: free, output: 1}}", "US dollars per million tokens", "'free'"),
        ("prices.models", "{a: {input: -1, output: 1}}", "US dollars per million tokens", "'-1'"),
        ("prices.models", "{a: {input: 1, output: 1, cached: 2}}", "input, cached_input or output", "'cached'"),
        ("prices.models", "{a: {input: 1}}", "a price for output", "none"),
    ]

    @Test(arguments: cases.indices)
    func saysWhatWasExpectedAndFound(index: Int) throws {
        let item = Self.cases[index]
        let parts = item.key.split(separator: ".")
        let found = problems(in: "# first line\n\(parts[0]):\n  \(parts[1]): \(item.value)\n")
        let problem = try #require(found.first)
        #expect(found.count == 1)
        #expect(problem.hasPrefix("config.yaml:3:"), "\(problem)")
        #expect(problem.contains(": \(item.key): ") && problem.contains("expected ") && problem.contains(item.expected), "\(problem)")
        #expect(problem.contains("; found ") && problem.contains(item.found), "\(problem)")
    }

    @Test func everyKeyHasACase() {
        let tested = Set(Self.cases.map(\.key))
        var section = ""
        for line in Settings().effectiveYAML.split(separator: "\n") {
            // Deeper lines are members of a key's value.
            if line.hasPrefix("    ") { continue }
            let name = String(line.prefix { $0 != ":" }).trimmed
            if line.hasPrefix(" ") { #expect(tested.contains("\(section).\(name)"), "\(section).\(name)") } else { section = name }
        }
    }

    @Test func placesAreExact() {
        #expect(
            problems(in: "server:\n  port:   http\n") == ["config.yaml:2:11: server.port: expected a whole number from 0 to 65535; found 'http'"])
        #expect(
            problems(in: "server:\n  read_timeout: soon\n") == [
                "config.yaml:2:17: server.read_timeout: expected \(Self.duration); found 'soon'"
            ])
    }

    @Test func sectionsAreMaps() {
        #expect(
            problems(in: "log: info").first?.hasPrefix(
                "config.yaml:1:6: log: expected a map of the keys level, format, prompts, access_file, access_content; found 'info'")
                == true)
        #expect(problems(in: "- a\n- b").first?.hasPrefix("config.yaml:1:1: expected a map of the sections server, upstream") == true)
        #expect(problems(in: "just text").first?.contains("found 'just text'") == true)
    }

    @Test func headerFaultsAreAllFound() {
        let text = """
            upstream:
              headers:
                Host: a
                Authorization: Bearer sk-very-secret
                X-A: one
                x-a: two
              headers_env:
                X-A: KEY
            """
        let found = problems(in: text, environment: ["KEY": "value"])
        #expect(found.count == 3)
        #expect(found[0].hasPrefix("config.yaml:3:5: ") && found[0].contains("written by the proxy itself"))
        #expect(found[1].hasPrefix("config.yaml:4:5: ") && found[1].contains("headers_env"))
        #expect(found[2].hasPrefix("config.yaml:6:5: ") && found[2].contains("given twice"))
        #expect(!found.joined().contains("sk-very-secret"))
        #expect(
            problems(in: "upstream:\n  headers: {X-A: one}\n  headers_env: {x-a: KEY}", environment: ["KEY": "v"]) == [
                "config.yaml:3:16: upstream.headers_env: the header 'x-a' also stands under 'headers'"
            ])
    }

    @Test func ttlIsAtMostItsMaximum() {
        #expect(
            problems(in: "cache:\n  ttl: 31d\n") == ["config.yaml:2:8: cache.ttl: expected at most cache.max_ttl, which is 30d; found 31d"])
        #expect(
            problems(in: "cache: {max_ttl: 1h}").first?.hasPrefix(
                "config.yaml:1:18: cache.ttl: expected at most cache.max_ttl, which is 1h; found 24h") == true)
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
