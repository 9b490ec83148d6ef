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

    /// The proxy's URL without a slash or `/v1` at its end.
    func address(environment: (String) -> String?) throws -> String {
        guard let server else {
            let settings: Settings
            do throws(SettingsErrors) {
                settings = try Settings.load(path: config, environment: environment, needsSecrets: false).settings
            } catch { throw CommandFailure(error) }
            return try Self.address(of: settings.server)
        }
        var url = server.contains("://") ? server : "http://\(server)"
        while url.hasSuffix("/") { url.removeLast() }
        if url.hasSuffix("/v1") { url.removeLast(3) }
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme?.lowercased()), !(parts.host ?? "").isEmpty,
            parts.query == nil, parts.fragment == nil, parts.port.map({ (1...65535).contains($0) }) ?? true
        else { throw CommandFailure(.usage, "--server: expected a URL such as http://127.0.0.1:8080; found '\(printable(server))'") }
        return url
    }

    /// How this machine reaches a proxy with these settings: an address that means every network is reached on the loopback one.
    static func address(of server: Settings.Server) throws -> String {
        guard server.port != 0 else {
            throw CommandFailure(.usage, "the configuration lets the system choose the proxy's port: name the proxy with --server")
        }
        let host = ["0.0.0.0": "127.0.0.1", "::": "::1"][server.host] ?? server.host
        return "http://\(host.contains(":") ? "[\(host)]" : host):\(server.port)"
    }

    /// A client of that proxy with the admin token of `REPRISE_ADMIN_TOKEN`.
    func client() throws -> AdminClient {
        let environment = ProcessInfo.processInfo.environment
        let address = try address { environment[$0] }
        let token = environment["REPRISE_ADMIN_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        return try AdminClient.connecting(to: address, token: token)
    }
}
