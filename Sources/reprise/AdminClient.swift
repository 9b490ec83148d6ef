import Foundation
import Forwarding
import HTTPTypes
import SemanticCache
import Settings

/// The admin surface of a running proxy, as the commands use it.
struct AdminClient: Sendable {
    private let upstream: any Upstream
    /// The proxy's URL without a slash at its end, for messages.
    let server: String
    private let token: String?

    /// The largest answer that is taken, in bytes.
    private static let answerLimit = 256 << 20

    init(upstream: any Upstream, server: String, token: String?) {
        self.upstream = upstream
        self.server = server
        self.token = token
    }

    /// A client of the proxy at `address`, with the limits of a person who waits: a warm-up's answer may take as long as the model does.
    ///
    /// - Parameter caFile: the authorities that may vouch for the proxy's certificate, in place of the system's.
    static func connecting(to address: String, caFile: String?, token: String?) throws -> AdminClient {
        var limits = Settings().upstream
        limits.baseURL = address
        var endpoint = try UpstreamEndpoint(limits)
        endpoint.caFile = caFile
        endpoint.silenceTimeout = endpoint.firstByteTimeout
        return AdminClient(
            upstream: CurlUpstream(endpoint: endpoint, transport: CurlTransport(maximumConnections: limits.maxConnections)), server: endpoint.baseURL,
            token: token)
    }

    func get(_ path: String, query: [(name: String, value: String)] = []) async throws -> [UInt8] {
        let items = query.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }
        return try await send(.get, items.isEmpty ? path : "\(path)?\(items.joined(separator: "&"))", body: .none)
    }

    func post(_ path: String, body: [UInt8], contentType: String = "application/json", credential: String? = nil) async throws -> [UInt8] {
        try await send(.post, path, body: .bytes(body), contentType: contentType, credential: credential)
    }

    /// Reads an answer as it comes: first its header fields, then its pieces.
    func stream(
        _ path: String, query: [(name: String, value: String)], onHead: (HTTPFields) throws -> Void, onChunk: ([UInt8]) throws -> Void
    ) async throws {
        let items = query.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }
        var fields = HTTPFields()
        if let token { fields[.authorization] = "Bearer \(token)" }
        do {
            let target = items.isEmpty ? path : "\(path)?\(items.joined(separator: "&"))"
            let response = try await upstream.send(UpstreamRequest(method: .get, target: target, fields: fields, body: .none))
            guard response.status == .ok else {
                return try check(response.status, try await response.body.collect(upTo: 1 << 20) ?? [])
            }
            try onHead(response.fields)
            for try await chunk in response.body { try onChunk(chunk) }
        } catch let error as UpstreamError {
            throw CommandFailure(.unavailable, "no proxy answers at \(server), or it stopped in the middle: \(reason(of: error))")
        }
    }

    /// Reads a JSON answer.
    func decode<Value: Decodable>(_ type: Value.Type, from body: [UInt8]) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do { return try decoder.decode(type, from: Data(body)) } catch {
            throw CommandFailure(.unavailable, "something answers at \(server), but not as this version of Reprise does: is the URL right?")
        }
    }

    private func send(
        _ method: HTTPRequest.Method, _ target: String, body: RequestBody, contentType: String? = nil, credential: String? = nil
    ) async throws -> [UInt8] {
        var fields = HTTPFields()
        fields[.accept] = "application/json"
        fields[.contentType] = contentType
        if let token { fields[.authorization] = "Bearer \(token)" }
        if let credential, let name = HTTPField.Name("X-Cache-Authorization") { fields[name] = credential }
        let response: UpstreamResponse
        let content: [UInt8]?
        do {
            response = try await upstream.send(UpstreamRequest(method: method, target: target, fields: fields, body: body))
            content = try await response.body.collect(upTo: Self.answerLimit)
        } catch let error as UpstreamError {
            throw CommandFailure(.unavailable, "no proxy answers at \(server): \(reason(of: error))")
        }
        guard let content else { throw CommandFailure(.failure, "the answer of \(server) is larger than \(spokenSize(Self.answerLimit))") }
        try check(response.status, content)
        return content
    }

    private func check(_ status: HTTPResponse.Status, _ content: [UInt8]) throws {
        guard !(200..<300).contains(status.code) else { return }
        let message = errorMessage(in: content) ?? "status \(status.code)"
        switch status.code {
        case 401, 403:
            let hint = token == nil ? "set REPRISE_ADMIN_TOKEN to its admin token" : "REPRISE_ADMIN_TOKEN does not hold its admin token"
            throw CommandFailure(.notAllowed, "\(server) does not allow this: \(message); \(hint)")
        case 404 where errorMessage(in: content) == nil, 405 where errorMessage(in: content) == nil:
            throw CommandFailure(.unavailable, "something answers at \(server), but it does not know this path: is it Reprise?")
        default:
            throw CommandFailure(.failure, "\(server) answers: \(message)")
        }
    }

    /// The message of an error in OpenAI's shape.
    private func errorMessage(in content: [UInt8]) -> String? {
        struct Failure: Decodable {
            struct Details: Decodable { var message: String }
            var error: Details
        }
        return (try? JSONDecoder().decode(Failure.self, from: Data(content))).map { printable($0.error.message) }
    }

    /// The reason without the words about an upstream: here the proxy is the peer.
    private func reason(of error: UpstreamError) -> String {
        switch error {
        case .unreachable(let reason), .tls(let reason), .broken(let reason), .requestBody(let reason): reason
        case .timedOut(let phase, let limit): "it took longer than \(limit) while \(phase.rawValue)"
        case .cancelled, .closed: "the call was cancelled"
        case .overloaded, .circuitOpen: error.description
        }
    }
}

/// Everything but letters, digits and `-._~` as `%XX`.
func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            result.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            let digits = String(byte, radix: 16, uppercase: true)
            result += "%" + (digits.count == 1 ? "0" : "") + digits
        }
    }
    return result
}
