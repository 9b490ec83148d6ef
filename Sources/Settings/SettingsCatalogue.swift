/// Every key, in the order of `config.yaml`. The only place that names keys, describes them and says when a change of them takes effect; defaults are
/// those of `Settings()`.
enum SettingsCatalogue {
    static let sections = [server, upstream, upstreams, cache, store, shared, embedder, matching, auth, tenancy, admin, recording, log, prices]

    static func section(_ name: String) -> SettingsSection? { sections.first { $0.name == name } }

    /// Certificates are exchanged while the proxy runs; whether TLS is spoken is not.
    private static let turnsTLS: SettingsEffect.Condition = { running, new in
        (running.server.tlsCertificate == nil) != (new.server.tlsCertificate == nil)
    }

    /// No answer is kept longer past its end than the settings of the start wanted.
    private static func outlastsWindow(_ time: any KeyPath<Settings.Cache, Duration> & Sendable) -> SettingsEffect.Condition {
        { running, new in new.cache[keyPath: time] > running.cache.staleWindow }
    }

    /// The model is loaded at the start, and only where something may hit by meaning.
    private static let needsModel: SettingsEffect.Condition = { running, new in
        !running.matching.judgesRewordings && new.matching.judgesRewordings
    }

    private static let server = SettingsSection(
        "server", "The side that faces the clients.",
        [
            SettingsKey(
                "host", \.server.host, .host, .atStart,
                """
                Address to listen on. 127.0.0.1 serves this machine only, 0.0.0.0 every network. On any address but a loopback one the
                admin surface (/cache/*, /metrics, /dashboard) is closed unless admin.token_env is set. Flag: --host.
                """),
            SettingsKey("port", \.server.port, .whole(0...65535), .atStart, "Port to listen on; 0 takes any free one and logs which. Flag: --port."),
            SettingsKey(
                "tls_certificate", \.server.tlsCertificate, ValueKind<String>.path.optional, .atOnceUnless(turnsTLS),
                """
                PEM file with the server's certificate, followed by those that lead to its authority. Unset (null): plain HTTP. With it the
                server speaks HTTPS only. Certificate and key are read again on SIGHUP; when the new ones cannot be used the old ones stay. Whether
                TLS is spoken at all is decided at the start.
                """),
            SettingsKey(
                "tls_key", \.server.tlsKey, ValueKind<String>.path.optional, .atOnceUnless(turnsTLS),
                "PEM file with the certificate's private key, not encrypted. Goes with tls_certificate."),
            SettingsKey("min_tls", \.server.minTLS, .choice, .atOnce, "The oldest version of TLS that is spoken with clients: v1.2 or v1.3."),
            SettingsKey(
                "max_body", \.server.maxBody, .size(), .atStart,
                """
                Largest request body read into memory for a cached endpoint (size); larger ones are refused with 413. Requests that pass
                through are streamed without a limit.
                """),
            SettingsKey(
                "max_header", \.server.maxHeader, .size(atLeast: .kibibytes(1)), .atStart,
                "Largest head of a request, all its fields together (size)."),
            SettingsKey(
                "read_timeout", \.server.readTimeout, .duration(), .atStart,
                "Longest wait for the rest of a request that has begun: its head, then each next piece of its body (duration). A body must also come at 1 KiB/s."
            ),
            SettingsKey(
                "idle_timeout", \.server.idleTimeout, .duration(), .atStart,
                "A kept-alive connection without a request is closed after this (duration)."),
            SettingsKey(
                "write_timeout", \.server.writeTimeout, .duration(), .atStart,
                "A client that takes nothing of its response for so long is cut off (duration)."),
            SettingsKey(
                "max_connections", \.server.maxConnections, .whole(1...1_000_000), .atStart,
                "Clients' connections served at once; further ones are answered with 503 and Retry-After, and closed."),
            SettingsKey(
                "max_requests", \.server.maxRequests, .whole(1...1_000_000), .atStart,
                "Requests answered at once; further ones are answered with 503 and Retry-After."),
            SettingsKey(
                "memory_limit", \.server.memoryLimit, ValueKind<ByteCount>.size(atLeast: .mebibytes(64)).optional, .atStart,
                """
                Ceiling for the memory of the process (size). From nine tenths of it on nothing new is cached and entries leave; at the whole,
                new requests are answered with 503. Unset (null): three quarters of what the machine or the container has.
                """),
            SettingsKey(
                "drain_timeout", \.server.drainTimeout, .duration(zero: true), .atStart,
                "At shutdown, how long requests in flight may still take before they are cut (duration; 0s cuts at once)."),
            SettingsKey(
                "gptcache", \.server.gptcache, .flag, .atStart,
                """
                true: POST /put and POST /get are answered as GPTCache's server does, {"prompt", "answer"}, so that applications written
                for it need no change. Entries belong to the caller's Authorization, as with chat completions. On a network, /put wants a
                key of auth.clients, unless auth.open says otherwise.
                """),
        ])

