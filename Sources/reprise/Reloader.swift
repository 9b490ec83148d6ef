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

extension Settings {
    /// The keys and sections that differ and are looked at only when the proxy starts.
    func fixedDifferences(from other: Settings) -> [String] {
        [
            ("server", server.differsForGood(from: other.server)), ("cache.max_entries", cache.maxEntries != other.cache.maxEntries),
            ("cache.max_answer", cache.maxAnswer != other.cache.maxAnswer), ("store", store != other.store),
            ("embedder", embedder != other.embedder), ("matching.candidates", matching.candidates != other.matching.candidates),
            ("tenancy.key_env", tenancy.keyEnv != other.tenancy.keyEnv), ("admin", admin != other.admin), ("recording", recording != other.recording),
            ("log", log != other.log),
        ].filter(\.1).map(\.0)
    }
}

extension Settings.Server {
    /// Certificates are exchanged while the proxy runs; whether TLS is spoken is not.
    fileprivate func differsForGood(from other: Self) -> Bool {
        guard (tlsCertificate == nil) == (other.tlsCertificate == nil) else { return true }
        var comparable = self
        comparable.tlsCertificate = other.tlsCertificate
        comparable.tlsKey = other.tlsKey
        comparable.minTLS = other.minTLS
        return comparable != other
    }
}
