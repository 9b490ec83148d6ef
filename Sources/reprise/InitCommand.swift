import ArgumentParser
import Foundation
import Settings

/// Writes a configuration to begin with.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a commented config.yaml to begin with.",
        discussion: """
            The file holds every key with what it does; the options below are filled in, the rest are the defaults. A file that is there
            is left alone unless --force is given.

            Example:
              reprise init
              reprise init --upstream http://127.0.0.1:11434/v1 --output /etc/reprise/config.yaml
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("Where to write it; - is standard output.", valueName: "file"), completion: .file())
    var output = Settings.defaultFile

    @Option(help: ArgumentHelp("The provider's base URL, up to and with /v1.", valueName: "url"))
    var upstream: String?

    @Option(help: "Address to listen on.")
    var host: String?

    @Option(help: "Port to listen on.")
    var port: String?

    @Option(help: ArgumentHelp("Where entries are kept; :memory: keeps nothing.", valueName: "path"), completion: .file())
    var store: String?

    @Flag(help: "Write over a file that is there.")
    var force = false

    @Flag(help: "Say what was written as JSON.")
    var json = false

    func validate() throws {
        if output == "-", json { throw ValidationError("--output - prints the file, which is YAML: leave out --json") }
    }

    func run() async throws {
        try await reporting {
            let console = Console.standard
            let text = try content()
            if output == "-" { return console.write(text) }
            try write(text)
            if json { return console.out(String(decoding: try jsonBytes(["file": output]), as: UTF8.self)) }
            let named = output == Settings.defaultFile ? "" : " --config \(output)"
            console.out("wrote \(output)")
            console.error("next: reprise check\(named), then reprise serve\(named)")
        }
    }

    /// The file's text, once the values given by options have passed the checks that the file's own would.
    func content() throws -> String {
        do throws(SettingsErrors) {
            let given = Overrides(host: host, port: port, upstream: upstream, store: store)
            return try Settings.load(text: "", file: nil, overrides: given, environment: { _ in nil }, needsSecrets: false).settings.commentedYAML
        } catch {
            throw CommandFailure(error)
        }
    }

    private func write(_ text: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: output), options: force ? .atomic : .withoutOverwriting)
        } catch let error as CocoaError where error.code == .fileWriteFileExists {
            throw CommandFailure(.cannotCreate, "\(output) is there already; --force writes over it")
        } catch {
            let folder = URL(fileURLWithPath: output).deletingLastPathComponent().path
            let isThere = FileManager.default.fileExists(atPath: folder)
            let reason = isThere ? (error as NSError).localizedDescription : "there is no folder \(folder)"
            throw CommandFailure(.cannotCreate, "\(output) cannot be written: \(reason)")
        }
    }
}
