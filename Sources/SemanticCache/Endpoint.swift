/// The names under which answers of each wire format are kept, counted and logged. What a format is like, `WireFormats` knows.
package enum Endpoint: String, CaseIterable, Sendable {
    case chatCompletions = "/v1/chat/completions"
    case responses = "/v1/responses"
    case messages = "/v1/messages"
    case completions = "/v1/completions"
    case embeddings = "/v1/embeddings"
    case generateContent = "/v1beta/models/{model}:generateContent"
    case embedContent = "/v1beta/models/{model}:embedContent"

    /// The path below the host, as clients send it; with `{model}` where that is the request's to name.
    package var path: String { rawValue }

    /// Those whose answers are vectors.
    package static let ofVectors: Set<Endpoint> = [.embeddings, .embedContent]
}

extension String {
    /// A request's target without its query.
    package var beforeQuery: Substring { self[..<(utf8.firstIndex(of: UInt8(ascii: "?")) ?? endIndex)] }
}
