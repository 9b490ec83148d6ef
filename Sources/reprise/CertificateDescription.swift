import SemanticCache
import Server
import Settings

/// One line about the server's certificate for `reprise check`; `nil` without TLS. One that cannot be shown is an error of the configuration.
func describeCertificate(_ loaded: LoadedSettings, now: Timestamp) throws(SettingsErrors) -> String? {
    guard let source = loaded.certificateSource else { return nil }
    do throws(CertificateError) {
        let certificate = try ServerCertificate(source)
        let validity = certificate.fault(at: now).map { "clients will refuse it: \($0)" } ?? "valid until \(certificate.lastDay)"
        return "certificate: \(source.certificateFile), \(validity)"
    } catch {
        let place = loaded.file.map(SettingsErrors.Problem.Place.wholeFile) ?? .environment("server.tls_certificate")
        throw SettingsErrors(problems: [.init(place: place, message: "server.tls_certificate: \(error.description)")])
    }
}
