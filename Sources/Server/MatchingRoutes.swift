import Foundation
import HTTPTypes
import Hummingbird
import Learning
import Logging
import NIOCore
import Proxy
import SemanticCache
import WireFormats

/// The part of the admin surface about decisions: `POST /cache/explain`, `POST /cache/feedback` and `GET /cache/near-misses`.
struct MatchingRoutes: Sendable {
    private static let maximumBody = 32 << 20

    let pipeline: RequestPipeline
    let gate: AdminGate

    /// The body is what would be sent to a cached endpoint; `?endpoint=` names another than chat completions.
    func explain(_ request: Request) async throws -> Response {
        let name = request.uri.queryParameters["endpoint"].map(String.init) ?? Endpoint.chatCompletions.path
        guard WireTarget(path: name[...]) != nil else {
            let known = Endpoint.allCases.map(\.path).joined(separator: ", ")
            return JSONBody.error(.badRequest, "endpoint: expected one of \(known), found '\(name)'", code: "bad_endpoint")
        }
        guard let body = try await request.bytes(upTo: Self.maximumBody) else { return JSONBody.tooLarge(limit: Self.maximumBody) }
        var fields = request.headers
        fields[.authorization] = credential(of: request)
        do throws(ExplainError) {
            return JSONBody.response(
                try await pipeline.explain(ProxyRequest(id: "explain", method: .post, path: name, fields: fields, body: .bytes(body))))
        } catch {
            switch error {
            case .bypass(let reason):
                return JSONBody.response(["decision": "bypass", "reason": reason.rawValue])
            case .refused(let message):
                return Response(
                    status: .badRequest, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(string: message)))
            }
        }
    }

    /// What a person says of an answer that was served by meaning, or of one that nearly was.
    func feedback(_ request: Request, _ note: AuditNote) async throws -> Response {
        struct Body: Decodable {
            let entry: String
            let request: String?
            let correct: Bool
        }
        guard let body = try await request.bytes(upTo: Self.maximumBody) else { return JSONBody.tooLarge(limit: Self.maximumBody) }
        guard let feedback = try? JSONDecoder().decode(Body.self, from: Data(body)), let id = EntryID(feedback.entry) else {
            return JSONBody.error(
                .badRequest, "expected {\"entry\": id, \"request\": id, \"correct\": true or false}; request may be left out", code: "bad_feedback")
        }
        guard let learner = pipeline.learner else {
            return JSONBody.error(.conflict, "no model is loaded, so nothing is served by meaning", code: "no_embedder")
        }
        let tenant = credential(of: request).map { pipeline.tenant(authorization: $0) }
        let subject: MatchLearner.Subject
        do throws(MatchLearner.FeedbackError) {
            subject = try await learner.feedback(entry: id, requestID: feedback.request, isRight: feedback.correct, tenant: tenant)
        } catch {
            switch error {
            case .unknownEntry, .unknownRequest: return JSONBody.error(.notFound, error.description, code: "bad_feedback")
            case .otherEntry, .nothingToLearn: return JSONBody.error(.conflict, error.description, code: "bad_feedback")
            case .alreadyJudged: return JSONBody.error(.conflict, error.description, code: "already_judged")
            }
        }
        note.add([
            "entry": "\(id)", "request": "\(feedback.request ?? "")", "correct": "\(feedback.correct)", "about": "\(subject.rawValue)",
        ])
        struct Result: Encodable {
            let entry, about: String
            let correct, semantic: Bool
        }
        return JSONBody.response(
            Result(
                entry: feedback.entry, about: subject.rawValue, correct: feedback.correct, semantic: feedback.correct || subject == .nearMiss))
    }

    /// The latest decisions that a person may want to judge.
    func nearMisses(_ request: Request) -> Response {
        struct Body: Encodable { let nearMisses: [View] }
        struct View: Encodable {
            let kind, at, request, entry, asked, cached, reason: String
            let similarity: Double
            let score: Double?
            let findings: [String]
            let open: Bool
            let correct: Bool?
        }
        let limit = request.uri.queryParameters["limit"].flatMap { Int($0) } ?? 50
        guard (1...1000).contains(limit) else { return JSONBody.error(.badRequest, "limit: expected a number from 1 to 1000", code: "bad_limit") }
        let found = pipeline.learner?.nearMisses(limit: limit) ?? []
        return JSONBody.response(
            Body(
                nearMisses: found.map { miss in
                    View(
                        kind: miss.kind.rawValue, at: Date(timeIntervalSince1970: Double(miss.at.milliseconds) / 1000).formatted(.iso8601),
                        request: miss.requestID, entry: miss.entry.description, asked: miss.asked, cached: miss.cached, reason: miss.reason,
                        similarity: Double(miss.similarity), score: miss.score, findings: miss.findings, open: miss.isOpen, correct: miss.isSame)
                }))
    }

    /// While no admin token is set, `Authorization` is free to carry the application's own credential.
    private func credential(of request: Request) -> String? {
        request.headers[.cacheAuthorization] ?? (gate.usesAuthorization ? nil : request.headers[.authorization])
    }
}
