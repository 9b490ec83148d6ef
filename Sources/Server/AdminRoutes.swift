import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Proxy
import SemanticCache
import Telemetry

/// The admin surface: `/cache/...`.
struct AdminRoutes: Sendable {
    private static let maximumBody = 64 << 20

    let administration: CacheAdministration
    let warmer: CacheWarmer
    let stats: StatsReporter
    let gate: AdminGate
    let clock: any WallClock
    let logger: Logger
    var matching: MatchingRoutes?

    private var transfer: EntryTransfer { EntryTransfer(pipeline: warmer.pipeline, administration: administration) }

    /// Why the request may not use the admin surface; `nil` when it may.
    func refusal(of request: Request, challenge: String = "Bearer") -> Response? {
        switch gate.verdict(authorization: request.headers[.authorization]) {
        case .unauthorized:
            var response = JSONBody.error(.unauthorized, "The admin surface needs 'Authorization: Bearer <admin token>'.", code: "admin_token")
            response.headers[.wwwAuthenticate] = challenge
            return response
        case .closed:
            return JSONBody.error(
                .forbidden, "The admin surface is closed: the proxy listens on the network and no admin token is set (admin.token_env).",
                code: "admin_closed")
        case .open:
            guard request.method != .get, request.method != .head, gate.isForeign(request.headers, authority: request.head.authority) else {
                return nil
            }
            return JSONBody.error(.forbidden, "A page of another site may not change the cache.", code: "foreign_origin")
        }
    }

    /// The response to a request whose path begins with `/cache/`.
    func respond(to request: Request, path: Substring) async throws -> Response {
        if let refusal = refusal(of: request) { return refusal }
        switch (request.method, path) {
        case (.get, "/cache/openapi.json"): return OpenAPIDescription.response
        case (.get, "/cache/stats"): return JSONBody.response(await stats.report())
        case (.get, "/cache/entries"): return await list(request)
        case (.post, "/cache/flush"): return try await flush(request)
        case (.get, "/cache/export"): return await export(request)
        case (.post, "/cache/import"):
            return JSONBody.response(try await TransferRoutes(transfer: transfer).take(request.body))
        case (.post, "/cache/warm"): return try await warm(request)
        case (let method, "/cache/explain"), (let method, "/cache/feedback"), (let method, "/cache/near-misses"):
            if let matching { return try await matching.respond(to: request, method: method, path: path) }
            return JSONBody.error(.notFound, "There is no \(path).", code: "not_found")
        case (let method, _) where path.hasPrefix("/cache/entries/"): return await entry(path.dropFirst("/cache/entries/".count), method: method)
        case (_, "/cache/stats"), (_, "/cache/entries"), (_, "/cache/export"), (_, "/cache/openapi.json"):
            return Self.notAllowed("GET")
        case (_, "/cache/flush"), (_, "/cache/warm"), (_, "/cache/import"): return Self.notAllowed("POST")
        default: return JSONBody.error(.notFound, "There is no \(path).", code: "not_found")
        }
    }

    /// The metrics in the Prometheus text format.
    func metrics(_ request: Request) async -> Response {
        if let refusal = refusal(of: request) { return refusal }
        guard request.method == .get || request.method == .head else { return Self.notAllowed("GET") }
        var out = await stats.exposition()
        ProcessFigures.write(to: &out)
        return Response(status: .ok, headers: [.contentType: Exposition.contentType], body: .init(byteBuffer: ByteBuffer(bytes: out.bytes)))
    }

    /// A page of entries. Their prompts and answers are left out when `showsPrompts` is false.
    func list(_ request: Request, showsPrompts: Bool = true) async -> Response {
        var selector = EntrySelector()
        var limit = 50
        var cursor: EntryID?
        do throws(SelectorReader.Failure) {
            for (name, value) in request.uri.queryParameters {
                switch name {
                case "limit":
                    guard let number = Int(value), (1...1000).contains(number) else {
                        throw SelectorReader.Failure(message: "limit: expected a number from 1 to 1000, found '\(value)'")
                    }
                    limit = number
                case "cursor":
                    guard let id = EntryID(value) else {
                        throw SelectorReader.Failure(message: "cursor: expected what next_cursor gave, found '\(value)'")
                    }
                    cursor = id
                default: try SelectorReader.set(String(name), String(value), in: &selector)
                }
            }
        } catch {
            return JSONBody.error(.badRequest, error.message, code: "bad_selector")
        }
        do throws(AdministrationError) {
            let page = try await administration.list(selector, after: cursor, limit: limit)
            let now = clock.now()
            return JSONBody.response(
                EntryPageView(
                    entries: page.entries.map {
                        EntryView($0, hits: administration.hits($0.id), now: now, withBody: false, showsPrompts: showsPrompts)
                    },
                    nextCursor: page.next?.description))
        } catch {
            return Self.refusal(error)
        }
    }

