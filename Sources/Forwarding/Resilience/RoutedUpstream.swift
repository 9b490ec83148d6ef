package import SemanticCache

/// Sends each request to the first upstream whose patterns it matches, else to the default one.
///
/// Upstreams come from the configuration alone: nothing in a request names a host, it only matches a pattern or does not.
package struct RoutedUpstream: Upstream {
    /// One upstream and what is sent to it.
    package struct Route: Sendable {
        /// Patterns for the path as the client sent it, without its query; none match any path.
        package let paths: [NamePattern]
        /// Patterns for the model that the request names; none match any, also a request without a model.
        package let models: [NamePattern]
        package let upstream: any Upstream

        package init(paths: [NamePattern], models: [NamePattern], upstream: any Upstream) {
            self.paths = paths
            self.models = models
            self.upstream = upstream
        }
    }

    private let routes: [Route]
    private let fallthroughUpstream: any Upstream
    private let model: @Sendable (_ target: String, _ body: [UInt8]?) -> String?

    /// - Parameters:
    ///   - routes: in order of precedence.
    ///   - model: reads the model's name out of a request's path and query as the client sent them, or out of its body.
    package init(
        routes: [Route], default fallthroughUpstream: any Upstream, model: @escaping @Sendable (_ target: String, _ body: [UInt8]?) -> String?
    ) {
        self.routes = routes
        self.fallthroughUpstream = fallthroughUpstream
        self.model = model
    }

    package func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        try await upstream(for: request).send(request)
    }

    private func upstream(for request: UpstreamRequest) -> any Upstream {
        let path = request.clientPath
        // The body is read once, and only when a pattern asks for its model.
        var known: String??
        for route in routes {
            guard route.paths.isEmpty || route.paths.contains(where: { $0.matches(path) }) else { continue }
            guard !route.models.isEmpty else { return route.upstream }
            if known == nil { known = .some(modelName(of: request)) }
            if let name = known ?? nil, route.models.contains(where: { $0.matches(name) }) { return route.upstream }
        }
        return fallthroughUpstream
    }

    private func modelName(of request: UpstreamRequest) -> String? {
        if case .bytes(let bytes) = request.body { model(request.clientTarget, bytes) } else { model(request.clientTarget, nil) }
    }
}

extension UpstreamRequest {
    /// Path and query as the client sent them.
    var clientTarget: String { isFromRoot ? target : "/v1" + target }

    /// The path as the client sent it, without its query.
    var clientPath: String { String(clientTarget.beforeQuery) }
}
