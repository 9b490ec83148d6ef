package import SemanticCache

/// The formats whose answers are cached. A new one is a line here, a folder beside this file, and a case of ``Endpoint`` to be stored under.
package enum KnownFormats {
    /// In the order in which paths are tried, the most asked for first.
    package static let all: [any WireFormat] = [ChatFormat(), MessagesFormat(), ResponsesFormat(), EmbeddingsFormat(), TextFormat()]

    fileprivate static func format(of endpoint: Endpoint) -> any WireFormat {
        for format in all where format.endpoint == endpoint { return format }
        preconditionFailure("\(endpoint) has no format in the list above")
    }
}

extension Endpoint {
    /// How the endpoint's requests are read and its answers written.
    package var format: any WireFormat { KnownFormats.format(of: self) }

    /// The endpoint whose format a path without query is in.
    package init?(path: Substring) {
        guard let target = WireTarget(path: path) else { return nil }
        self = target.endpoint
    }
}
