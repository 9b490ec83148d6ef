import HTTPTypes
import Hummingbird
import Learning
import NIOCore
import Proxy
import SemanticCache
import ServiceLifecycle
import Telemetry

/// `/dashboard`: one page out of the program itself, and the stream of events that keeps it up to date.
///
/// The page asks no other host for anything, and its Content-Security-Policy lets it run nothing but its own two files. Everything it shows comes
/// from the same reports as `/cache/stats`.
struct DashboardRoutes: Sendable {
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"
    private static let interval = Duration.seconds(1)
    /// As many verdicts as a person gives before looking again.
    private static let nearMissLimit = 12

    let dashboard: Dashboard
    let admin: AdminRoutes
    let presences: ClientPresences

    /// The response to a request for `/dashboard` or below.
    func respond(to request: Request, path: Substring, channel: any Channel) async -> Response {
        // A browser asks its user only for Basic credentials; the token is the password, whatever the name.
        if let refusal = admin.refusal(of: request, challenge: "Basic realm=\"Reprise\", charset=\"UTF-8\"") { return refusal }
        guard request.method == .get || request.method == .head else { return AdminRoutes.notAllowed("GET") }
        switch path {
        // The page's own addresses are relative to the one without a slash; this one is too, for a proxy that puts the page below another path.
        case "/dashboard/": return Response(status: .permanentRedirect, headers: [.location: "../dashboard"])
        case "/dashboard": return Self.file(PackageResources.dashboard_html, "text/html; charset=utf-8")
        case "/dashboard/style.css": return Self.file(PackageResources.style_css, "text/css; charset=utf-8")
        case "/dashboard/script.js": return Self.file(PackageResources.script_js, "text/javascript; charset=utf-8")
        case "/dashboard/icon.svg": return Self.file(PackageResources.icon_svg, "image/svg+xml")
        // Looked at every few seconds, newest first: an engine has no such order.
        case "/dashboard/entries": return await admin.list(request, showsPrompts: dashboard.showsPrompts, isLocal: true)
        case "/dashboard/events": return events(presence: presences.presence(of: channel))
        default: return JSONBody.error(.notFound, "There is no \(path).", code: "not_found")
        }
    }

    private static func file(_ bytes: [UInt8], _ kind: String) -> Response {
        var fields: HTTPFields = [.contentType: kind, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff"]
        fields[.contentSecurityPolicy] = policy
        fields[.referrerPolicy] = "no-referrer"
        return Response(status: .ok, headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    // MARK: Server-sent events

    /// A first event `history`, then every second `stats`, with `decisions` and `near` before it when there are new ones, until the client leaves
    /// or the server shuts down.
    private func events(presence: ClientPresence) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .xAccelBuffering: "no"],
            body: ResponseBody { writer in
                // `whilePresent` awaits its task, so the writer is back before it is used again.
                let client = Exclusive(writer)
                try await presence.whilePresent {
                    await cancelWhenGracefulShutdown { try? await client.use { try await send(to: &$0) } }
                }
                try await client.use { try await $0.finish(nil) }
            })
    }

    private func send(to client: inout any ResponseBodyWriter) async throws {
        struct Past: Encodable { let hour, day: [History.Sample] }
        try await client.send("history", Past(hour: dashboard.history.hour, day: dashboard.history.day))
        var seen = 0
        var near: [NearMissView]?
        while !Task.isCancelled {
            let items = dashboard.recent.items(after: seen)
            if let last = items.last {
                seen = last.number
                try await client.send("decisions", items.map { DecisionView($0, showsPrompts: dashboard.showsPrompts) })
            }
            let open = (admin.matching?.pipeline.learner?.openNearMisses(limit: Self.nearMissLimit) ?? []).map {
                NearMissView($0, showsPrompts: dashboard.showsPrompts)
            }
            if open != near { try await client.send("near", open) }
            near = open
            try await client.send("stats", await admin.stats.report())
            try await Task.sleep(for: Self.interval)
        }
    }
}

extension ResponseBodyWriter {
    /// Writes a server-sent event.
    fileprivate mutating func send(_ name: String, _ value: some Encodable) async throws {
        var buffer = ByteBuffer(string: "event: \(name)\ndata: ")
        // JSON text of the encoder has no line breaks.
        buffer.writeBytes(JSONBody.bytes(value))
        buffer.writeString("\n\n")
        try await write(buffer)
    }
}

extension HTTPField.Name {
    // The names are valid tokens, so they cannot fail to be made.
    fileprivate static let referrerPolicy = Self("Referrer-Policy")!
    fileprivate static let xAccelBuffering = Self("X-Accel-Buffering")!
}
