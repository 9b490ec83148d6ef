import HTTPTypes
import SemanticCache
import Telemetry
import WireFormats

/// Step 7b: a request on its way to the upstream.
struct Forwarder: Sendable {
    let upstream: any Upstream
    let metrics: ProxyMetrics

    /// Sends the request as the client sent it, hop-by-hop fields aside; the body streams both ways.
    func passThrough(_ request: ProxyRequest, strippingControls: Bool) async -> ProxyResponse {
        var fields = request.fields
        if strippingControls { RequestControls.strip(&fields) }
        do throws(UpstreamError) {
            let response = try await send(request, fields: fields)
            return ProxyResponse(status: response.status, fields: response.fields, body: .stream(response.body))
        } catch {
            return ErrorResponse.upstream(error, path: request.path)
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
        let isBelowVersion = request.path.hasPrefix(ProxyPath.base + "/")
        let target = isBelowVersion ? String(request.path.dropFirst(ProxyPath.base.count)) : request.path
        do throws(UpstreamError) {
            let departed = ContinuousClock.now
            let response = try await upstream.send(
                UpstreamRequest(
                    method: request.method, target: target, isFromRoot: !isBelowVersion, fields: fields, body: request.body,
                    upgrade: request.upgrade))
            metrics.upstreamFirstByte.record(ContinuousClock.now - departed)
            return response
        } catch {
            metrics.recordUpstreamError()
            throw error
        }
    }
}
