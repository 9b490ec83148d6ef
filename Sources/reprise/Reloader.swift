import Logging
import ServiceLifecycle
import Settings
import UnixSignals

/// Reads the configuration again on SIGHUP. One that is wrong, or cannot be put to use, leaves everything as it was and says why.
struct Reloader: Service {
    let load: @Sendable () throws -> LoadedSettings
    /// Puts a configuration to use; returns the keys that take effect at the next start only.
    let apply: @Sendable (LoadedSettings) throws -> [String]
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { reload() }
    }

    private func reload() {
        do {
            let waiting = try apply(try load())
            logger.notice("configuration read again")
            if !waiting.isEmpty {
                logger.warning("changed settings that take effect at the next start", metadata: ["keys": "\(waiting.joined(separator: ", "))"])
            }
        } catch {
            logger.error("the new configuration cannot be used, the old one stays", metadata: ["reason": "\(error)"])
        }
    }
}
