/// The names under which answers of each wire format are kept, counted and logged. What a format is like, `WireFormats` knows.
package enum Endpoint: String, CaseIterable, Sendable {
    case chatCompletions = "/v1/chat/completions"
    case responses = "/v1/responses"
    case messages = "/v1/messages"
    case completions = "/v1/completions"
    case embeddings = "/v1/embeddings"

    /// The path below the host, as clients send it.
    package var path: String { rawValue }

    /// The deployment that an Azure path names, which stands for the model.
    package static func deployment(in path: some StringProtocol) -> String? {
        guard path.hasPrefix("/openai/deployments/") else { return nil }
        let name = path.dropFirst("/openai/deployments/".count).prefix { $0 != "/" && $0 != "?" }
        return name.isEmpty ? nil : String(name)
    }
}

extension String {
    /// A request's target without its query.
    package var beforeQuery: Substring { self[..<(utf8.firstIndex(of: UInt8(ascii: "?")) ?? endIndex)] }
}
