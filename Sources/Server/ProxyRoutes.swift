import HTTPTypes
import Hummingbird
import NIOCore
import Proxy
import SemanticCache
import WireFormats

/// Step 1 and the way back: `/v1/...` between the socket and the pipeline.
struct ProxyRoutes: Sendable {
    let pipeline: RequestPipeline
    /// The largest body of a cached endpoint, in bytes. Everything else streams and is not limited.
    let maximumBody: Int
    let presences: ClientPresences

    func respond(to request: Request, path: String, channel: any Channel, id: String, place: RequestGate.Place) async throws -> Response {
        let presence = presences.presence(of: channel)
        if let begun = presence.takeBegun() { return try await respond(to: begun.beginning, id: begun.id, presence: presence, place: place) }
        return try await RequestExecutor.away {
            try await respondFromBody(to: request, path: path, presence: presence, id: id, place: place)
        }
    }

    /// Reads the request first, whose body may be large.
    private func respondFromBody(to request: Request, path: String, presence: ClientPresence, id: String, place: RequestGate.Place) async throws
        -> Response
    {
        let isCollected = request.method == .post && Endpoint(path: path[...]) != nil
        let body: SemanticCache.RequestBody
        var upgrade: String?
        if request.head.asksForWebSocket, let bytes = presence.bytes {
            body = .stream(bytes.stream(), length: nil)
            upgrade = "websocket"
        } else if isCollected {
            guard let bytes = try await request.bytes(upTo: maximumBody) else {
                var response = Self.response(from: tooLarge(path: path), presence: presence, place: place)
                response.headers[.connection] = "close"
                return response
            }
            body = .bytes(bytes)
        } else {
            body = Self.stream(request)
        }
        let proxyRequest = ProxyRequest(id: id, method: request.method, path: path, fields: request.headers, body: body, upgrade: upgrade)
        return try await respond(to: pipeline.begin(proxyRequest), id: id, presence: presence, place: place)
    }

    /// Only a request that waits for something needs to notice that its client left.
    private func respond(to beginning: RequestPipeline.Beginning, id: String, presence: ClientPresence, place: RequestGate.Place) async throws
        -> Response
    {
        var answer: ProxyResponse
        switch beginning {
        case .answered(let response): answer = response
        case .underway(let begun): answer = try await presence.whilePresent { [pipeline] in await pipeline.finish(begun) }
        }
        if answer.fields[.xRequestID] == nil { answer.fields[.xRequestID] = id }
        return Self.response(from: answer, presence: presence, place: place)
    }

    private func tooLarge(path: String) -> ProxyResponse {
        ErrorResponse.client(
            .contentTooLarge, message: "The request body is larger than the \(maximumBody) bytes that server.max_body allows.",
            code: "body_too_large",
            path: path)
    }

    /// The body as a stream, or none for a request that has neither a length nor chunks.
    private static func stream(_ request: Request) -> SemanticCache.RequestBody {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        guard length ?? 0 > 0 || request.headers.contains(.transferEncoding) else { return length == 0 ? .bytes([]) : .none }
        let chunks = ByteStream(state: request.body.makeAsyncIterator()) { body in try await body.next().map { Array($0.readableBytesView) } }
        return .stream(chunks, length: length)
    }

    /// Turns the pipeline's response into the server's. A stream that breaks throws, which closes the connection without a clean end.
    static func response(from answer: ProxyResponse, presence: ClientPresence, place: RequestGate.Place?) -> Response {
        switch answer.body {
        case .bytes(let bytes):
            return Response(status: answer.status, headers: answer.fields, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
        case .stream(let stream):
            let length = answer.fields[.contentLength].flatMap { Int($0) }
            var response = Response(
                status: answer.status, headers: answer.fields,
                body: ResponseBody { writer in
                    // Held to the end of the body.
                    defer { withExtendedLifetime(place) {} }
                    // `whilePresent` awaits its task, so the writer is back before it is used again.
                    let client = Exclusive(writer)
                    try await presence.whilePresent { try await client.use { try await write(stream, to: &$0) } }
                    try await client.use { try await $0.finish(nil) }
                })
            if let length { response.headers[.contentLength] = String(length) }
            return response
        }
    }

    private static func write(_ stream: ByteStream, to client: inout any ResponseBodyWriter) async throws {
        for try await chunk in stream {
            try Task.checkCancellation()
            try await client.write(ByteBuffer(bytes: chunk))
        }
        try Task.checkCancellation()
    }
}
