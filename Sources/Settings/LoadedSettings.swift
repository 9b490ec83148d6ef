import Foundation

/// A configuration that passed every check, with what it refers to outside the file.
package struct LoadedSettings: Sendable, Equatable {
    package var settings: Settings
    /// The file that was read; `nil` when there was none and the defaults hold.
    package var file: String?
    package var secrets = Secrets()
    package var paths: Paths

    /// What a proxy has that was given neither a file nor a flag, in an empty environment.
    package static let shipped: LoadedSettings = {
        let settings = Settings()
        return LoadedSettings(settings: settings, file: nil, paths: Paths(settings, environment: { _ in nil }))
    }()

    /// What the environment variables named by `*_env` keys held. Prints redacted.
    package struct Secrets: Sendable, Equatable {
        package var upstreamAPIKey: Secret?
        /// In the order of the file.
        package var upstreamHeaders: [UpstreamHeader] = []
        /// By the names of `upstreams`.
        package var upstreams: [String: UpstreamSecrets] = [:]
        package var tenancyKey: Secret?
        package var encryptionKey: Secret?
        package var formerKeys: [Secret] = []
        /// Where the shared tier's engine is, from the file or from the variable; `nil` without one.
        package var sharedURL: Secret?
        /// The keys of `auth.clients` that stand in variables, by the clients' names.
        package var clientKeys: [String: Secret] = [:]
        package var adminToken: Secret?

        package init() {}
    }

    /// The secrets of one provider.
    package struct UpstreamSecrets: Sendable, Equatable {
        package var apiKey: Secret?
        /// In the order of the file.
        package var headers: [UpstreamHeader] = []
    }

    /// A header field with a secret value.
    package struct UpstreamHeader: Sendable, Equatable {
        package var name: String
        package var value: Secret
    }

    /// Paths as the file system takes them: `~` and `XDG_CACHE_HOME` resolved; relative ones start at the working folder.
    package struct Paths: Sendable, Equatable {
        /// `:memory:` stays as it is.
        package var store: String
        package var model: String
        package var caFile: String?
        package var accessFile: String?
        package var tlsCertificate: String?
        package var tlsKey: String?
        /// By the names of `upstreams`.
        package var upstreamCAFiles: [String: String] = [:]

        package init(_ settings: Settings, environment: (String) -> String?) {
            store = resolved(settings.store.path, environment)
            let named = resolved(settings.embedder.modelDirectory, environment)
            let isDefault = settings.embedder.modelDirectory == Settings.Embedder().modelDirectory
            model = isDefault && !holdsModel(named) ? packagedModel() ?? named : named
            tlsCertificate = settings.server.tlsCertificate.map { resolved($0, environment) }
            tlsKey = settings.server.tlsKey.map { resolved($0, environment) }
            caFile = settings.upstream.caFile.map { resolved($0, environment) }
            accessFile = settings.log.accessFile.map { resolved($0, environment) }
            for route in settings.upstreams { upstreamCAFiles[route.name] = route.upstream.caFile.map { resolved($0, environment) } }
        }
    }
}

/// Values given as flags, which go before the file's. Text as it was typed; checked like the file's values.
package struct Overrides: Sendable, Equatable {
    package var host: String?
    package var port: String?
    package var upstream: String?
    package var store: String?
    package var logLevel: String?

    package init(host: String? = nil, port: String? = nil, upstream: String? = nil, store: String? = nil, logLevel: String? = nil) {
        self.host = host
        self.port = port
        self.upstream = upstream
        self.store = store
        self.logLevel = logLevel
    }

    /// Flag, section, key and text of those that are given.
    var given: [(flag: String, section: String, key: String, text: String)] {
        [
            ("--host", "server", "host", host), ("--port", "server", "port", port), ("--upstream", "upstream", "base_url", upstream),
            ("--store", "store", "path", store), ("--log-level", "log", "level", logLevel),
        ].compactMap { flag, section, key, text in text.map { (flag, section, key, $0) } }
    }
}

/// Puts the home folder in the place of `~`, and `XDG_CACHE_HOME` in that of `~/.cache`.
private func resolved(_ path: String, _ environment: (String) -> String?) -> String {
    // The XDG specification has relative values ignored.
    if path.hasPrefix("~/.cache/"), let cache = environment("XDG_CACHE_HOME"), cache.hasPrefix("/") {
        return cache + path.dropFirst("~/.cache".count)
    }
    if path == "~" || path.hasPrefix("~/"), let home = environment("HOME"), !home.isEmpty { return home + path.dropFirst() }
    return path
}

private func holdsModel(_ folder: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/manifest.json") }

/// The model that a package put beside the program; `nil` where there is none.
private func packagedModel() -> String? {
    guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return nil }
    let folder = (program as NSString).deletingLastPathComponent + "/all-MiniLM-L6-v2"
    return holdsModel(folder) ? folder : nil
}
