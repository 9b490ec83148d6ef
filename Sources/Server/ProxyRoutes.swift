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
        let isCollected = request.method == .post && Endpoint(path: path.beforeQuery) != nil
        let body: SemanticCache.RequestBody
        if isCollected {
            guard let bytes = try await request.bytes(upTo: maximumBody) else {
                var response = Self.response(from: tooLarge(path: path), presence: presence, place: place)
                response.headers[.connection] = "close"
                return response
            }
            body = .bytes(bytes)
        } else {
            body = Self.stream(request)
        }
        let proxyRequest = ProxyRequest(id: id, method: request.method, path: path, fields: request.headers, body: body)
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
        let source = RequestBodySource(request.body)
        return .stream(ByteStream(next: { try await source.next() }), length: length)
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
                    let pump = BodyPump(writer)
                    try await presence.whilePresent { try await pump.run(stream) }
                    try await pump.finish()
                })
            if let length { response.headers[.contentLength] = String(length) }
            return response
        }
    }
}

/// Hands a request's body over chunk by chunk.
///
/// `@unchecked Sendable`: a `ByteStream` has a single consumer, which calls `next` once the call before has returned.
private final class RequestBodySource: @unchecked Sendable {
    private var iterator: Hummingbird.RequestBody.AsyncIterator

    init(_ body: Hummingbird.RequestBody) { iterator = body.makeAsyncIterator() }

    func next() async throws -> [UInt8]? {
        try await iterator.next().map { Array($0.readableBytesView) }
    }
}

/// Writes a stream to the client.
///
/// `@unchecked Sendable`: the writer is used by one task at a time; `whilePresent` awaits its task before the caller goes on.
private final class BodyPump: @unchecked Sendable {
    private var writer: any ResponseBodyWriter

    init(_ writer: any ResponseBodyWriter) { self.writer = writer }

    func run(_ stream: ByteStream) async throws {
        for try await chunk in stream {
            try Task.checkCancellation()
            try await writer.write(ByteBuffer(bytes: chunk))
        }
        try Task.checkCancellation()
    }

    func finish() async throws { try await writer.finish(nil) }
}
