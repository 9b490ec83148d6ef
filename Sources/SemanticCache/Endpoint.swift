/// The endpoints whose answers are cached, each with its own wire format.
package enum Endpoint: String, CaseIterable, Sendable {
    case chatCompletions = "/v1/chat/completions"
    case responses = "/v1/responses"
    case messages = "/v1/messages"
    case completions = "/v1/completions"
    case embeddings = "/v1/embeddings"

    /// The path below the host, as clients send it.
    package var path: String { rawValue }

    /// The endpoint that a path without query names: below `/v1`, or in Azure's forms `/openai/deployments/NAME/...` and `/openai/v1/...`.
    package init?(path: some StringProtocol) {
        if let known = Self(rawValue: String(path)) {
            self = known
            return
        }
        guard path.hasPrefix("/openai/") else { return nil }
        let parts = String(path).split(separator: "/", omittingEmptySubsequences: false).dropFirst(2)
        let below =
            switch parts.first {
            case "deployments": parts.dropFirst(2)
            case "v1": parts.dropFirst()
            default: parts
            }
        self.init(rawValue: "/v1/" + below.joined(separator: "/"))
    }

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
