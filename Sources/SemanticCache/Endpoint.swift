/// The endpoints whose answers are cached, each with its own wire format.
package enum Endpoint: String, CaseIterable, Sendable {
    case chatCompletions = "/v1/chat/completions"
    case responses = "/v1/responses"
    case messages = "/v1/messages"
    case completions = "/v1/completions"
    case embeddings = "/v1/embeddings"

    /// The path below the host, as clients send it.
    package var path: String { rawValue }
}
