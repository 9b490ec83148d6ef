import HTTPTypes
import SemanticCache
import Synchronization
import WireFormats

/// The door: lets a request in under ``AccessRules``, or says why not.
final class AccessControl: Sendable {
    /// What a client may still ask for. Its limit is set anew when a reload changed it.
    private final class Allowance: Sendable {
        let tokens: Mutex<(perMinute: Int, bucket: TokenBucket)>

        init(perMinute: Int, at now: Timestamp) { tokens = Mutex((perMinute, TokenBucket(perMinute: perMinute, at: now))) }
    }

    /// By the names of clients, so that their number is bounded by the configuration.
    private let allowances = Mutex<[String: Allowance]>([:])

    /// What comes in: from whom, and as it may go on.
    struct Admission: Sendable {
        let caller: AccessRules.Caller
        /// Without the client's key where this proxy gave it out: no upstream has any use for it.
        let request: ProxyRequest
        /// The body, where it had to be read to say who may ask for its model.
        let document: JSONDocument?
    }

    func admit(_ request: ProxyRequest, under rules: AccessRules, at now: Timestamp) -> Result<Admission, AccessRefusal> {
        guard let caller = rules.caller(of: request.callerFields) else { return .failure(.unknownKey) }
        guard case .client(let client) = caller else { return .success(Admission(caller: caller, request: request, document: nil)) }
        var document: JSONDocument?
        if let model = Self.forbiddenModel(of: request, for: client, reading: &document) { return .failure(.model(model, client: client.name)) }
        if let limit = client.requestsPerMinute, let wait = take(from: client.name, limit: limit, at: now) {
            return .failure(.tooMany(limit, wait: wait))
        }
        return .success(Admission(caller: caller, request: request.withoutClientKey(), document: document))
    }

    /// The model that the client may not ask for; empty when the request does not tell its model.
    private static func forbiddenModel(
        of request: ProxyRequest, for client: AccessRules.Client, reading document: inout JSONDocument?
    ) -> String? {
        guard let allows = client.allowsModel else { return nil }
        // Lists and look-ups name no model to be run; who wants to talk over a socket does.
        if request.upgrade == nil, request.method == .get || request.method == .head { return nil }
        let named = RequestModel.name(inPath: request.path[...]) ?? (request.upgrade == nil ? nil : RequestModel.realtime(at: request.path[...]))
        var models = named.map { [$0] } ?? []
        if case .bytes(let body) = request.body {
            document = try? JSONDocument(body)
            models += document.map { RequestModel.names(in: $0) } ?? RequestModel.names(in: body)
        }
        guard !models.isEmpty else { return "" }
        return models.first { !allows($0) }
    }

    private func take(from name: String, limit: Int, at now: Timestamp) -> Duration? {
        let allowance = allowances.withLock { allowances in
            if let known = allowances[name] { return known }
            let made = Allowance(perMinute: limit, at: now)
            allowances[name] = made
            return made
        }
        return allowance.tokens.withLock { tokens in
            if tokens.perMinute != limit { tokens = (limit, TokenBucket(perMinute: limit, at: now)) }
            return tokens.bucket.take(at: now)
        }
    }
}

/// Why a request was not let in.
enum AccessRefusal: Error, Sendable {
    case unknownKey
    /// The model that was asked for; empty when none can be read from the request.
    case model(String, client: String)
    case tooMany(Int, wait: Duration)

    func response(path: String) -> ProxyResponse {
        switch self {
        case .unknownKey:
            var response = ErrorResponse.client(
                .unauthorized, message: "The API key is missing, or none that this proxy gave out.", type: "authentication_error",
                code: "invalid_api_key", path: path)
            response.fields[.wwwAuthenticate] = "Bearer"
            return response
        case .model(let model, let client):
            let what = model.isEmpty ? "a request that does not name its model" : "the model '\(model.prefix(200))'"
            return ErrorResponse.client(
                .forbidden, message: "The client '\(client)' may not use \(what).", type: "permission_error", param: "model",
                code: "model_not_allowed", path: path)
        case .tooMany(let limit, let wait):
            var response = ErrorResponse.client(
                .tooManyRequests, message: "This key may make \(limit) requests a minute.", type: "rate_limit_error", code: "rate_limit_exceeded",
                path: path)
            response.fields[.retryAfter] = String(max(1, Int64(wait.inSeconds.rounded(.up))))
            return response
        }
    }
}

extension ProxyRequest {
    fileprivate func withoutClientKey() -> ProxyRequest {
        var fields = fields
        fields.removeClientKey()
        if upgrade != nil { SocketCredentials.remove(from: &fields) }
        return ProxyRequest(id: id, method: method, path: QueryCredentials.removed(from: path), fields: fields, body: body, upgrade: upgrade)
    }
}
