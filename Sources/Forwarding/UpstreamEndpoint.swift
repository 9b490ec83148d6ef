/// Where a provider is, and how it is spoken to.
package struct UpstreamEndpoint: Sendable {
    /// Scheme, host and path up to and with the version, without a slash at its end.
    package let baseURL: String
    /// The value that takes the place of the client's `Authorization`; `nil` forwards the client's own.
    package var authorization: String?
    /// Fields set on every request, in place of the client's of the same name.
    package var headers: [(name: String, value: String)] = []
    /// For name, connection and TLS together.
    package var connectTimeout: Duration = .seconds(10)
    /// From the request's last byte to the response's head.
    package var firstByteTimeout: Duration = .seconds(600)
    /// Between two pieces of the body.
    package var silenceTimeout: Duration = .seconds(120)
    /// Certificates to trust in place of the system's.
    package var caFile: String?

    /// Throws ``UpstreamEndpointError`` when `baseURL` is not an http or https URL with a host and without query, fragment or user.
    package init(baseURL: String) throws(UpstreamEndpointError) {
        let trimmed = String(baseURL.reversed().drop { $0 == "/" }.reversed())
        guard let colon = trimmed.range(of: "://") else { throw .notAURL(baseURL) }
        guard ["http", "https"].contains(trimmed[..<colon.lowerBound].lowercased()) else { throw .notHTTP(baseURL) }
        let rest = trimmed[colon.upperBound...]
        let host = rest.prefix { $0 != "/" }
        guard !host.isEmpty, !host.hasPrefix(":"), trimmed.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .notAURL(baseURL) }
        guard !rest.contains("?"), !rest.contains("#"), !host.contains("@") else { throw .hasExtras(baseURL) }
        self.baseURL = trimmed
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
        case .hasExtras(let url): "expected a URL without user, query and fragment, found '\(url)'"
        }
    }
}

extension StringProtocol {
    /// The first occurrence of `text`; the standard library has this for characters only.
    fileprivate func range(of text: String) -> Range<Index>? { ranges(of: text).first }
}
