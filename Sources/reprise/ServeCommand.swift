import ArgumentParser
import Foundation
import Logging
import Server
import ServiceLifecycle
import Settings
import UnixSignals

/// `reprise serve`: runs the proxy until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the proxy.",
        discussion: """
            EXAMPLE
              reprise serve --port 8080 --upstream https://api.openai.com/v1

            Then point your client's base URL at http://127.0.0.1:8080/v1. Flags override the configuration file.
            """)

    @Option(name: .customLong("config"), help: ArgumentHelp("Configuration file (default: config.yaml, if there).", valueName: "file"))
    var configFile: String?

    @Option(help: "Address to listen on.")
    var host: String?

    @Option(help: "Port to listen on; 0 takes any free one.")
    var port: String?

    @Option(help: ArgumentHelp("The provider's base URL, up to and with /v1.", valueName: "url"))
    var upstream: String?

    @Option(help: ArgumentHelp("Where entries are kept; :memory: keeps nothing.", valueName: "path"))
    var store: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel: String?

    func run() async throws {
        let loaded = try loadSettings()
        let logger = LogLines.logger(loaded.settings.log)
        let composition: Composition
        do throws(StartError) { composition = try await Composition.assemble(loaded, logger: logger) } catch {
            complain(error.description)
            throw ExitCode(error.status)
        }
        let server = composition.server { port in announce(loaded, port: port, composition: composition) }
        var configuration = ServiceGroupConfiguration(
            services: (composition.services + [server]).map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: composition.quietLogger)
        configuration.maximumGracefulShutdownDuration = loaded.settings.server.drainTimeout
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            await composition.close()
            complain("the proxy stopped: \(Self.reason(error))")
            throw ExitCode(1)
        }
        await composition.close()
    }

    private func loadSettings() throws -> LoadedSettings {
        do throws(SettingsErrors) {
            return try Settings.load(
                path: configFile, overrides: Overrides(host: host, port: port, upstream: upstream, store: store, logLevel: logLevel),
                environment: { ProcessInfo.processInfo.environment[$0] })
        } catch {
            complain(error.description)
            throw ExitCode(error.areAllFlags ? 64 : 78)
        }
    }

    /// What a newcomer needs to know, once the port is open.
    private func announce(_ loaded: LoadedSettings, port: Int, composition: Composition) {
        let settings = loaded.settings
        let host = settings.server.host.contains(":") ? "[\(settings.server.host)]" : settings.server.host
        let base = "http://\(host):\(port)"
        print(
            """
            reprise \(Reprise.version) listens on \(base)
              forwards to   \(settings.upstream.baseURL)
              embedder      \(composition.embedderLine)
              store         \(loaded.paths.store) (\(composition.restoredCount) entries)
              statistics    \(base)/cache/stats
            Point your client at it:  export OPENAI_BASE_URL=\(base)/v1
            """)
        fflush(nil)
    }

    private static func reason(_ error: any Error) -> String {
        let text = "\(error)"
        return text.contains("EADDRINUSE") || text.contains("errno: 98") ? "the port is in use by another program (\(text))" : text
    }
}

/// One line to standard error.
func complain(_ message: String) {
    FileHandle.standardError.write(Data(("reprise: " + message + "\n").utf8))
}
