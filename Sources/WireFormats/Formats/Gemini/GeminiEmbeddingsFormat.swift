import SemanticCache

/// Google's embeddings: `models/NAME:embedContent` for one content, `:batchEmbedContents` for several at once. No streams.
struct GeminiEmbeddingsFormat: WireFormat {
    var endpoint: Endpoint { .embedContent }
    var hasStreams: Bool { false }
    var roots: [String] { GoogleRoots.all }
    var excludedMembers: [StaticString] { ["labels"] }

    func target(at path: RequestPath) -> WireTarget? {
        guard let method = GoogleMethod(path.text), method.name == "embedContent" || method.name == "batchEmbedContents",
            let form = GoogleMethod.alternative(in: path.query), form.isEmpty || form == "json"
        else { return nil }
        return WireTarget(format: self, model: method.model, streams: false)
    }

    func path(model: String) -> String { GoogleMethod.path(endpoint, model: model) }
    func keyed(_ pathAndQuery: String) -> String { GoogleMethod.keyed(pathAndQuery) }

    /// None: vectors of another wording would be other vectors.
    func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder { QueryFinder(noQueryReason: .exactOnly) }

    func check(_ message: JSONNode) throws(NotStoredReason) {
        let vectors = message["embedding"].map { [$0] } ?? message["embeddings"].map { Array($0.elements) } ?? []
        // Vertex and some servers in its place give the numbers without an object around them.
        guard !vectors.isEmpty else { throw .unreadable }
        guard vectors.allSatisfy({ ($0["values"] ?? $0).count > 0 }) else { throw .emptyAnswer }
    }

    func usage(of message: JSONNode) -> TokenUsage? { message["usageMetadata"].flatMap { TokenUsage(google: $0) } }
    func progress() -> (any StreamProgress)? { nil }
    func message(from events: [SSEEvent]) -> [UInt8]? { nil }
    func events(from message: JSONNode, includesUsage: Bool) -> [[UInt8]]? { nil }
    func text(of message: JSONNode) -> String { "\(message["embeddings"]?.count ?? (message["embedding"] == nil ? 0 : 1)) embeddings" }
    func error(_ error: WireError) -> [UInt8] { error.google }
}
