import Foundation
import Settings
import Testing

/// Which of file, environment and flags wins; and where the file is looked for.
struct PrecedenceTests {
    @Test func flagsGoBeforeTheFile() throws {
        let text = "server: {host: 10.0.0.1, port: 1}\nupstream: {base_url: http://a/v1}\nstore: {path: a.db}\nlog: {level: error}"
        let flags = Overrides(host: "::1", port: "2", upstream: "http://b/v1//", store: ":memory:", logLevel: "debug")
        let settings = try load(text, flags).settings
        #expect(settings.server.host == "::1" && settings.server.port == 2 && settings.store.path == ":memory:" && settings.log.level == .debug)
        #expect(settings.upstream.baseURL == "http://b/v1")
        let fromFile = try load(text).settings
        #expect(fromFile.server.host == "10.0.0.1" && fromFile.server.port == 1 && fromFile.log.level == .error)
        #expect(!fromFile.server.listensOnLoopback && settings.server.listensOnLoopback && Settings().server.listensOnLoopback)
        #expect(try load("", Overrides(store: "2024")).settings.store.path == "2024")
    }

    @Test(arguments: [
        (Overrides(port: "99999"), "--port: expected a whole number from 0 to 65535; found '99999'"),
        (Overrides(host: "http://x"), "--host: expected a host name or address"),
        (Overrides(upstream: "b"), "--upstream: expected an http or https URL"),
        (Overrides(store: ""), "--store: expected a path"), (Overrides(logLevel: "warn"), "--log-level: expected one of trace"),
    ])
    func badFlagsAreNamed(flags: Overrides, start: String) {
        do throws(SettingsErrors) {
            _ = try load("", flags)
            Issue.record("loaded")
        } catch {
            #expect(error.problems.count == 1 && error.description.hasPrefix(start) && error.areAllFlags, "\(error)")
        }
    }

    @Test func modelDirectory() throws {
        let home = ["HOME": "/home/a"]
        #expect(try load("", environment: home).paths.model == "/home/a/.cache/reprise/all-MiniLM-L6-v2")
        #expect(try load("", environment: home.merging(["XDG_CACHE_HOME": "/c"]) { $1 }).paths.model == "/c/reprise/all-MiniLM-L6-v2")
        #expect(try load("", environment: home.merging(["XDG_CACHE_HOME": "c"]) { $1 }).paths.model == "/home/a/.cache/reprise/all-MiniLM-L6-v2")
        let text = "embedder: {model_dir: /m}"
        #expect(try load(text, environment: home).paths.model == "/m")
        let overridden = try load(text, environment: home.merging(["REPRISE_MODEL_DIR": "~/n"]) { $1 })
        #expect(overridden.paths.model == "/home/a/n" && overridden.settings.embedder.modelDirectory == "~/n")
        #expect(try load("store: {path: ~/x.db}\nupstream: {ca_file: ~/ca.pem}", environment: home).paths.caFile == "/home/a/ca.pem")
    }

    @Test func filesThatCannotBeRead() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func message(_ name: String, _ data: Data?) throws -> String {
            let path = folder.appendingPathComponent(name).path
            if let data { try data.write(to: URL(fileURLWithPath: path)) }
            do throws(SettingsErrors) {
                _ = try Settings.load(path: path, environment: { _ in nil })
                return ""
            } catch { return error.description.replacingOccurrences(of: folder.path + "/", with: "") }
        }
        #expect(try message("missing.yaml", nil) == "missing.yaml: there is no such file")
        #expect(try message(".", nil).contains("expected a file; found a folder"))
        #expect(
            try message("big.yaml", Data(repeating: UInt8(ascii: "#"), count: 1 << 20 | 1)) == "big.yaml: expected at most 1MiB; the file is larger")
        #expect(try message("full.yaml", Data(repeating: UInt8(ascii: "#"), count: 1 << 20)) == "")
        #expect(
            try message("latin.yaml", Data("a: b\nc: \u{e9}".unicodeScalars.map { UInt8($0.value) }))
                == "latin.yaml: expected text in UTF-8; line 2 holds other bytes")
    }
}
