package import SemanticCache
import Synchronization

/// An upstream that can be exchanged while calls are under way: those go on where they began, new ones go to the new one.
package final class SwitchedUpstream: Upstream {
    private let current: Mutex<any Upstream>

    package init(_ upstream: any Upstream) { current = Mutex(upstream) }

    /// Sends all further calls to `upstream`.
    package func exchange(for upstream: any Upstream) { current.withLock { $0 = upstream } }

    package func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        try await current.withLock { $0 }.send(request)
    }
}
