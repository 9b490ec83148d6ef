import HTTPTypes
import SemanticCache

extension ProxyRequest {
    /// What beside the body decides what is answered: path and query, credentials aside, and the fields that decide who answers, and how.
    ///
    /// Part of key and scope. The first version of Anthropic's API counts as none, so that entries that were warmed without one serve those who name it.
    func variant(by routing: RoutingFields) -> String {
        var variant = QueryCredentials.removed(from: path)
        var deciding: [HTTPField] = []
        for field in fields where routing.contains(field.name) {
            if field.name != .anthropicVersion || field.value != "2023-06-01" { deciding.append(field) }
        }
        if deciding.isEmpty { return variant }
        // In the order in which the first three were always written, then by name; values of one name in theirs.
        let ranked = deciding.enumerated().sorted {
            (Self.rank($0.element.name), $0.element.name.canonicalName, $0.offset) < (
                Self.rank($1.element.name), $1.element.name.canonicalName, $1.offset
            )
        }
        for (_, field) in ranked { variant += "\n\(field.name.canonicalName): \(field.value)" }
        return variant
    }

    private static func rank(_ name: HTTPField.Name) -> Int { choosing.firstIndex(of: name) ?? choosing.count }

    private static let choosing: [HTTPField.Name] = [.anthropicVersion, .anthropicBeta, .openAIBeta]
}

extension HTTPField.Name {
    // The names are valid tokens, so they cannot fail to be made.
    fileprivate static let anthropicVersion = Self("anthropic-version")!
    fileprivate static let anthropicBeta = Self("anthropic-beta")!
    fileprivate static let openAIBeta = Self("OpenAI-Beta")!
}
