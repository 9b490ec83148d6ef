import SemanticCache

/// What a path of Google's APIs asks of which model: `/v1beta/models/NAME:METHOD`, and longer paths that end so, as Vertex AI has them.
struct GoogleMethod {
    let model: String
    let name: Substring

    init?(_ path: Substring) {
        // Most paths are another format's, and have no colon.
        guard path.hasPrefix("/v1"), let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        var last = path[path.index(after: slash)...]
        if last.utf8.contains(UInt8(ascii: "%")) { last = last.replacing("%3A", with: ":").replacing("%3a", with: ":") }
        guard let colon = last.utf8.lastIndex(of: UInt8(ascii: ":")), colon > last.startIndex else { return nil }
        model = last[..<colon].percentDecoded
        name = last[last.index(after: colon)...]
    }

    /// The model, where the method is one that lets it work, cached or not. Names of models have colons, too.
    var runModel: String? { Self.running.contains(String(name)) ? model : nil }

    private static let running: Set<String> = [
        "generateContent", "streamGenerateContent", "embedContent", "batchEmbedContents", "countTokens", "computeTokens", "predict",
        "predictLongRunning", "rawPredict", "streamRawPredict", "batchGenerateContent", "asyncBatchEmbedContent",
    ]

    /// The path of a method of this API for a model, as the provider's clients write it.
    static func path(_ endpoint: Endpoint, model: String) -> String { endpoint.path.replacing("{model}", with: model) }

    /// What of a request's path and query belongs to its key: not the form of the answer, which is the method's and `alt`'s to say.
    static func keyed(_ pathAndQuery: String) -> String {
        let target = pathAndQuery.prefix { $0 != "\n" }
        let path = target.prefix { $0 != "?" }
        var method = path.replacing("%3A", with: ":").replacing("%3a", with: ":")
        let streaming = ":streamGenerateContent"
        if method.hasSuffix(streaming) { method = method.dropLast(streaming.count) + ":generateContent" }
        let items = target.dropFirst(path.count + 1).split(separator: "&").filter { !isAlternative($0) }
        return method + (items.isEmpty ? "" : "?" + items.joined(separator: "&")) + pathAndQuery.dropFirst(target.count)
    }

    /// The form that `alt` asks for, empty where it asks for none; `nil` when it is named twice.
    static func alternative(in query: Substring) -> Substring? {
        let named = query.split(separator: "&").filter(isAlternative)
        return named.count > 1 ? nil : named.first.map { $0.drop { $0 != "=" }.dropFirst() } ?? ""
    }

    private static func isAlternative(_ item: Substring) -> Bool {
        let name = item.prefix { $0 != "=" }
        return name == "alt" || name == "$alt"
    }
}
