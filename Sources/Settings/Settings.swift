// What an operator may set, read from `config.yaml`.
//
// `Settings` is a plain value: nested structs, one a section of the file, each member holding its default. `Settings()` is the effective
// configuration of a proxy that was given no file.
//
// How it hangs together:
// - `SettingsCatalogue` names every key once: its place in the value, its kind (duration, size, choice ...) and its documentation. The
//   loader, the suggestions for mistyped keys, the effective print and the commented `config.yaml` at the root are all made from it, so
//   they cannot say different things.
// - `Settings.load` reads the file, the flags' overrides and the environment, and gives a `LoadedSettings` or `SettingsErrors` with every
//   problem found, each with its line and column.
// - `Settings.reloaded(as:)` says what of a new configuration a running proxy can put to use, by what the catalogue says of each key.
// - Secrets are never part of `Settings`: keys ending in `_env` name an environment variable, and `LoadedSettings.secrets` holds what was
//   found there, as `Secret`, which prints redacted.
//
// Invariants: a loaded value passed every check, so nothing outside this room checks a setting again; no `${VAR}` is expanded in values;
// a file is read up to 1 MiB and with at most 32 YAML aliases, so that reading ends soon whatever it holds.
//
// Left out: reloading while running, which is a second `load` by whoever owns the parts (`Reloader`); files included from files.

package import SemanticCache

/// The configuration of a proxy: every key of `config.yaml` with its value. `Settings()` holds the defaults.
package struct Settings: Sendable, Equatable {
    package var server = Server()
    package var upstream = Upstream()
    /// Further providers, in order of precedence.
    package var upstreams: [RoutedUpstream] = []
    package var cache = Cache()
    package var store = Store()
    package var shared = Shared()
    package var embedder = Embedder()
    package var matching = Matching()
    package var auth = Auth()
    package var tenancy = Tenancy()
    package var admin = Admin()
    package var recording = Recording()
    package var log = Log()
    package var prices = Prices()

    package init() {}
}

extension Settings {
    /// The side that faces the clients.
    package struct Server: Sendable, Equatable {
        package var host = "127.0.0.1"
        /// 0 lets the system choose a free port.
        package var port = 8080
        package var maxBody = ByteCount.mebibytes(32)
        package var maxHeader = ByteCount.kibibytes(64)
        package var readTimeout = Duration.seconds(30)
        package var idleTimeout = Duration.seconds(75)
        /// As written; see `LoadedSettings.paths`. Unset: no TLS.
        package var tlsCertificate: String?
        package var tlsKey: String?
        package var minTLS = TLSVersion.v12
        package var writeTimeout = Duration.seconds(60)
        package var maxConnections = 4096
        package var maxRequests = 2048
        /// Unset: three quarters of what the machine or the container has.
        package var memoryLimit: ByteCount?
        package var drainTimeout = Duration.seconds(30)
        /// Whether the calls of GPTCache's server are answered too.
        package var gptcache = false

        /// Whether only this machine can reach the proxy.
        package var listensOnLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
    }

    /// The provider.
    package struct Upstream: Sendable, Equatable {
        /// Without a slash at its end.
        package var baseURL = "https://api.openai.com/v1"
        /// Name of the environment variable with the key; unset: the client's `Authorization` is forwarded.
        package var apiKeyEnv: String?
        /// Fields added to every request, in the file's order.
        package var headers: [Header] = []
        /// Fields added to every request; each value is the name of an environment variable.
        package var headersEnv: [Header] = []
        package var connectTimeout = Duration.seconds(10)
        package var firstByteTimeout = Duration.seconds(600)
        package var silenceTimeout = Duration.seconds(120)
        package var caFile: String?
        package var minTLS = TLSVersion.v12
        package var maxConnections = 256
        package var queueLimit = 1000
        package var queueTimeout = Duration.seconds(30)
        package var retries = 2
        package var retryDelay = Duration.milliseconds(250)
        package var retryMaxDelay = Duration.seconds(2)
        package var breakerFailures = 10
        package var breakerCooldown = Duration.seconds(5)
        /// Name of an entry of `upstreams`.
        package var fallback: String?
    }

