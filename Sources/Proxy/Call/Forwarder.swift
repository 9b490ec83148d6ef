import HTTPTypes
import SemanticCache
import Telemetry
import WireFormats

/// Step 7b: a request on its way to the upstream.
struct Forwarder: Sendable {
    let upstream: any Upstream
    let metrics: ProxyMetrics

    /// Sends the request as the client sent it, hop-by-hop fields aside; the body streams both ways.
    func passThrough(_ request: ProxyRequest, reason: BypassReason, strippingControls: Bool) async -> ProxyResponse {
        var fields = request.fields
        if strippingControls { RequestControls.strip(&fields) }
        do throws(UpstreamError) {
            let response = try await send(request, fields: fields)
            var answer = ProxyResponse(status: response.status, fields: response.fields, body: .stream(response.body))
            answer.fields.merge(CacheOutcome.bypass(reason).fields)
            return answer
        } catch {
            return ErrorResponse.upstream(error, path: request.path).adding(CacheOutcome.bypass(reason).fields)
        }
    }

    /// Sends a request whose answer may be recorded.
    ///
    /// Compression is not asked for: a compressed body could be neither compared nor replayed in the other form.
    func send(recordable request: ProxyRequest) async throws(UpstreamError) -> UpstreamResponse {
        var fields = request.fields
        RequestControls.strip(&fields)
        fields[.acceptEncoding] = nil
        return try await send(request, fields: fields)
    }

    private func send(_ request: ProxyRequest, fields: HTTPFields) async throws(UpstreamError) -> UpstreamResponse {
        var fields = fields
        fields[.contentLength] = nil
        // What the client sent goes on as it is, also where it was not fit to name the request.
        if fields[.xRequestID] == nil { fields[.xRequestID] = request.id }
        let isBelowVersion = request.path.hasPrefix(ProxyPath.prefix + "/")
        let target = isBelowVersion ? String(request.path.dropFirst(ProxyPath.prefix.count)) : request.path
        do throws(UpstreamError) {
            let departed = ContinuousClock.now
            let response = try await upstream.send(
                UpstreamRequest(method: request.method, target: target, isFromRoot: !isBelowVersion, fields: fields, body: request.body))
            metrics.upstreamFirstByte.record(ContinuousClock.now - departed)
            return response
        } catch {
            metrics.recordUpstreamError()
            throw error
        }
    }
}

/// The part of the URL space that is forwarded.
package enum ProxyPath {
    /// Paths that begin with this and a slash are the upstream's.
    package static let prefix = "/v1"

    /// Whether a path stays below the upstream's base URL: no dot segments, plain or encoded, no backslash, no control characters.
    package static func isSafe(_ path: Substring) -> Bool {
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else { return false }
        guard path.utf8.contains(UInt8(ascii: ".")) || path.utf8.contains(UInt8(ascii: "%")) else { return true }
        return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { segment in
            let plain = segment.lowercased().replacing("%2e", with: ".")
            return plain != "." && plain != ".." && !plain.contains("%2f") && !plain.contains("%5c") && !plain.contains("%00")
        }
    }
}

extension HTTPFields {
    /// Sets each of `other`'s fields in place of those with the same name.
    mutating func merge(_ other: HTTPFields) {
        for field in other { self[field.name] = field.value }
    }
}

extension ProxyResponse {
    func adding(_ fields: HTTPFields) -> ProxyResponse {
        var response = self
        response.fields.merge(fields)
        return response
    }
}
