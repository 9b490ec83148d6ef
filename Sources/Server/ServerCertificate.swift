import Foundation
import NIOSSL
package import SemanticCache
import Synchronization

/// The certificate that the server shows, which can be exchanged while connections are open: those go on with the one they began with.
package final class ServerCertificate: Sendable {
    /// Where a certificate stands, and which versions of TLS are spoken with it.
    package struct Source: Sendable, Equatable {
        /// PEM: the server's certificate, followed by those that lead to its authority.
        package var certificateFile: String
        /// PEM: the private key. May be the same file.
        package var keyFile: String
        package var minimumTLS: SemanticCache.TLSVersion

        package init(certificateFile: String, keyFile: String, minimumTLS: SemanticCache.TLSVersion) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.minimumTLS = minimumTLS
        }
    }

    private struct Loaded {
        var context: NIOSSLContext
        var validity: Validity
    }

    /// When the server's own certificate holds.
    private struct Validity {
        var from: Timestamp
        var until: Timestamp
    }

    private let loaded: Mutex<Loaded>

    /// Reads the files of `source`.
    package init(_ source: Source) throws(CertificateError) {
        loaded = Mutex(try Self.load(source))
    }

    /// Reads the files of `source`; when they cannot be used the error is thrown and the old certificate stays.
    package func reload(_ source: Source) throws(CertificateError) {
        let new = try Self.load(source)
        loaded.withLock { $0 = new }
    }

    /// Why clients will refuse the certificate at this time; `nil` when its dates are no reason to.
    package func fault(at now: Timestamp) -> String? {
        let validity = loaded.withLock { $0.validity }
        if now > validity.until { return "it expired on \(Self.day(validity.until))" }
        return now < validity.from ? "it is not valid before \(Self.day(validity.from))" : nil
    }

    /// The last day on which the certificate holds, such as `2027-03-01`.
    package var lastDay: String { Self.day(loaded.withLock { $0.validity.until }) }

    var context: NIOSSLContext { loaded.withLock { $0.context } }

    private static func day(_ time: Timestamp) -> String {
        Date(timeIntervalSince1970: Double(time.milliseconds) / 1000).formatted(.iso8601.year().month().day())
    }

    private static func load(_ source: Source) throws(CertificateError) -> Loaded {
        let chain = try certificates(in: source.certificateFile)
        let key: NIOSSLPrivateKey
        do { key = try NIOSSLPrivateKey(bytes: bytes(of: source.keyFile), format: .pem) } catch let error as CertificateError { throw error } catch {
            throw .noKey(source.keyFile)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = source.minimumTLS == .v13 ? .tlsv13 : .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            return Loaded(
                context: try NIOSSLContext(configuration: configuration),
                validity: Validity(
                    from: Timestamp(milliseconds: Int64(chain[0].notValidBefore) * 1000),
                    until: Timestamp(milliseconds: Int64(chain[0].notValidAfter) * 1000)))
        } catch {
            // The key itself was read above: what is wrong with it here is that it is another's.
            if case .failedToLoadPrivateKey = error as? NIOSSLError {
                throw .keyOfAnother(key: source.keyFile, certificate: source.certificateFile)
            }
            throw .refused(certificate: source.certificateFile, reason: "\(error)")
        }
    }

    /// At least one.
    private static func certificates(in file: String) throws(CertificateError) -> [NIOSSLCertificate] {
        let content = try bytes(of: file)
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(content), !chain.isEmpty else { throw .noCertificate(file) }
        return chain
    }

    private static func bytes(of file: String) throws(CertificateError) -> [UInt8] {
        do { return Array(try Data(contentsOf: URL(fileURLWithPath: file))) } catch {
            throw .unreadable(file, reason: error.localizedDescription)
        }
    }
}

/// Why a certificate cannot be shown.
package enum CertificateError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A file cannot be read.
    case unreadable(String, reason: String)
    /// The file holds no certificate.
    case noCertificate(String)
    /// The file holds no key.
    case noKey(String)
    /// The key is not the certificate's.
    case keyOfAnother(key: String, certificate: String)
    /// The TLS library does not take it.
    case refused(certificate: String, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file) cannot be read: \(reason)"
        case .noCertificate(let file): "\(file): expected a certificate in PEM form (-----BEGIN CERTIFICATE-----); found none that can be read"
        case .noKey(let file):
            "\(file): expected a private key in PEM form, not encrypted (-----BEGIN PRIVATE KEY-----); found none that can be read"
        case .keyOfAnother(let key, let certificate): "the key in \(key) is not the one of the certificate in \(certificate)"
        case .refused(let certificate, let reason): "the certificate in \(certificate) cannot be used: \(reason)"
        }
    }
}