    /// A provider for some of the requests.
    package struct RoutedUpstream: Sendable, Equatable, NamedRecord {
        package var name: String
        package var paths: [String] = []
        package var models: [String] = []
        package var upstream = Upstream()

        package init(name: String) { self.name = name }
    }

    /// A header field's name and value.
    package struct Header: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What is kept, and how long.
    package struct Cache: Sendable, Equatable {
        package var enabled = true
        package var ttl = Duration.seconds(24 * 3600)
        package var maxTTL = Duration.seconds(30 * 24 * 3600)
        package var staleIfError = Duration.seconds(3600)
        package var staleWhileRevalidate = Duration.zero
        package var maxEntries = 1_000_000
        package var maxMemory = ByteCount.mebibytes(2048)
        package var maxDisk = ByteCount.mebibytes(20 * 1024)
        package var maxAnswer = ByteCount.mebibytes(4)
        package var tools = ToolUse.exact
        /// Names of header fields.
        package var vary: [String] = []
        /// Whether embeddings are cached; each input is an entry.
        package var embeddings = true
        /// Regular expressions.
        package var noStorePatterns: [String] = []
        package var noStoreDetect: [SensitiveKind] = [.keys, .cards]

        /// How long an answer is kept when its time is over.
        package var staleWindow: Duration { max(staleIfError, staleWhileRevalidate) }
    }

    /// Where entries survive a restart.
    package struct Store: Sendable, Equatable {
        /// As written; see `LoadedSettings.paths`. `:memory:` keeps nothing.
        package var path = "./reprise-cache/reprise.db"
        /// Name of the environment variable with the key of the rows; unset: plain.
        package var encryptionKeyEnv: String?
        package var formerKeysEnv: [String] = []
        package var flushInterval = Duration.milliseconds(200)
        package var snapshotInterval = Duration.seconds(300)
        package var queueLimit = 10_000
    }

    /// An engine in which several proxies keep their answers, so that they are one cache.
    package struct Shared: Sendable, Equatable {
        package var kind = SharedKind.none
        /// Without a password; unset with ``urlEnv``.
        package var url: String?
        /// Name of the environment variable with the whole URL.
        package var urlEnv: String?
        package var lookupTimeout = Duration.milliseconds(30)
        /// Prefix of keys, or schema.
        package var namespace = "reprise"
        package var index = SharedIndex.flat
        /// Whether prompts and answers may cross a network in the clear.
        package var allowPlain = false
    }

    /// The model that turns a prompt into a vector.
    package struct Embedder: Sendable, Equatable {
        package var kind = EmbedderKind.local
        /// As written; see `LoadedSettings.paths`.
        package var modelDirectory = "~/.cache/reprise/all-MiniLM-L6-v2"
        package var threads = 2
        package var timeout = Duration.seconds(2)
    }

    /// When a cached answer may stand for a new question.
    package struct Matching: Sendable, Equatable {
        package var mode = MatchingMode.calibrated
        /// The share of wrong answers that is allowed among those served by meaning, in 0...1.
        package var errorBound = 0.01
        /// Cosine similarity in 0...1.
        package var threshold = 0.90
        package var profile = GuardProfile.default
        package var requireModel = false
        package var verifier = Verifier.on
        package var verifierMemory = ByteCount.mebibytes(128)
        package var candidates = 8
        package var maxWordings = 100
        package var patience = 1000
        package var ask = AskSplit.auto
        package var timeSensitive = TimeSensitiveUse.exact
        package var semanticTools = false
        package var prior = PriorChoice.shipped
        package var judge = Judge()
        /// The share of exact hits that is asked afresh, in 0...1.
        package var noiseSample = 0.001
        /// A day.
        package var calibrationCalls = 200
        package var overrides: [Override] = []

        /// Whether any traffic may hit by meaning.
        package var judgesRewordings: Bool { mode != .exact || overrides.contains { $0.mode.map { $0 != .exact } ?? false } }
    }

    /// `matching.judge`: the model that compares answers.
    package struct Judge: Sendable, Equatable {
        /// `nil` asks no model.
        package var model: String?
        package var dailyCalls = 200

        package init() {}
    }

