package import SemanticCache

/// The formats whose answers are cached. A new one is a line here, a folder beside this file, and a case of ``Endpoint`` to be stored under.
package enum KnownFormats {
    /// In the order in which paths are tried, the most asked for first.
    package static let all: [any WireFormat] = [
        ChatFormat(), MessagesFormat(), ResponsesFormat(), EmbeddingsFormat(), TextFormat(), GeminiFormat(), GeminiEmbeddingsFormat(),
    ]

    /// Where the paths of all their APIs begin.
    private static let roots: [String] = all.flatMap(\.roots).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }

    /// Whether a path belongs to the API of one of them, cached or not.
    package static func hasRoot(of path: some StringProtocol) -> Bool { roots.contains { path.hasPrefix($0) } }

    /// The format in which clients at this path read errors, cached or not; `nil` for a path that is none of theirs.
    static func speaking(at path: Substring) -> (any WireFormat)? {
        WireTarget(path: path)?.format ?? all.first { $0.roots.contains { path.hasPrefix($0) } }
    }

    fileprivate static func format(of endpoint: Endpoint) -> any WireFormat {
        for format in all where format.endpoint == endpoint { return format }
        preconditionFailure("\(endpoint) has no format in the list above")
    }
}

extension Endpoint {
    /// How the endpoint's requests are read and its answers written.
    package var format: any WireFormat { KnownFormats.format(of: self) }

    /// The endpoint whose format a path is in.
    package init?(path: Substring) {
        guard let target = WireTarget(path: path) else { return nil }
        self = target.endpoint
    }
}