    private static let upstream = SettingsSection(
        "upstream", "The provider that answers what the cache cannot.", UpstreamKeys.all.map { SettingsKey($0.within(\.upstream), .atOnce) })

    private static let upstreams = SettingsSection(
        whole: SettingsKey(
            "upstreams", \.upstreams, .named("the keys of an upstream", keys: UpstreamKeys.routed), .atOnce,
            """
            Further providers, as a map of name and settings: all keys of 'upstream', with paths and models that say which requests go there.
            In both lists * stands for any text and ? for one character; a request must match both, an empty list matches all. The first
            entry that matches wins; what matches none goes to 'upstream'. An entry with neither list only serves as a fallback. Example:
              claude: {models: [claude-*], base_url: https://api.anthropic.com/v1, headers_env: {x-api-key: ANTHROPIC_API_KEY}}
            """))

    private static let cache = SettingsSection(
        "cache", "What is kept, and how long.",
        [
            SettingsKey("enabled", \.cache.enabled, .flag, .atOnce, "false: every request goes to the provider and nothing is stored."),
            SettingsKey(
                "ttl", \.cache.ttl, .duration(), .atOnce,
                "How long an answer may be served (duration), where a request does not say otherwise with X-Cache-TTL. Not above max_ttl."),
            SettingsKey(
                "max_ttl", \.cache.maxTTL, .duration(), .atOnce,
                "The longest life that a request may ask for (duration); longer wishes are cut to it."),
            SettingsKey(
                "stale_if_error", \.cache.staleIfError, .duration(zero: true), .atOnceUnless(outlastsWindow(\.staleIfError)),
                """
                How long after its end an answer may still stand in, by exact match, when the provider fails or says 429 (duration); the
                response then says X-Cache: STALE. A request can ask for less or more with Cache-Control: stale-if-error=SECONDS, but no
                answer is kept longer than this. 0s: never. A time beyond both this and stale_while_revalidate as they were at the start takes effect
                at the next one.
                """),
            SettingsKey(
                "stale_while_revalidate", \.cache.staleWhileRevalidate, .duration(zero: true), .atOnceUnless(outlastsWindow(\.staleWhileRevalidate)),
                """
                How long after its end an answer is still given at once while a fresh one is fetched (duration). 0s: never. A time beyond both this
                and stale_if_error as they were at the start takes effect at the next one.
                """),
            SettingsKey(
                "max_entries", \.cache.maxEntries, .whole(1...100_000_000), .atStart,
                """
                Entries kept. When there are more, those go first that save least for the room they take: seldom used, cheap to ask for again, or
                large. An entry with a vector takes about 1.3 KiB of memory beside its answer.
                """),
            SettingsKey(
                "max_memory", \.cache.maxMemory, .size(atLeast: .mebibytes(1)), .atStart,
                """
                Memory for the cache (size): vectors, search structures, keys, questions and answers. When it is full, answers that are
                seldom used are left to the disk and read when they are asked for, then entries go. With store.path ":memory:" entries go.
                """),
            SettingsKey(
                "max_disk", \.cache.maxDisk, .size(atLeast: .mebibytes(1)), .atStart,
                "Disk for the store (size). When it is full, entries go as with max_entries."),
            SettingsKey(
                "max_answer", \.cache.maxAnswer, .size(), .atOnce,
                "Largest answer that is stored (size); larger ones reach the client and are not kept."),
            SettingsKey(
                "tools", \.cache.tools, .choice, .atOnce,
                "Requests that offer tools to the model. exact: cached by exact match; off: passed through and not stored."),
            SettingsKey(
                "vary", \.cache.vary, .list("names of header fields such as x-tenant-region") { isFieldName($0) }, .atOnce,
                """
                Names of header fields that decide who answers a request, or how: requests whose values differ never share an answer. Those of known
                gateways and providers (x-portkey-config, helicone-target-url, x-litellm-tags, anthropic-beta, ...) count without being named.
                """),
            SettingsKey(
                "embeddings", \.cache.embeddings, .flag, .atOnce,
                """
                true: /v1/embeddings is cached, each input of a batch as an entry of its own, and Google's embedContent, each request as one.
                false: they pass through, so that a large corpus which is embedded once does not push other answers out.
                """),
            SettingsKey(
                "no_store_patterns", \.cache.noStorePatterns,
                .list("regular expressions such as '(?i)confidential'") { text in !text.isEmpty && (try? Regex(text)) != nil }, .atOnce,
                """
                Requests whose body matches one of these regular expressions are answered and never stored. The body is looked at as it came and,
                where it has escapes (\\n, \\u00fc), with these undone.
                """),
            SettingsKey(
                "no_store_detect", \.cache.noStoreDetect, .choices(), .atOnce,
                """
                The same for requests that hold: keys (API keys by their known forms, private keys, signed tokens), cards (card numbers with a
                right check digit), emails (addresses). []: nothing is looked for.
                """),
        ])