    /// One element of `matching.overrides`. What is `nil` is as everywhere else.
    package struct Override: Sendable, Equatable {
        package var model: String?
        package var namespace: String?
        package var mode: MatchingMode?
        package var errorBound: Double?
        package var profile: GuardProfile?
        package var threshold: Double?

        package init() {}
    }

    /// Who may ask.
    package struct Auth: Sendable, Equatable {
        /// Empty: no keys are given out, and the clients' own go to the provider.
        package var clients: [Client] = []
        package var open = false
    }

    /// An application with a key of its own.
    package struct Client: Sendable, Equatable, NamedRecord {
        package var name: String
        /// SHA-256 of the key as 64 hexadecimal digits.
        package var keyHash: String?
        package var keyEnv: String?
        /// Patterns; empty allows all.
        package var models: [String] = []
        /// 0 for no limit.
        package var requestsPerMinute = 0

        package init(name: String) { self.name = name }
    }

    /// What differs in one namespace.
    package struct NamespaceRules: Sendable, Equatable, NamedRecord {
        package var name: String
        package var sharing = Sharing.tenant

        package init(name: String) { self.name = name }
    }

    /// Who shares answers with whom.
    package struct Tenancy: Sendable, Equatable {
        package var sharing = Sharing.tenant
        package var namespaces: [NamespaceRules] = []
        package var hidePoolHits = false
        /// Name of the environment variable with the key of the tenants' hash; unset: a random key kept in the store.
        package var keyEnv: String?
    }

    /// The admin surface: `/cache/*`, `/metrics`, `/dashboard`.
    package struct Admin: Sendable, Equatable {
        /// Name of the environment variable with the admin token.
        package var tokenEnv: String?
        /// Whether the dashboard may show prompts and answers.
        package var showPrompts = false
    }

    /// How recorded streams are given back.
    package struct Recording: Sendable, Equatable {
        package var replayPace = ReplayPace.immediate
        package var streamUsage = StreamUsage.asked
    }

    /// What is written to the log.
    package struct Log: Sendable, Equatable {
        package var level = LogLevel.info
        package var format = LogFormat.auto
        /// Whether prompt text may be written.
        package var prompts = false
        /// As written; see `LoadedSettings.paths`. `nil`: no access log.
        package var accessFile: String?
        package var accessContent = AccessContent.none
    }

    /// What models cost.
    package struct Prices: Sendable, Equatable {
        /// In place of the built-in table's, in the file's order.
        package var models: [Price] = []
    }

    /// What a model costs, in US dollars per million tokens.
    package struct Price: Sendable, Equatable {
        package var model: String
        package var input: Double
        /// `nil`: like other input.
        package var cachedInput: Double?
        package var output: Double

        package init(model: String, input: Double, cachedInput: Double? = nil, output: Double) {
            self.model = model
            self.input = input
            self.cachedInput = cachedInput
            self.output = output
        }
    }
}

// The choices that only reading the settings asks for; those that a room acts on are in `SemanticCache`.
extension Settings {
    /// `embedder.kind`.
    package enum EmbedderKind: String, Choice { case local, off }
    /// `shared.kind`: the engine that several proxies share.
    package enum SharedKind: String, Choice { case none, redis, postgres, milvus }
    /// `shared.index`: how vectors are searched in Redis.
    package enum SharedIndex: String, Choice { case flat, hnsw }
    /// `matching.prior`: what a fresh cache believes.
    package enum PriorChoice: String, Choice { case shipped, none }
    /// `matching.verifier`: whether a second model reads both wordings before one's answer serves the other.
    package enum Verifier: String, Choice { case on, off }
    /// `recording.stream_usage`: which streams are asked to say what they cost.
    package enum StreamUsage: String, Choice { case asked, always }
    /// `log.level`, by the names of swift-log.
    package enum LogLevel: String, Choice { case trace, debug, info, notice, warning, error, critical }
    /// `log.format`; `auto` is text on a terminal, else JSON.
    package enum LogFormat: String, Choice { case auto, text, json }
    /// `log.access_content`: how much of a request the access log holds.
    package enum AccessContent: String, Choice { case none, prompts, answers }
}
