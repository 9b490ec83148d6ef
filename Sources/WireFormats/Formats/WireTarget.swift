package import SemanticCache

/// What a request's path says: the format of its body, and what of the request stands in the path instead of there.
package struct WireTarget: Sendable {
    package let format: any WireFormat
    /// The model, where the path names it and the body does not.
    package let model: String?
    /// Whether the answer is to be a stream, where the path says so and the body does not.
    package let streams: Bool?

    package init(format: any WireFormat, model: String? = nil, streams: Bool? = nil) {
        self.format = format
        self.model = model
        self.streams = streams
    }

    /// What a path without query asks for; `nil` when its answers are not cached.
    package init?(path: Substring) {
        let path = RequestPath(path)
        for format in KnownFormats.all {
            guard let target = format.target(at: path) else { continue }
            self = target
            return
        }
        return nil
    }

    package var endpoint: Endpoint { format.endpoint }
}

/// A request's path without its query, as formats look at it.
package struct RequestPath: Sendable {
    /// As the client sent it.
    package let text: Substring
    /// What Azure's forms `/openai/deployments/NAME/...`, `/openai/v1/...` and `/openai/...` stand for, beginning with `/v1/`; `nil` for other paths.
    private let azure: String?

    package init(_ path: Substring) {
        text = path
        guard path.hasPrefix("/openai/") else {
            azure = nil
            return
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2)
        let below =
            switch parts.first {
            case "deployments": parts.dropFirst(2)
            case "v1": parts.dropFirst()
            default: parts
            }
        azure = "/v1/" + below.joined(separator: "/")
    }

    /// Whether this is the path, as OpenAI and Anthropic or as Azure spells it.
    package func isStandard(_ path: String) -> Bool { azure.map { $0 == path } ?? (text == path) }
}
