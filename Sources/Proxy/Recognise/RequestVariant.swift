import HTTPTypes
import SemanticCache

extension ProxyRequest {
    /// What beside the body decides what is answered: path and query, credentials aside, and the fields by which a client chooses a version or a preview of the API.
    ///
    /// Part of key and scope. The first version of Anthropic's API counts as none, so that entries that were warmed without one serve those who name it.
    var variant: String {
        var variant = QueryCredentials.removed(from: path)
        guard fields.contains(where: { Self.choosing.contains($0.name) }) else { return variant }
        for name in Self.choosing {
            for value in fields[values: name] where !(name == .anthropicVersion && value == "2023-06-01") {
                variant += "\n\(name.canonicalName): \(value)"
            }
        }
        return variant
    }

    private static let choosing: [HTTPField.Name] = [.anthropicVersion, .anthropicBeta, .openAIBeta]
}

extension HTTPField.Name {
    // The names are valid tokens, so they cannot fail to be made.
    fileprivate static let anthropicVersion = Self("anthropic-version")!
    fileprivate static let anthropicBeta = Self("anthropic-beta")!
    fileprivate static let openAIBeta = Self("OpenAI-Beta")!
}