    private func export(_ request: Request) async -> Response {
        var selector = EntrySelector()
        var cursor: EntryID?
        do throws(SelectorReader.Failure) {
            for (name, value) in request.uri.queryParameters {
                if name == "after" {
                    guard let id = EntryID(value) else {
                        throw SelectorReader.Failure(message: "after: expected the id of an entry, found '\(value)'")
                    }
                    cursor = id
                } else {
                    try SelectorReader.set(String(name), String(value), in: &selector)
                }
            }
        } catch {
            return JSONBody.error(.badRequest, error.message, code: "bad_selector")
        }
        do throws(AdministrationError) { return try await TransferRoutes(transfer: transfer).export(selector, after: cursor) } catch {
            return Self.refusal(error)
        }
    }

    private func entry(_ name: Substring, method: HTTPRequest.Method) async -> Response {
        guard method == .get || method == .delete else { return Self.notAllowed("GET, DELETE") }
        guard let id = EntryID(name), let entry = await administration.entry(id) else {
            return JSONBody.error(.notFound, "There is no entry '\(name)'.", code: "entry_not_found")
        }
        if method == .get { return JSONBody.response(EntryView(entry, hits: administration.hits(id), now: clock.now(), withBody: true)) }
        var selector = EntrySelector()
        selector.id = id
        return await flush(selector, isDryRun: false)
    }

    private func flush(_ request: Request) async throws -> Response {
        guard let body = try await collect(request) else { return Self.tooLarge }
        do throws(SelectorReader.Failure) {
            let (selector, isDryRun) = try SelectorReader.read(json: body)
            return await flush(selector, isDryRun: isDryRun)
        } catch {
            return JSONBody.error(.badRequest, error.message, code: "bad_selector")
        }
    }

    private func flush(_ selector: EntrySelector, isDryRun: Bool) async -> Response {
        struct Result: Encodable { let matched, removed: Int }
        do throws(AdministrationError) {
            let result = try await administration.flush(selector, isDryRun: isDryRun)
            if !isDryRun { audit("flush", ["selector": "\(selector.auditText)", "matched": "\(result.matched)", "removed": "\(result.removed)"]) }
            return JSONBody.response(Result(matched: result.matched, removed: result.removed))
        } catch {
            return Self.refusal(error)
        }
    }

    private func warm(_ request: Request) async throws -> Response {
        guard let body = try await collect(request) else { return Self.tooLarge }
        // While no admin token is set, `Authorization` is free to carry the application's own credential.
        let authorization = request.headers[.cacheAuthorization] ?? (gate.usesAuthorization ? nil : request.headers[.authorization])
        let report = await warmer.warm(body, authorization: authorization)
        audit("import", ["imported": "\(report.imported)", "asked": "\(report.asked)", "bytes": "\(body.count)"])
        return JSONBody.response(report)
    }

    private func collect(_ request: Request) async throws -> [UInt8]? {
        do {
            return Array(try await request.body.collect(upTo: Self.maximumBody).readableBytesView)
        } catch is NIOTooManyBytesError {
            return nil
        }
    }

    private static var tooLarge: Response {
        var response = JSONBody.error(.contentTooLarge, "The body is larger than \(maximumBody) bytes; send it in parts.", code: "body_too_large")
        response.headers[.connection] = "close"
        return response
    }

    static func notAllowed(_ methods: String) -> Response {
        var response = JSONBody.error(.methodNotAllowed, "Use \(methods).", code: "method_not_allowed")
        response.headers[.allow] = methods
        return response
    }

    private static func refusal(_ error: AdministrationError) -> Response {
        switch error {
        case .embedder: JSONBody.error(.serviceUnavailable, error.description, code: "embedder_failed")
        case .noEmbedder: JSONBody.error(.conflict, error.description, code: "no_embedder")
        case .emptySelector, .selector, .unusableText: JSONBody.error(.badRequest, error.description, code: "bad_selector")
        }
    }
}

extension HTTPField.Name {
    /// Carries the application's credential where `Authorization` is the admin's. The name is a valid token.
    static let cacheAuthorization = Self("X-Cache-Authorization")!
}
