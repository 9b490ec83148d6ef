import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import SemanticCache
import Synchronization

/// Sends requests that switch their connection to another protocol, each on a connection of its own, and hands all others on.
///
/// libcurl ends a transfer in its own way once it has switched, and keeps the connection to itself; so these few go over NIO, on the event loop of the
/// client's connection where they come from one. A proxy named by the environment (`HTTPS_PROXY`) is not used for them.
///
/// Where the upstream answers with anything but 101 that is the response, with its body.
package final class UpgradingUpstream: Upstream {
    private let plain: any Upstream
    private let endpoint: UpstreamEndpoint
    /// Made when it is first needed, for that takes milliseconds.
    private let tls = Mutex<NIOSSLContext?>(nil)

    package init(_ plain: any Upstream, endpoint: UpstreamEndpoint) {
        self.plain = plain
        self.endpoint = endpoint
    }

    package func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        guard let upgrade = request.upgrade, case .stream(let bytes, _) = request.body else { return try await plain.send(request) }
        let plan = RequestPlan(request, endpoint: endpoint)
        guard let address = UpstreamAddress(url: plan.url) else { throw .unreachable("'\(plan.url.prefix { $0 != "?" })' names no host") }
        let (open, limits) = (OpenConnection(), HandshakeLimits(plan))
        do {
            let tls = try address.isSecure ? context() : nil
            let head = try await withTaskCancellationHandler {
                let loop = MultiThreadedEventLoopGroup.currentEventLoop ?? MultiThreadedEventLoopGroup.singleton.next()
                return try await ClientBootstrap(group: loop)
                    .connectTimeout(limits.connecting)
                    .channelOption(.allowRemoteHalfClosure, value: true)
                    .channelOption(.socketOption(.so_keepalive), value: 1)
                    .connect(host: address.host, port: address.port)
                    .flatMap { channel in
                        open.shakeHands(on: channel, Self.head(plan, address, upgrade), tls, address, limits)
                    }
                    .get()
            } onCancel: {
                open.close()
            }
            if head.status == .switchingProtocols { open.send(bytes) }
            let body = open.heard.stream { open.close() }
            return UpstreamResponse(status: head.status, fields: head.fields, body: body)
        } catch {
            open.close()
            throw Self.translate(error, plan.connectTimeout)
        }
    }

    private static func head(_ plan: RequestPlan, _ address: UpstreamAddress, _ upgrade: String) -> HTTPRequestHead {
        var headers = HTTPHeaders()
        if !plan.fields.contains(where: { $0.name.lowercased() == "host" }) { headers.add(name: "Host", value: address.authority) }
        for (name, value) in plan.fields { headers.add(name: name, value: value) }
        headers.add(name: "Connection", value: "Upgrade")
        headers.add(name: "Upgrade", value: upgrade)
        return HTTPRequestHead(version: .http1_1, method: .RAW(value: plan.method), uri: address.target, headers: headers)
    }

    private func context() throws -> NIOSSLContext {
        try tls.withLock { known in
            if let known { return known }
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = endpoint.minimumTLS == .v13 ? .tlsv13 : .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            if let file = endpoint.caFile { configuration.trustRoots = .file(file) }
            let made = try NIOSSLContext(configuration: configuration)
            known = made
            return made
        }
    }

    private static func translate(_ error: any Error, _ timeout: Duration) -> UpstreamError {
        switch error {
        case let error as UpstreamError: error
        case is CancellationError: .cancelled
        case ChannelError.connectTimeout: .timedOut(.connecting, limit: timeout)
        case let error as NIOConnectionError:
            error.connectionErrors.isEmpty && error.dnsAError == nil && error.dnsAAAAError == nil
                ? .unreachable("\(error.host) has no address")
                : .unreachable(
                    error.connectionErrors.first.map { "\($0.error)" } ?? "the name \(error.host) cannot be resolved")
        default: ConnectionFault.translate(error)
        }
    }
}

/// How long the steps to an answer may take.
struct HandshakeLimits: Sendable {
    private let plan: RequestPlan
    private let started = NIODeadline.now()

    init(_ plan: RequestPlan) { self.plan = plan }

    var connecting: TimeAmount { Self.amount(plan.connectTimeout) }

    /// When a secure connection must stand.
    var secure: (NIODeadline, UpstreamError) { (started + connecting, .timedOut(.connecting, limit: plan.connectTimeout)) }

    /// When a head must be there that is asked for now.
    var head: (NIODeadline, UpstreamError) { (.now() + Self.amount(plan.firstByteTimeout), .timedOut(.firstByte, limit: plan.firstByteTimeout)) }

    private static func amount(_ duration: Duration) -> TimeAmount { .milliseconds(max(1, duration.wholeMilliseconds)) }
}

/// Where a connection goes, and what is asked for on it.
struct UpstreamAddress: Sendable {
    let isSecure: Bool
    /// Host and port as the URL has them.
    let authority: String
    let host: String
    let port: Int
    /// Path and query.
    let target: String

    /// `nil` where `url` is no http or https URL with a host.
    init?(url: String) {
        guard let scheme = url.firstIndex(of: ":"), url[scheme...].hasPrefix("://") else { return nil }
        isSecure = url[..<scheme].lowercased() == "https"
        let rest = url[scheme...].dropFirst(3)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let below = rest[authority.endIndex...]
        target = below.hasPrefix("/") ? String(below) : "/" + below
        self.authority = String(authority)
        // An IPv6 address has colons of its own, within brackets.
        let name = authority.hasPrefix("[") ? authority.prefix { $0 != "]" }.dropFirst() : authority.prefix { $0 != ":" }
        host = String(name)
        let after = authority[name.endIndex...].drop { $0 == "]" }
        guard !name.isEmpty, after.isEmpty || after.hasPrefix(":"), let port = after.isEmpty ? (isSecure ? 443 : 80) : Int(after.dropFirst()) else {
            return nil
        }
        self.port = port
    }
}

/// What went wrong on a connection that was made.
enum ConnectionFault {
    static func translate(_ error: any Error) -> UpstreamError {
        switch error {
        case let error as UpstreamError: error
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: .tls("\(error)")
        default: .broken("\(error)")
        }
    }
}
