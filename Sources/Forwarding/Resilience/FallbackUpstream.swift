import HTTPTypes
package import SemanticCache

/// Asks a second upstream where the first one fails: cannot be reached, breaks, is overloaded, or answers with a status that says "not now".
///
/// When the second fails as well, the first one's answer stands. A body that streams from the client can be sent only once, so such calls do not
/// fall back.
package struct FallbackUpstream: Upstream {
    private let first: any Upstream
    private let second: any Upstream
    private let sharesCredentials: Bool
    private let onFallback: @Sendable () -> Void

    /// - Parameters:
    ///   - sharesCredentials: whether the client's own credential may go to the second upstream; only where both are the same host.
    ///   - onFallback: told each time the second one is asked.
    package init(_ first: any Upstream, then second: any Upstream, sharesCredentials: Bool, onFallback: @escaping @Sendable () -> Void = {}) {
        self.first = first
        self.second = second
        self.sharesCredentials = sharesCredentials
        self.onFallback = onFallback
    }

    package func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        let result: Result<UpstreamResponse, UpstreamError>
        do throws(UpstreamError) { result = .success(try await first.send(request)) } catch { result = .failure(error) }
        guard request.isReplayable, Self.hasFailed(result), !Task.isCancelled else { return try result.get() }
        onFallback()
        var other = request
        if !sharesCredentials { other.removeCredentials() }
        do throws(UpstreamError) {
            var response = try await second.send(other)
            if RetryPolicy.isTransient(response.status.code), case .success(let original) = result { return original }
            response.isStandIn = true
            return response
        } catch {
            return try result.get()
        }
    }

    private static func hasFailed(_ result: Result<UpstreamResponse, UpstreamError>) -> Bool {
        switch result {
        case .success(let response): RetryPolicy.isTransient(response.status.code)
        case .failure(.requestBody), .failure(.cancelled), .failure(.closed): false
        case .failure: true
        }
    }
}

extension HTTPFields {
    /// The fields in which clients of providers and of other gateways send a credential.
    static let credentialNames: [HTTPField.Name] = [
        "Authorization", "x-api-key", "api-key", "x-goog-api-key", "Cookie", "Ocp-Apim-Subscription-Key", "x-litellm-api-key", "x-bf-vk",
        "x-portkey-api-key", "x-portkey-virtual-key", "cf-aig-authorization", "Helicone-Auth",
    ].compactMap { .init($0) }

}

extension UpstreamRequest {
    /// Takes the caller's credential out.
    mutating func removeCredentials() {
        for name in HTTPFields.credentialNames { fields[name] = nil }
        target = QueryCredentials.removed(from: target)
        SocketCredentials.remove(from: &fields)
    }
}
