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
            Point your client's base URL at http://127.0.0.1:8080/v1. Flags override the configuration file.

            Example:
              reprise serve --port 8080 --upstream https://api.openai.com/v1
            """)

    @Option(
        name: .customLong("config"), help: ArgumentHelp("Configuration file (default: config.yaml, if there).", valueName: "file"),
        completion: .file())
    var configFile: String?

    @Option(help: "Address to listen on.")
    var host: String?

    @Option(help: "Port to listen on; 0 takes any free one.")
    var port: String?

    @Option(help: ArgumentHelp("The provider's base URL, up to and with /v1.", valueName: "url"))
    var upstream: String?

    @Option(help: ArgumentHelp("Where entries are kept; :memory: keeps nothing.", valueName: "path"), completion: .file())
    var store: String?

    @Option(
        help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"),
        completion: .list(["trace", "debug", "info", "notice", "warning", "error", "critical"]))
    var logLevel: String?

    func run() async throws {
        // Until it is listened for, a wish to read the configuration again has nothing to tell and must not end the program.
        signal(SIGHUP, SIG_IGN)
        try await reporting {
            let overrides = Overrides(host: host, port: port, upstream: upstream, store: store, logLevel: logLevel)
            let environment = ProcessInfo.processInfo.environment
            let path = configFile
            let load: @Sendable () throws(SettingsErrors) -> LoadedSettings = { () throws(SettingsErrors) in
                try Settings.load(path: path, overrides: overrides, environment: { environment[$0] })
            }
            let loaded: LoadedSettings
            do throws(SettingsErrors) { loaded = try load() } catch { throw CommandFailure(error) }
            try await serve(loaded, reading: load)
        }
    }

    private func serve(_ loaded: LoadedSettings, reading load: @escaping @Sendable () throws -> LoadedSettings) async throws {
        let logger = LogLines.logger(loaded.settings.log)
        let composition: Composition
        do throws(StartError) { composition = try await Composition.assemble(loaded, logger: logger) } catch {
            throw CommandFailure(.configuration, error.description)
        }
        let server = composition.server { port in announce(loaded, port: port, composition: composition) }
        var configuration = ServiceGroupConfiguration(
            services: (composition.services + [Reloader(load: load, apply: composition.reload, logger: logger), server]).map {
                .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: composition.quietLogger)
        configuration.maximumGracefulShutdownDuration = loaded.settings.server.drainTimeout
        do { try await ServiceGroup(configuration: configuration).run() } catch is CancellationError {
            // The drain took longer than it may: what was left has been cut off, as asked.
            logger.notice("requests that were still running were cut off", metadata: ["after": "\(loaded.settings.server.drainTimeout)"])
        } catch {
            await composition.close()
            throw CommandFailure(.failure, error is ListenError ? "the proxy cannot listen: \(error)" : "the proxy stopped: \(error)")
        }
        await composition.close()
    }

    /// What a newcomer needs to know, once the port is open.
    private func announce(_ loaded: LoadedSettings, port: Int, composition: Composition) {
        let settings = loaded.settings
        let host = settings.server.host.contains(":") ? "[\(settings.server.host)]" : settings.server.host
        let base = "\(settings.server.scheme)://\(host):\(port)"
        // An address that means every network is none that a client can be pointed at.
        var reached = settings.server
        reached.port = port
        let local = (try? ProxyAddress.address(of: reached)) ?? base
        print(
            """
            reprise \(Reprise.version) listens on \(base)
              forwards to   \(settings.upstream.baseURL)
              embedder      \(composition.embedderLine)
              store         \(loaded.paths.store) (\(composition.restoredLine))
              dashboard     \(local)/dashboard
              statistics    \(local)/cache/stats
            Point your client at it:  export OPENAI_BASE_URL=\(local)/v1
            """)
        fflush(nil)
    }
}
