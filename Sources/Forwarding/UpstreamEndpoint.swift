import HTTPTypes
package import SemanticCache

/// Where a provider is, and how it is spoken to.
package struct UpstreamEndpoint: Sendable {
    /// Scheme, host and path up to and with the version, without a slash at its end.
    package let baseURL: String
    /// Scheme and host, with the port where one is named.
    package let origin: String
    /// The query that every request gets, such as Azure's `api-version=2024-10-21`; empty for none.
    let query: String
    /// The value that takes the place of the client's `Authorization`; `nil` forwards the client's own.
    package var authorization: String?
    /// Fields set on every request, in place of the client's of the same name.
    package var headers: [(name: String, value: String)] = []
    /// For name, connection and TLS together.
    package var connectTimeout: Duration
    /// From the request's last byte to the response's head.
    package var firstByteTimeout: Duration
    /// Between two pieces of the body.
    package var silenceTimeout: Duration
    /// Certificates to trust in place of the system's.
    package var caFile: String?
    /// The oldest version of TLS that is spoken.
    package var minimumTLS: TLSVersion

    /// Throws ``UpstreamEndpointError`` when `baseURL` is not an http or https URL with a host and without fragment or user.
    package init(
        baseURL: String, connectTimeout: Duration, firstByteTimeout: Duration, silenceTimeout: Duration, minimumTLS: TLSVersion
    ) throws(UpstreamEndpointError) {
        self.connectTimeout = connectTimeout
        self.firstByteTimeout = firstByteTimeout
        self.silenceTimeout = silenceTimeout
        self.minimumTLS = minimumTLS
        let path = baseURL.prefix { $0 != "?" }
        let trimmed = String(path.reversed().drop { $0 == "/" }.reversed())
        query = String(baseURL.dropFirst(path.count + 1))
        guard let colon = trimmed.range(of: "://") else { throw .notAURL(baseURL) }
        guard ["http", "https"].contains(trimmed[..<colon.lowerBound].lowercased()) else { throw .notHTTP(baseURL) }
        let rest = trimmed[colon.upperBound...]
        let host = rest.prefix { $0 != "/" }
        guard !host.isEmpty, !host.hasPrefix(":"), trimmed.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .notAURL(baseURL) }
        guard !baseURL.contains("#"), !host.contains("@") else { throw .hasExtras(baseURL) }
        guard query.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .notAURL(baseURL) }
        self.baseURL = trimmed
        origin = String(trimmed[..<host.endIndex])
    }

    /// Where a request goes. Of the base URL's query, what the request names itself is left out.
    func url(for request: UpstreamRequest) -> String {
        // A client's key is for whoever gave it out: where the endpoint has its own, the client's stays here.
        let target = hasOwnCredential ? QueryCredentials.removed(from: request.target) : request.target
        let url = (request.isFromRoot ? root(of: target) : baseURL) + target
        guard !query.isEmpty else { return url }
        let given = target.firstIndex(of: "?").map { target[target.index(after: $0)...] }
        let names = Set((given ?? "").split(separator: "&").map { $0.prefix { $0 != "=" } })
        let added = query.split(separator: "&").filter { !names.contains($0.prefix { $0 != "=" }) }.joined(separator: "&")
        guard !added.isEmpty else { return url }
        return url + (given == nil ? "?" : given?.isEmpty == true ? "" : "&") + added
    }

    /// What stands before a path that begins at the root: the origin, or more where the base URL ends with what the path begins with.
    private func root(of target: String) -> String {
        let first = target.prefix(while: { $0 != "?" }).dropFirst().prefix { $0 != "/" }
        return !first.isEmpty && baseURL.dropFirst(origin.count).hasSuffix("/" + first) ? String(baseURL.dropLast(first.count + 1)) : origin
    }

    /// Whether the endpoint shows a credential of its own, so that the client's is not its business.
    var hasOwnCredential: Bool {
        authorization != nil || headers.contains { header in HTTPFields.credentialNames.contains { $0.canonicalName == header.name.lowercased() } }
    }
}

/// A base URL that cannot be used.
package enum UpstreamEndpointError: Error, Sendable, CustomStringConvertible {
    case notAURL(String)
    case notHTTP(String)
    case hasExtras(String)

    package var description: String {
        switch self {
        case .notAURL(let url): "expected a URL such as https://api.openai.com/v1, found '\(url)'"
        case .notHTTP(let url): "expected an http or https URL, found '\(url)'"
        case .hasExtras(let url): "expected a URL without user and fragment, found '\(url)'"
        }
    }
}

extension StringProtocol {
    /// The first occurrence of `text`; the standard library has this for characters only.
    fileprivate func range(of text: String) -> Range<Index>? { ranges(of: text).first }
}
