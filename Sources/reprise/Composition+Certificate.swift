import Logging
import SemanticCache
import Server
import Settings

extension Composition {
    /// The certificate of the settings; `nil` when the server listens without TLS.
    static func serverCertificate(_ loaded: LoadedSettings, clock: any WallClock, logger: Logger) throws(StartError) -> ServerCertificate? {
        guard let source = loaded.certificateSource else { return nil }
        do throws(CertificateError) {
            let certificate = try ServerCertificate(source)
            certificate.warn(at: clock.now(), logger: logger)
            return certificate
        } catch {
            throw .certificate(error.description)
        }
    }
}

extension ServerCertificate {
    /// Takes the certificate of settings that were read again. Whether TLS is spoken at all is decided at the start.
    func reload(_ loaded: LoadedSettings, clock: any WallClock, logger: Logger) throws {
        guard let source = loaded.certificateSource else { return }
        do throws(CertificateError) { try reload(source) } catch { throw StartError.certificate(error.description) }
        warn(at: clock.now(), logger: logger)
    }

    /// One whose time has not come or is over is shown all the same: a client may not mind, and there is no better one.
    fileprivate func warn(at now: Timestamp, logger: Logger) {
        if let fault = fault(at: now) { logger.warning("clients will refuse the server's certificate", metadata: ["reason": "\(fault)"]) }
    }
}

extension LoadedSettings {
    /// Where the server's certificate stands; `nil` when it listens without TLS.
    var certificateSource: ServerCertificate.Source? {
        guard let certificate = paths.tlsCertificate, let key = paths.tlsKey else { return nil }
        return ServerCertificate.Source(certificateFile: certificate, keyFile: key, minimumTLS: settings.server.minTLS)
    }
}
