import ArgumentParser
import Foundation
import Settings

/// Where the proxy is that a command talks to.
struct ProxyAddress: ParsableArguments {
    @Option(help: ArgumentHelp("The running proxy's URL. Default: host and port of the configuration.", valueName: "url"))
    var server: String?

    @Option(
        help: ArgumentHelp("Configuration file. Default: config.yaml in the working folder, if there.", valueName: "file"), completion: .file())
    var config: String?

    @Option(
        help: ArgumentHelp(
            "PEM file with the authorities that may vouch for the proxy's certificate. Default: the system's, and for the configured proxy its own.",
            valueName: "file"), completion: .file())
    var caFile: String?

    /// The proxy's URL without a slash or `/v1` at its end.
    func address(environment: (String) -> String?) throws -> String { try place(environment: environment).url }

    /// Where the proxy is, and who may vouch for its certificate: the system's authorities where no file is named.
    func place(environment: (String) -> String?) throws -> (url: String, caFile: String?) {
        guard let server else {
            let loaded: LoadedSettings
            do throws(SettingsErrors) { loaded = try Settings.load(path: config, environment: environment, needsSecrets: false) } catch {
                throw CommandFailure(error)
            }
            // The file of the configuration is known to be the proxy's own, so one that signed itself is trusted.
            return (try Self.address(of: loaded.settings.server), caFile ?? loaded.paths.tlsCertificate)
        }
        var url = server.contains("://") ? server : "http://\(server)"
        while url.hasSuffix("/") { url.removeLast() }
        if url.hasSuffix("/v1") { url.removeLast(3) }
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme?.lowercased()), !(parts.host ?? "").isEmpty,
            parts.query == nil, parts.fragment == nil, parts.port.map({ (1...65535).contains($0) }) ?? true
        else { throw CommandFailure(.usage, "--server: expected a URL such as http://127.0.0.1:8080; found '\(printable(server))'") }
        return (url, caFile)
    }

    /// How this machine reaches a proxy with these settings: an address that means every network is reached on the loopback one.
    static func address(of server: Settings.Server) throws -> String {
        guard server.port != 0 else {
            throw CommandFailure(.usage, "the configuration lets the system choose the proxy's port: name the proxy with --server")
        }
        let host = ["0.0.0.0": "127.0.0.1", "::": "::1"][server.host] ?? server.host
        return "\(server.scheme)://\(host.contains(":") ? "[\(host)]" : host):\(server.port)"
    }

    /// A client of that proxy with the admin token of `REPRISE_ADMIN_TOKEN`.
    func client() throws -> AdminClient {
        let environment = ProcessInfo.processInfo.environment
        let place = try place { environment[$0] }
        let token = environment["REPRISE_ADMIN_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        return try AdminClient.connecting(to: place.url, caFile: place.caFile, token: token)
    }
}

extension Settings.Server {
    /// `https` with a certificate, else `http`.
    var scheme: String { tlsCertificate == nil ? "http" : "https" }
}
