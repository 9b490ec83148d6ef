import Cache
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
        case .open where gate.isMisled(authority: request.head.authority):
            return JSONBody.error(
                .forbidden, "Without an admin token (admin.token_env) the admin surface answers to addresses and local names only.",
                code: "foreign_host")
        case .open:
            guard request.method != .get, request.method != .head, gate.isForeign(request.headers, authority: request.head.authority) else {
                return nil
            }
            return JSONBody.error(.forbidden, "A page of another site may not change the cache.", code: "foreign_origin")
        }
    }

    /// The response to a request whose path begins with `/cache/`.
    ///
    /// What changes something is written to the audit log here, whichever route it takes: also when its body breaks off in the middle, for by then
    /// something may have changed.
    func respond(to request: Request, path: Substring) async throws -> Response {
        if let refusal = refusal(of: request) { return refusal }
        guard let route = AdminRoute(path: path) else { return JSONBody.error(.notFound, "There is no \(path).", code: "not_found") }
        guard route.methods.contains(request.method) else { return Self.notAllowed(route.methods.map(\.rawValue).joined(separator: ", ")) }
        let note = AuditNote()
        do {
            let response = try await respond(to: request, route, path: path, note)
            if route.mayChange(request.method), response.status.kind == .successful { write(note, of: route, request.method) }
            return response
        } catch {
            if route.mayChange(request.method) {
                note.add(["broke_off": "\(error)"])
                write(note, of: route, request.method)
            }
            throw error
        }
    }

    private func respond(to request: Request, _ route: AdminRoute, path: Substring, _ note: AuditNote) async throws -> Response {
        switch route {
        case .description: return OpenAPIDescription.response
        case .stats: return JSONBody.response(await stats.report())
        case .entries: return await list(request)
        case .entry: return await entry(path.dropFirst("/cache/entries/".count), request, note)
        case .flush: return try await flush(request, note)
        case .export: return await export(request)
        case .import: return JSONBody.response(try await TransferRoutes(transfer: transfer).take(request.body, note))
        case .warm: return try await warm(request, note)
        case .explain, .feedback, .nearMisses:
            guard let matching else { return JSONBody.error(.notFound, "There is no \(path).", code: "not_found") }
            switch route {
            case .explain: return try await matching.explain(request)
            case .feedback: return try await matching.feedback(request, note)
            default: return matching.nearMisses(request)
            }
        }
    }

    private func write(_ note: AuditNote, of route: AdminRoute, _ method: HTTPRequest.Method) {
        guard let facts = note.facts else { return }
        let action = route == .entry ? "delete" : String(route.rawValue.dropFirst("/cache/".count))
        AuditLog(logger: logger).write(action, by: gate.usesAuthorization ? .token : .loopback, facts)
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
    ///
    /// - Parameter isLocal: whether only this proxy's part is listed where the request does not say.
    func list(_ request: Request, showsPrompts: Bool = true, isLocal: Bool = false) async -> Response {
        var selector = EntrySelector()
        var limit = 50
        var order = EntryOrder.oldest
        var cursor: CacheAdministration.Place?
        var isLocal = isLocal
        do throws(SelectorReader.Failure) {
            for (name, value) in request.uri.queryParameters {
                switch name {
                case "limit":
                    guard let number = Int(value), (1...1000).contains(number) else {
                        throw SelectorReader.Failure(message: "limit: expected a number from 1 to 1000, found '\(value)'")
                    }
                    limit = number
                case "order":
                    guard let named = EntryOrder(rawValue: String(value)) else {
                        throw SelectorReader.Failure(message: "order: expected oldest or newest, found '\(value)'")
                    }
                    order = named
                case "cursor":
                    guard let place = CacheAdministration.Place(String(value)) else {
                        throw SelectorReader.Failure(message: "cursor: expected what next_cursor gave, found '\(value)'")
                    }
                    cursor = place
                case "local": isLocal = try SelectorReader.local(value)
                default: try SelectorReader.set(String(name), String(value), in: &selector)
                }
            }
            selector = try SelectorReader.whole(selector)
        } catch {
            return JSONBody.error(.badRequest, error.message, code: "bad_selector")
        }
        do throws(AdministrationError) {
            let page = try await administration.list(selector, order, after: cursor, limit: limit, isLocal: isLocal)
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
        var isLocal = false
        do throws(SelectorReader.Failure) {
            for (name, value) in request.uri.queryParameters {
                if name == "local" {
                    isLocal = try SelectorReader.local(value)
                } else if name == "after" {
                    guard let id = EntryID(value) else {
                        throw SelectorReader.Failure(message: "after: expected the id of an entry, found '\(value)'")
                    }
                    cursor = id
                } else {
                    try SelectorReader.set(String(name), String(value), in: &selector)
                }
            }
            selector = try SelectorReader.whole(selector)
        } catch {
            return JSONBody.error(.badRequest, error.message, code: "bad_selector")
        }
        do throws(AdministrationError) {
            let routes = TransferRoutes(transfer: transfer)
            if !isLocal, let response = try await routes.exportWhole(selector) {
                guard cursor == nil else {
                    return JSONBody.error(
                        .badRequest, "after: the whole cache comes in an order of the engine's: with local=true only this proxy's part is exported.",
                        code: "bad_selector")
                }
                return response
            }
            return try await routes.export(selector, after: cursor)
        } catch { return Self.refusal(error) }
    }

    private func entry(_ name: Substring, _ request: Request, _ note: AuditNote) async -> Response {
        var isLocal = false
        do throws(SelectorReader.Failure) {
            for (parameter, value) in request.uri.queryParameters where parameter == "local" { isLocal = try SelectorReader.local(value) }
        } catch { return JSONBody.error(.badRequest, error.message, code: "bad_selector") }
        guard let id = EntryID(name), let entry = await administration.entry(id, isLocal: isLocal) else {
            return JSONBody.error(.notFound, "There is no entry '\(name)'.", code: "entry_not_found")
        }
        if request.method == .get { return JSONBody.response(EntryView(entry, hits: administration.hits(id), now: clock.now(), withBody: true)) }
        var selector = EntrySelector()
        selector.id = id
        return await flush(SelectorReader.Flush(selector: selector, isDryRun: false, isLocal: isLocal), note)
    }

    private func flush(_ request: Request, _ note: AuditNote) async throws -> Response {
        guard let body = try await collect(request) else { return Self.tooLarge }
        do throws(SelectorReader.Failure) {
            return await flush(try SelectorReader.read(json: body), note)
        } catch {
            return JSONBody.error(.badRequest, error.message, code: "bad_selector")
        }
    }

    private func flush(_ flush: SelectorReader.Flush, _ note: AuditNote) async -> Response {
        struct Result: Encodable { let matched, removed: Int }
        do throws(AdministrationError) {
            let result = try await administration.flush(flush.selector, isDryRun: flush.isDryRun, isLocal: flush.isLocal)
            if flush.isDryRun { note.dismiss() }
            if flush.isLocal { note.add(["part": "local"]) }
            note.add(["selector": "\(flush.selector.auditText)", "matched": "\(result.matched)", "removed": "\(result.removed)"])
            return JSONBody.response(Result(matched: result.matched, removed: result.removed))
        } catch {
            return Self.refusal(error)
        }
    }

    private func warm(_ request: Request, _ note: AuditNote) async throws -> Response {
        guard let body = try await collect(request) else { return Self.tooLarge }
        // While no admin token is set, `Authorization` is free to carry the application's own credential.
        let authorization = request.headers[.cacheAuthorization] ?? (gate.usesAuthorization ? nil : request.headers[.authorization])
        let report = await warmer.warm(body, authorization: authorization)
        note.add(["imported": "\(report.imported)", "asked": "\(report.asked)", "bytes": "\(body.count)"])
        return JSONBody.response(report)
    }

    private func collect(_ request: Request) async throws -> [UInt8]? { try await request.bytes(upTo: Self.maximumBody) }

    private static var tooLarge: Response { JSONBody.tooLarge(limit: maximumBody, advice: "; send it in parts") }

    static func notAllowed(_ methods: String) -> Response {
        var response = JSONBody.error(.methodNotAllowed, "Use \(methods).", code: "method_not_allowed")
        response.headers[.allow] = methods
        return response
    }

    private static func refusal(_ error: AdministrationError) -> Response {
        switch error {
        case .embedder: JSONBody.error(.serviceUnavailable, error.description, code: "embedder_failed")
        case .engine: JSONBody.error(.serviceUnavailable, error.description, code: "shared_tier_failed")
        case .noEmbedder: JSONBody.error(.conflict, error.description, code: "no_embedder")
        case .emptySelector, .selector, .unusableText: JSONBody.error(.badRequest, error.description, code: "bad_selector")
        }
    }
}

extension HTTPField.Name {
    /// Carries the application's credential where `Authorization` is the admin's. The name is a valid token.
    static let cacheAuthorization = Self("X-Cache-Authorization")!
}
