// Forwarding: one HTTP exchange with a provider, over libcurl's multi interface.
//
// `CurlTransport` owns the multi handle and the one thread that may touch it. A `Transfer` is one exchange: its easy handle belongs to that thread,
// its buffers are shared with the task that waits for the answer. Tasks speak to the thread through a queue of commands and `curl_multi_wakeup`.
//
// Invariants
// - libcurl is only called on the transport's thread, `curl_multi_wakeup` aside, which is made for being called from others.
// - A body is handed on as it comes, chunk by chunk. When its reader is 256 KiB behind, the transfer is paused; curl then stops reading
//   the socket, and TCP slows the provider down.
// - An answer that breaks off throws; it never looks like an answer that ended.
// - The bytes are those on the wire: no redirect is followed, nothing decompressed, no field added but Host and the framing.
// - The host comes from the endpoint alone; a request's target is only ever appended to its base URL.
//
// `Resilience/` holds upstreams that wrap another one, so that each can be tested and left out alone. From the outside in, as the composition stacks
// them: routing by path and model, fallback, retries, limit and queue, circuit breaker, libcurl.

import HTTPTypes
package import SemanticCache

/// A provider behind libcurl.
package struct CurlUpstream: Upstream {
    private let endpoint: UpstreamEndpoint
    private let transport: CurlTransport

    /// Several upstreams may share one transport.
    package init(endpoint: UpstreamEndpoint, transport: CurlTransport) {
        self.endpoint = endpoint
        self.transport = transport
    }

    package func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        let transfer = Transfer(plan: RequestPlan(request, endpoint: endpoint))
        let transport = transport
        let head = await withTaskCancellationHandler {
            transport.start(transfer)
            return await transfer.head()
        } onCancel: {
            transport.cancel(transfer)
        }
        let (status, fields) = try head.get()
        let body = ByteStream(
            next: {
                try await withTaskCancellationHandler {
                    try await transfer.next { transport.resume(transfer) }
                } onCancel: {
                    transport.cancel(transfer)
                }
            },
            cancel: { transport.cancel(transfer) })
        return UpstreamResponse(status: status, fields: fields, body: body)
    }
}
