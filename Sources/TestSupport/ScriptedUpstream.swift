package import HTTPTypes
package import SemanticCache
import Synchronization

/// An upstream that answers by a script and remembers what it was asked.
package final class ScriptedUpstream: Upstream {
    /// What the upstream does with one request.
    package enum Reply: Sendable {
        case response(status: HTTPResponse.Status, fields: HTTPFields, chunks: [[UInt8]])
        /// The same from another upstream than the one that was asked, as a fallback gives it.
        case standIn(fields: HTTPFields, chunks: [[UInt8]])
        /// The body breaks off after these chunks.
        case broken(fields: HTTPFields, chunks: [[UInt8]])
        /// The body is whatever the stream gives, at its own pace.
        case streamed(fields: HTTPFields, ByteStream)
        case failure(UpstreamError)
    }

    /// One request as it came.
    package struct Call: Sendable {
        package let request: UpstreamRequest
        /// The body, streams read to their end.
        package let body: [UInt8]
    }

    private let script: @Sendable (UpstreamRequest, [UInt8]) -> Reply
    private let log = Mutex<[Call]>([])

    package init(_ script: @escaping @Sendable (UpstreamRequest, [UInt8]) -> Reply) { self.script = script }

    /// Everything that was asked, in order.
    package var calls: [Call] { log.withLock { $0 } }

    package func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        let body: [UInt8]
        switch request.body {
        case .none: body = []
        case .bytes(let bytes): body = bytes
        case .stream(let stream, _):
            do { body = try await stream.collect(upTo: 1 << 26) ?? [] } catch { throw .requestBody("\(error)") }
        }
        log.withLock { $0.append(Call(request: request, body: body)) }
        switch script(request, body) {
        case .response(let status, let fields, let chunks):
            return UpstreamResponse(status: status, fields: fields, body: ByteStream(chunks))
        case .standIn(let fields, let chunks):
            var response = UpstreamResponse(status: .ok, fields: fields, body: ByteStream(chunks))
            response.isStandIn = true
            return response
        case .broken(let fields, let chunks):
            return UpstreamResponse(
                status: .ok, fields: fields,
                body: ByteStream(state: chunks.makeIterator()) { chunks in
                    guard let chunk = chunks.next() else { throw UpstreamError.broken("scripted") }
                    return chunk
                })
        case .streamed(let fields, let body): return UpstreamResponse(status: .ok, fields: fields, body: body)
        case .failure(let error): throw error
        }
    }
}
