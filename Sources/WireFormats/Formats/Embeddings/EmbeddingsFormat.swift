import SemanticCache

/// OpenAI's embeddings: no streams, and an answer for each input.
struct EmbeddingsFormat: WireFormat {
    var endpoint: Endpoint { .embeddings }
    var hasStreams: Bool { false }

    func target(at path: RequestPath) -> WireTarget? { fixedTarget(at: path) }

    /// None: vectors of another wording would be other vectors.
    func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder {
        guard let input = root["input"] else { throw RequestError.missing("input", "a string or an array") }
        guard input.kind == .string || input.kind == .array else { throw RequestError.wrongType("input", "a string or an array", input) }
        return QueryFinder(noQueryReason: .exactOnly)
    }

    /// The body without its input, the byte FF, which stands in no JSON text, and the input. A list of one is written as its only element, so that
    /// both ways of asking for it are one request.
    func canonical(_ root: JSONNode, excluding excluded: [StaticString], marking texts: [JSONNode]) -> (CanonicalJSON, [EmbeddingItem]) {
        var canonical = CanonicalJSON()
        canonical.append(root, excluding: excluded + ["input"])
        canonical.appendGap()
        var items: [EmbeddingItem] = []
        for node in root["input"].map(EmbeddingItem.nodes) ?? [] {
            let start = canonical.output.count
            canonical.append(node)
            items.append(EmbeddingItem(node, range: start..<canonical.output.count))
            canonical.appendGap()
        }
        return (canonical, items)
    }

    func check(_ message: JSONNode) throws(NotStoredReason) {
        guard let data = message["data"], data.kind == .array, data.count > 0 else { throw .unreadable }
        guard data.elements.allSatisfy(\.saysSomething) else { throw .emptyAnswer }
    }

    func progress() -> (any StreamProgress)? { nil }
    func message(from events: [SSEEvent]) -> [UInt8]? { nil }
    func events(from message: JSONNode, includesUsage: Bool) -> [[UInt8]]? { nil }
    func text(of message: JSONNode) -> String { "\(message["data"]?.count ?? 0) embeddings" }
}