    private static let store = SettingsSection(
        "store", "Where entries survive a restart.",
        [
            SettingsKey(
                "path", \.store.path, .path, .atStart,
                """
                SQLite file; its folder is made when missing. ~ is the home folder, other relative paths start at the working folder.
                ":memory:" keeps nothing over a restart. Prompts and answers stand in it as plain text, unless there is an encryption key: protect it. Flag: --store.
                """),
            SettingsKey(
                "encryption_key_env", \.store.encryptionKeyEnv, ValueKind<String>.environmentName.optional, .atStart,
                """
                Name of the environment variable with the key that encrypts prompts, answers and vectors in the file (AES-256-GCM); 16 characters
                at the least, better 32 random ones. Rows that are plain or under a former key are encrypted anew after the start. Without
                the key that wrote them, entries are out of reach. Unset (null): plain.
                """),
            SettingsKey(
                "former_keys_env", \.store.formerKeysEnv,
                .list("names of environment variables") { !$0.isEmpty && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") } },
                .atStart,
                "Names of the variables that hold earlier keys, to read what was written under them: for changing the key."),
            SettingsKey(
                "flush_interval", \.store.flushInterval, .duration(), .atStart,
                "New answers are written in batches at least this often (duration). A crash loses at most what came since."),
            SettingsKey(
                "snapshot_interval", \.store.snapshotInterval, .duration(zero: true), .atStart,
                """
                How often it is looked (duration) whether a fifth of the vector index has changed; then it is written beside the store, and at the end
                too, so that the next start loads it in place of building it anew. It is encrypted as the store is. 0s: never.
                """),
            SettingsKey(
                "queue_limit", \.store.queueLimit, .whole(1...10_000_000), .atStart,
                "Entries that may wait to be written; when a slow disk lets it fill up, those that wait longest are served but not stored."),
        ])

    private static let shared = SettingsSection(
        "shared", "An engine that several proxies share, so that they are one cache: what one has stored, all serve. See docs/fleet.md.",
        [
            SettingsKey(
                "kind", \.shared.kind, .choice, .atStart,
                """
                none: this proxy is a cache of its own. redis: Redis or Valkey with the search module. postgres: PostgreSQL with pgvector.
                milvus: not in this version yet. All proxies of one engine need the same tenancy.key_env, store.encryption_key_env and embedder.
                While the engine is away, each goes on alone.
                """),
            SettingsKey(
                "url", \.shared.url, ValueKind<String>.sharedURL.optional, .atStart,
                """
                Where the engine is: redis://user@host:6379/0, rediss://... for TLS, postgres://user@host/database?sslmode=verify-full. A URL with a
                password never stands here, but in the variable that url_env names. Authorities to trust in place of the system's stand in the URL:
                ?ca_file=path for rediss, sslrootcert=path for postgres.
                """),
            SettingsKey(
                "url_env", \.shared.urlEnv, ValueKind<String>.environmentName.optional, .atStart,
                "Name of the environment variable that holds the whole URL, for one with a password. Goes in place of url."),
            SettingsKey(
                "lookup_timeout", \.shared.lookupTimeout, .duration(), .atStart,
                "A look-up in the engine that takes longer is a miss there (duration); the request goes on without it."),
            SettingsKey(
                "namespace", \.shared.namespace, .sharedNamespace, .atStart,
                "Prefix of keys in Redis, schema in PostgreSQL: several caches, or several versions of one, can be kept in one engine."),
            SettingsKey(
                "index", \.shared.index, .choice, .atStart,
                """
                Redis only. flat: vectors of a scope are compared one by one, exact, written fast, and there as soon as the engine is. hnsw: a graph,
                faster where single scopes hold tens of thousands of entries; it is built anew at every start of the engine (some 40 s for 100,000
                entries) and takes longer to write. The same on all proxies of a namespace: with another word a second index is made beside the first.
                """),
            SettingsKey(
                "allow_plain", \.shared.allowPlain, .flag, .atStart,
                """
                Matters without store.encryption_key_env, for an engine that is reached neither on this machine nor by TLS. false: that is an error.
                true: prompts and answers cross the network, and lie in the engine, as plain text.
                """),
        ])

    private static let embedder = SettingsSection(
        "embedder", "The model that turns a question into a vector, so that rewordings are found. It runs inside the proxy.",
        [
            SettingsKey("kind", \.embedder.kind, .choice, .atStart, "local: the model in model_dir; off: no model, exact matches only."),
            SettingsKey(
                "model_dir", \.embedder.modelDirectory, .path, .atStart,
                """
                Folder with the model, its vocabulary and the runtime, as Scripts/run puts them there. ~/.cache means XDG_CACHE_HOME where
                that is set; the environment variable REPRISE_MODEL_DIR takes the place of this key. Where the default is missing, the
                model that a package put beside the program is taken.
                """),
            SettingsKey(
                "threads", \.embedder.threads, .whole(1...64), .atStart,
                """
                Threads that compute one embedding, or one verdict of the verifier, together; at most one a processor. Two answer soonest, one leaves
                most for everything else where the machine is always busy.
                """),
            SettingsKey(
                "timeout", \.embedder.timeout, .duration(), .atStart,
                "A lookup whose embedding and search take longer is a miss (duration); the request goes on."),
        ])

    private static let matching = SettingsSection(
        "matching", "When a cached answer may stand for a new question.",
        [
            SettingsKey(
                "mode", \.matching.mode, .choice, .atOnceUnless(needsModel),
                """
                exact: only equal requests hit. calibrated: also rewordings that pass the guards and whose answers, by all that was learned, keep
                error_bound. threshold: also rewordings at least as similar as threshold that pass the guards. shadow: decides, learns and
                logs as calibrated does, but serves exact hits only; for a look at real traffic before it counts. Where only exact was in use at the
                start, another mode takes effect at the next one, because the model is loaded then.
                """),
            SettingsKey(
                "error_bound", \.matching.errorBound, .number(0...1), .atOnce,
                """
                Share of wrong answers allowed among those that rewordings get in mode calibrated (0.0 to 1.0). Held at 80 % confidence, as far as the
                judge can tell right from wrong; see docs/matching.md.
                """),
            SettingsKey(
                "threshold", \.matching.threshold, .number(0...1), .atOnce,
                """
                Mode threshold: cosine similarity of the two questions from which a reworded question may hit (0.0 to 1.0). Lower finds more
                and is wrong more often. A request can only ask for a stricter one (X-Cache-Threshold).
                """),
            SettingsKey(
                "profile", \.matching.profile, .choice, .atOnce,
                """
                Guards that refuse a similar question whose meaning differs. faq: numbers, signs and negation; default: also code, names,
                order and the like; strict: also questions that differ in a single content word.
                """),
            SettingsKey(
                "require_model", \.matching.requireModel, .flag, .atStart,
                "true: refuse to start when the model is missing or damaged. false: start with exact matches only, and say so."),
            SettingsKey(
                "verifier", \.matching.verifier, .choice, .atStart,
                """
                on: a second small model reads both questions together before a reworded one hits, and refuses those that ask something else; it
                takes some milliseconds, for reworded questions only, in the modes calibrated and shadow. off, missing or late: decided without it.
                """),
            SettingsKey(
                "verifier_memory", \.matching.verifierMemory, .size(atLeast: .mebibytes(0)), .atStart,
                """
                Memory for what the first model read of questions lately (size, beside cache.max_memory), from where the verifier goes on: some 6 KiB
                for one of 16 tokens. A cached question that is not among them is read again, which costs as much as an embedding.
                """),
            SettingsKey("candidates", \.matching.candidates, .whole(1...100), .atStart, "Nearest entries that are looked at for one question."),
            SettingsKey(
                "max_wordings", \.matching.maxWordings, .whole(0...1_000_000), .atOnce,
                """
                Distinct wordings that one entry answers before the model is asked again, so that a wrong answer does not spread. 0: any number.
                Apart from this, modes calibrated and shadow compare an answer with a fresh one after every 64 uses for rewordings, few or many.
                """),
            SettingsKey(
                "patience", \.matching.patience, .whole(0...1_000_000), .atOnce,
                """
                Look-ups in a row without a hit by similarity after which requests of that tenant, model and system prompt no longer wait for theirs:
                they go to the model at once, some milliseconds sooner, and are looked up behind the call. The first that would have hit ends
                that, so at most one look-up in so many is a hit given up. Where nothing was ever found, a sixteenth is enough. 0: every request
                waits.
                """),
            SettingsKey(
                "ask", \.matching.ask, .choice, .atOnce,
                """
                What of the last message is looked up by similarity. auto: what is asked; what it is asked about (a context, code, a table, an
                e-mail, labelled fields) must be equal, however long it is. whole: all of the message.
                """),
            SettingsKey(
                "time_sensitive", \.matching.timeSensitive, .choice, .atOnce,
                """
                Questions that speak of today, now or the latest. exact: they hit only word for word, and their answers are kept for 5m at
                most; match: like any other.
                """),
            SettingsKey(
                "semantic_tools", \.matching.semanticTools, .flag, .atOnce,
                "true: requests that offer tools may hit by similarity too. Wrong arguments do more harm than wrong words: think first."),
            SettingsKey(
                "prior", \.matching.prior, .choice, .atStart,
                """
                What mode calibrated believes before it has learned. shipped: what was fitted for this embedder, so that the first rewording can hit;
                nothing for an embedder that none was fitted for. none: no rewording hits until enough was learned.
                """),
            SettingsKey(
                "judge", \.matching.judge, .judge, .atStart,
                """
                Fresh answers are compared with cached ones behind the requests: by words, then by embedding. model: a model of the same provider that
                is asked where these do not tell (null: none, and such comparisons teach nothing); it needs upstream.api_key_env where the provider
                wants a key. With one, more comparisons tell something, so that traffic whose answers are long or free opens sooner. daily_calls: how
                often in a day (UTC).
                """),
            SettingsKey(
                "noise_sample", \.matching.noiseSample, .number(0...1), .atStart,
                """
                Share of exact hits that is asked afresh once a kind of traffic has 50 labels (0.0 to 1.0): how often the judge calls answers to one
                question different says how far its word can be trusted. Such a client gets the fresh answer. 0.0 asks none. More are asked in the
                beginning: of each kind of traffic the first 24, at most one exact hit in twenty.
                """),
            SettingsKey(
                "calibration_calls", \.matching.calibrationCalls, .whole(0...1_000_000), .atStart,
                """
                Exact hits that are asked afresh in a day (UTC), at the most, for the purpose above. Their cost is in the statistics. 0 asks none.
                """),
            SettingsKey(
                "overrides", \.matching.overrides, .overrides, .atOnceUnless(needsModel),
                """
                Other settings for a part of the traffic: a list of maps with model, namespace or both, and any of mode, error_bound, profile and
                threshold. Of several that fit a request, the last counts, such as: - {namespace: faq, profile: faq, error_bound: 0.02}
                """),
        ])

    private static let auth = SettingsSection(
        "auth", "Who may ask.",
        [
            SettingsKey(
                "clients", \.auth.clients, .named("the keys of a client", keys: clientKeys), .atOnce,
                """
                Applications with keys that this proxy gives out, as a map of name and settings. Where there are any, every request needs one of
                their keys ('Authorization: Bearer', x-api-key or api-key), the provider gets upstream.api_key_env instead, and tenants
                are clients. Settings: key_hash (SHA-256 of the key in hexadecimal, as printf %s KEY | sha256sum prints it) or key_env (the
                variable that holds the key), models (patterns; empty: all), requests_per_minute (0: no limit). Example:
                  {mobile: {key_hash: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, models: [gpt-*]}}
                Empty ({}): no keys are given out, and the clients' own credentials go to the provider.
                """),
            SettingsKey(
                "open", \.auth.open, .flag, .atOnce,
                """
                Matters while 'clients' is empty and server.host is no loopback address. false: a caller needs a credential of its own to be
                served from the cache, and pools are an error. true: everybody who reaches the port shares what callers without a credential
                and pools have in the cache.
                """),
        ])

    private static let clientKeys: [RecordKey<Settings.Client>] = [
        RecordKey("key_hash", \.keyHash, ValueKind<String>.sha256.optional, "SHA-256 of the key."),
        RecordKey("key_env", \.keyEnv, ValueKind<String>.environmentName.optional, "The variable that holds the key."),
        RecordKey("models", \.models, .list("model patterns such as gpt-4o or claude-*") { (1...200).contains($0.utf8.count) }, "Allowed models."),
        RecordKey("requests_per_minute", \.requestsPerMinute, .whole(0...10_000_000), "Limit."),
    ]

    private static let tenancy = SettingsSection(
        "tenancy", "Who shares answers with whom.",
        [
            SettingsKey(
                "sharing", \.tenancy.sharing, .choice, .atOnce,
                "tenant: callers with the same credential share answers, others never see them. pool: everybody shares one cache."),
            SettingsKey(
                "namespaces", \.tenancy.namespaces,
                .named("the key sharing", keys: [RecordKey("sharing", \.sharing, .choice, "Who shares within the namespace.")]), .atOnce,
                "The same for single namespaces (X-Cache-Namespace), as a map: {faq: {sharing: pool}}."),
            SettingsKey(
                "hide_pool_hits", \.tenancy.hidePoolHits, .flag, .atOnce,
                """
                true: in a pool, a hit takes as long as the provider took, and neither a header nor the answer's date tells that it was one, so
                that nobody learns from it what others asked. Saves the calls, not the time. Embeddings of several inputs are always asked for,
                only-if-cached is always answered with 504, and clients share no call that is under way.
                """),
            SettingsKey(
                "key_env", \.tenancy.keyEnv, ValueKind<String>.environmentName.optional, .atStart,
                """
                Name of the environment variable with the key that turns credentials into tenants (HMAC). Unset (null): a random key kept in
                the store. Set it where several proxies must agree on tenants; another key makes the cache start empty for everybody.
                """),
        ])

    private static let admin = SettingsSection(
        "admin", "The admin surface: /cache/*, /metrics, /dashboard and the commands that use them.",
        [
            SettingsKey(
                "token_env", \.admin.tokenEnv, ValueKind<String>.environmentName.optional, .atStart,
                """
                Name of the environment variable with the admin token, asked for as 'Authorization: Bearer'. Unset (null): open while
                server.host is a loopback address, closed on any other. The commands send the variable REPRISE_ADMIN_TOKEN.
                """),
            SettingsKey(
                "show_prompts", \.admin.showPrompts, .flag, .atStart,
                """
                true: the dashboard shows prompts and the beginnings of answers. false: it shows how long they are. They are personal data;
                /cache/entries and the commands show them either way.
                """),
        ])

    private static let recording = SettingsSection(
        "recording", "How recorded answers are given back.",
        [
            SettingsKey(
                "replay_pace", \.recording.replayPace, .choice, .atOnce,
                "Streamed hits. immediate: as fast as the client reads; recorded: in the rhythm in which the provider sent them."),
            SettingsKey(
                "stream_usage", \.recording.streamUsage, .choice, .atOnce,
                """
                Which streams of chat and text completions are asked for their token counts. asked: those whose client asks; a plain request that
                such a stream answers later has no usage otherwise. always: all (stream_options.include_usage is added to what is forwarded, and
                its chunk is kept from clients that did not ask); the provider must know the option.
                """),
        ])

    private static let log = SettingsSection(
        "log", "What is written to standard error.",
        [
            SettingsKey(
                "level", \.log.level, .choice, .atStart,
                "trace, debug, info, notice, warning, error or critical; info is one line a request. Flag: --log-level."),
            SettingsKey("format", \.log.format, .choice, .atStart, "text, json, or auto: text on a terminal, JSON lines elsewhere."),
            SettingsKey(
                "prompts", \.log.prompts, .flag, .atStart,
                "true: prompts may stand in the log. They are personal data: leave this off outside of tests."),
            SettingsKey(
                "access_file", \.log.accessFile, ValueKind<String>.path.optional, .atStart,
                """
                File to which one JSON line a request is added, readable for its owner only; opened again when it was moved away, so that
                logrotate can take it. ~ is the home folder. Unset (null): no such file.
                """),
            SettingsKey(
                "access_content", \.log.accessContent, .choice, .atStart,
                """
                What those lines hold beside figures. none: nothing; prompts: the request's body, so that `reprise warm` can ask again;
                answers: the answer as well, so that `reprise warm` and `reprise evaluate` need no model. Both are personal data.
                Of requests that are never stored the lines hold figures only.
                """),
        ])

    private static let prices = SettingsSection(
        "prices", "What models cost, for the savings in statistics, metrics and dashboard. Nothing else depends on it.",
        [
            SettingsKey(
                "models", \.prices.models, .prices, .atStart,
                """
                A map of model name and prices in US dollars per million tokens, over the built-in table: input, output and, where the
                provider charges less for input that it has cached itself, cached_input. A model without a price counts tokens only.
                Such as   my-model: {input: 0.5, cached_input: 0.1, output: 1.5}
                """)
        ])
}
