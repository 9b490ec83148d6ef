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

    /// What a path asks for, with its query or without; `nil` when its answers are not cached.
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

/// A request's path and its query, as formats look at them.
package struct RequestPath: Sendable {
    /// The path as the client sent it, without the query.
    package let text: Substring
    /// What follows the question mark; empty for most.
    package let query: Substring
    /// What Azure's forms `/openai/deployments/NAME/...`, `/openai/v1/...` and `/openai/...` stand for, beginning with `/v1/`; `nil` for other paths.
    private let azure: String?

    package init(_ target: Substring) {
        let path = target.prefix(upTo: target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex)
        text = path
        query = target[path.endIndex...].dropFirst()
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
