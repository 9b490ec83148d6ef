import ArgumentParser
import Foundation
import Settings

/// Validates the configuration and prints the effective one.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate the configuration and print the effective one, secrets redacted.",
        discussion: """
            Every problem is reported with file, line, column and the nearest valid key; the exit status is then 78. The server's certificate is
            read, where one is named, and the engine of a shared tier is reached for; one that takes no proxy with these settings is an error. A missing or damaged model is reported too, and is an error when matching.require_model is true.

            Example:
              reprise check --config config.yaml
              reprise check --defaults > config.yaml
            """)

    @Option(
        help: ArgumentHelp("Configuration file. Default: config.yaml in the working folder, if there.", valueName: "file"), completion: .file())
    var config: String?

    @Flag(help: "Print the commented file with every key and its default, and check nothing.")
    var defaults = false

    @Flag(help: "Print the result as JSON: the effective configuration, or every problem with its place.")
    var json = false

    func validate() throws {
        if defaults, json { throw ValidationError("--defaults prints a file, which is YAML: leave out --json") }
    }

    func run() async throws {
        try await reporting {
            let console = Console.standard
            if defaults { return console.write(Settings().commentedYAML) }
            let environment = ProcessInfo.processInfo.environment
            let loaded: LoadedSettings
            let certificateLine: String?
            do throws(SettingsErrors) {
                loaded = try Settings.load(path: config, environment: { environment[$0] })
                certificateLine = try describeCertificate(loaded, now: SystemClock().now())
            } catch {
                if json { console.out(String(decoding: try jsonBytes(Self.jsonReport(on: error)), as: UTF8.self)) }
                throw CommandFailure(error)
            }
            let model = describeModel(loaded)
            let shared = await describeShared(loaded)
            if json {
                console.out(String(decoding: try jsonBytes(Self.jsonReport(on: loaded, model: model, shared: shared)), as: UTF8.self))
            } else {
                console.write(Self.report(on: loaded))
            }
            console.error("configuration: \(loaded.file.map { "\($0) is valid" } ?? "no file, the defaults hold")")
            console.error(model.line)
            console.error(describeVerifier(loaded))
            if let certificateLine { console.error(certificateLine) }
            if let shared { console.error(shared.line) }
            if !model.ok, loaded.settings.matching.requireModel {
                throw CommandFailure(.configuration, "the model cannot be used, and matching.require_model is true")
            }
            if shared?.isRefused ?? false { throw CommandFailure(.configuration, "the shared tier cannot be used") }
        }
    }

    /// The effective configuration, with what each named variable gave as a comment.
    static func report(on loaded: LoadedSettings) -> String {
        var found: [(String, String)] = []
        if let variable = loaded.settings.upstream.apiKeyEnv { found.append(("upstream.api_key_env", variable)) }
        for header in loaded.settings.upstream.headersEnv { found.append(("upstream.headers_env.\(header.name)", header.value)) }
        for route in loaded.settings.upstreams {
            if let variable = route.upstream.apiKeyEnv { found.append(("upstreams.\(route.name).api_key_env", variable)) }
            for header in route.upstream.headersEnv { found.append(("upstreams.\(route.name).headers_env.\(header.name)", header.value)) }
        }
        if let variable = loaded.settings.store.encryptionKeyEnv { found.append(("store.encryption_key_env", variable)) }
        for variable in loaded.settings.store.formerKeysEnv { found.append(("store.former_keys_env", variable)) }
        if loaded.settings.shared.kind != .none, let variable = loaded.settings.shared.urlEnv { found.append(("shared.url_env", variable)) }
        for client in loaded.settings.auth.clients {
            if let variable = client.keyEnv { found.append(("auth.clients.\(client.name).key_env", variable)) }
        }
        if let variable = loaded.settings.tenancy.keyEnv { found.append(("tenancy.key_env", variable)) }
        if let variable = loaded.settings.admin.tokenEnv { found.append(("admin.token_env", variable)) }
        return loaded.settings.effectiveYAML + found.map { "# \($0.0): \($0.1) is set, [redacted]\n" }.joined()
    }

    /// `{"valid": true, "file": ..., "model": {...}, "settings": {...}}`; of secrets only the variables' names.
    static func jsonReport(on loaded: LoadedSettings, model: (ok: Bool, line: String), shared: SharedReport? = nil) -> [String: Any] {
        var report: [String: Any] = [
            "valid": true, "file": loaded.file ?? NSNull(), "model": ["usable": model.ok, "message": model.line],
            "settings": loaded.settings.effectiveObject,
        ]
        if let shared { report["shared"] = ["usable": shared.isReached, "message": shared.line] }
        return report
    }

    /// `{"valid": false, "problems": [{"file", "line", "column", "message"}]}`; what is no place in a file has no line.
    static func jsonReport(on errors: SettingsErrors) -> [String: Any] {
        let problems = errors.problems.map { problem -> [String: Any] in
            switch problem.place {
            case .file(let name, let line, let column): ["file": name, "line": line, "column": column, "message": problem.message]
            case .wholeFile(let name): ["file": name, "message": problem.message]
            case .flag(let name): ["flag": name, "message": problem.message]
            case .environment(let name): ["environment": name, "message": problem.message]
            }
        }
        return ["valid": false, "problems": problems]
    }
}
