import ArgumentParser
import Foundation
import Settings
import Testing

@testable import reprise

/// `reprise init`, and what programs read of the commands.
struct InitTests {
    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    @Test func theFileIsTheProjectsOwnWithTheGivenValuesFilledIn() throws {
        #expect(try InitCommand.parse([]).content() == Settings().commentedYAML)
        let text = try InitCommand.parse(["--upstream", "http://127.0.0.1:11434/v1/", "--port", "9090", "--store", ":memory:"]).content()
        let loaded = try Settings.load(text: text, file: nil, environment: { _ in nil })
        #expect(loaded.settings.upstream.baseURL == "http://127.0.0.1:11434/v1" && loaded.settings.server.port == 9090)
        #expect(loaded.settings.store.path == ":memory:" && text.contains("# The provider that answers what the cache cannot."))
    }

    @Test func wrongValuesAreWrongUse() throws {
        let command = try InitCommand.parse(["--port", "many"])
        #expect { _ = try command.content() } throws: { ($0 as? CommandFailure)?.status == .usage }
    }

    @Test func aFileThatIsThereIsLeftAloneUnlessForced() async throws {
        try await withFolder { folder in
            let file = folder.appendingPathComponent("config.yaml")
            try Data("mine".utf8).write(to: file)
            await #expect(throws: ExitCode(CommandFailure.Status.cannotCreate.rawValue)) { try await InitCommand.parse(["-o", file.path]).run() }
            #expect(try String(contentsOf: file, encoding: .utf8) == "mine")
            try await InitCommand.parse(["-o", file.path, "--force", "--json"]).run()
            #expect(try String(contentsOf: file, encoding: .utf8) == Settings().commentedYAML)
            await #expect(throws: ExitCode(73)) { try await InitCommand.parse(["-o", folder.appendingPathComponent("no/such/c.yaml").path]).run() }
        }
    }

    @Test func checkAsJSONKeepsKindsAndHidesSecrets() throws {
        let text = "upstream: {api_key_env: KEY}\nembedder: {kind: 'off'}\nserver: {port: 81}\ncache: {ttl: 1h}"
        let loaded = try Settings.load(text: text, file: "config.yaml", environment: { $0 == "KEY" ? "hush" : nil })
        let bytes = try jsonBytes(CheckCommand.jsonReport(on: loaded, model: (true, "model: off")))
        #expect(!String(decoding: bytes, as: UTF8.self).contains("hush"))
        let report = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let settings = try #require(report["settings"] as? [String: [String: Any]])
        #expect(report["valid"] as? Bool == true && report["file"] as? String == "config.yaml")
        #expect(settings["embedder"]?["kind"] as? String == "off" && settings["server"]?["port"] as? Int == 81)
        #expect(settings["cache"]?["ttl"] as? String == "1h" && settings["cache"]?["enabled"] as? Bool == true)
        #expect(settings["upstream"]?["api_key_env"] as? String == "KEY" && settings["tenancy"]?["key_env"] is NSNull)
    }

    @Test func problemsAsJSONHaveTheirPlace() throws {
        do throws(SettingsErrors) {
            _ = try Settings.load(text: "server:\n  prot: 1\n", file: "a.yaml", environment: { _ in nil })
            Issue.record("expected an error")
        } catch {
            let problems = CheckCommand.jsonReport(on: error)["problems"] as? [[String: Any]]
            #expect(
                problems?.first?["line"] as? Int == 2 && problems?.first?["column"] as? Int == 3 && problems?.first?["file"] as? String == "a.yaml")
        }
    }

    @Test func helpListsEveryExitStatus() {
        let help = Reprise.helpMessage(columns: 120)
        for status in CommandFailure.Status.allCases { #expect(help.contains("\(status.rawValue)") && help.contains(status.meaning)) }
        #expect(Set(CommandFailure.Status.allCases.map(\.meaning)).count == CommandFailure.Status.allCases.count)
    }

    @Test(arguments: [
        (true, [:], true), (true, ["NO_COLOR": "1"], false), (true, ["NO_COLOR": ""], true), (true, ["TERM": "dumb"], false), (false, [:], false),
    ])
    func coloursOnlyOnATerminalAndNeverWithNoColour(isTerminal: Bool, environment: [String: String], expected: Bool) {
        #expect(Console(outIsTerminal: isTerminal, errorIsTerminal: false, environment: environment).usesColour == expected)
    }

    @Test(arguments: [
        (true, [:], true), (true, ["TERM": "xterm"], true), (true, ["NO_COLOR": "1"], true), (true, ["TERM": "dumb"], false), (false, [:], false),
    ])
    func nothingIsDrawnOverWhereThatCannotBe(isTerminal: Bool, environment: [String: String], expected: Bool) {
        let console = Console(outIsTerminal: isTerminal, errorIsTerminal: isTerminal, environment: environment)
        #expect(console.outDraws == expected && console.errorDraws == expected)
    }
}
