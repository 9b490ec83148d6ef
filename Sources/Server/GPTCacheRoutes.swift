import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Proxy
import SemanticCache

/// The two calls of GPTCache's server, for applications that used it: `POST /put` keeps an answer to a prompt, `POST /get` finds one, also for the prompt in
/// other words.
///
/// They speak of the same entries as chat completions that name no model and have the prompt as their only message, within the caller's own tenant.
struct GPTCacheRoutes: Sendable {
    /// What both calls take, and what `get` gives.
    private struct Exchange: Codable {
        var prompt: String
        var answer: String?
    }

    private struct Completion: Decodable {
        struct Choice: Decodable { let message: Message }
        struct Message: Decodable { let content: String? }

        let choices: [Choice]
    }

    let pipeline: RequestPipeline
    let warmer: CacheWarmer
    let maximumBody: Int
    let audit: AuditLog

    func respond(to request: Request, path: Substring, id: String) async throws -> Response {
        guard let bytes = try await request.bytes(upTo: maximumBody) else { return JSONBody.tooLarge(limit: maximumBody) }
        guard let exchange = try? JSONDecoder().decode(Exchange.self, from: Data(bytes)) else {
            return JSONBody.error(.unprocessableContent, #"The body must be an object such as {"prompt": "...", "answer": "..."}."#, code: "bad_body")
        }
        return path == "/put" ? try await put(exchange, request, id: id) : try await get(exchange, request, id: id)
    }

    private func put(_ exchange: Exchange, _ request: Request, id: String) async throws -> Response {
        guard pipeline.maySubmit(request.headers) else {
            return JSONBody.error(
                .unauthorized, "Only a caller with a key of this proxy (auth.clients) may put answers into a cache that the network can reach.",
                code: "unauthenticated")
        }
        let record = Exchange(prompt: exchange.prompt, answer: exchange.answer ?? "")
        let report = await warmer.warm(
            Array(try JSONEncoder().encode(record)), credential: TenantResolver.credentialFields(of: request.headers))
        guard let failure = report.errors.first else {
            audit.write("put", by: .client, ["request": "\(id)", "imported": "\(report.imported)", "replaced": "\(report.already)"])
            return JSONBody.response("successfully update the cache")
        }
        return JSONBody.error(.badRequest, failure.message, code: "bad_record")
    }

    private func get(_ exchange: Exchange, _ request: Request, id: String) async throws -> Response {
        struct Body: Encodable {
            struct Message: Encodable {
                let role = "user"
                let content: String
            }

            let messages: [Message]
        }
        var fields = TenantResolver.credentialFields(of: request.headers)
        fields[.cacheControl] = "only-if-cached"
        let body = Array(try JSONEncoder().encode(Body(messages: [.init(content: exchange.prompt)])))
        let response = await pipeline.handle(
            ProxyRequest(id: id, method: .post, path: "/v1/chat/completions", fields: fields, body: .bytes(body)))
        var found = Found(prompt: exchange.prompt, answer: nil)
        if response.status == .ok, case .bytes(let bytes) = response.body {
            found.answer = try? JSONDecoder().decode(Completion.self, from: Data(bytes)).choices.first?.message.content
        }
        var answer = JSONBody.response(found)
        for field in response.fields where field.name.canonicalName.hasPrefix("x-cache") || field.name.canonicalName == "cache-status" {
            answer.headers[field.name] = field.value
        }
        return answer
    }

    /// Says `null` where nothing was found, as GPTCache does.
    private struct Found: Encodable {
        let prompt: String
        var answer: String?

        enum CodingKeys: CodingKey { case prompt, answer }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(prompt, forKey: .prompt)
            try container.encode(answer, forKey: .answer)
        }
    }
}
