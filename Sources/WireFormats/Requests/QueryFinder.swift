import SemanticCache

/// Finds the text of the last user message: the one part of a request that may be worded otherwise.
///
/// Text parts are the query, one after the other; parts of any other type (images, audio, files, tool results) are not, and stay in the scope as they
/// stand, as do a text part's other members.
struct QueryFinder {
    /// The string nodes whose texts are the query, in document order.
    private(set) var texts: [JSONNode] = []
    /// Why there is none, when there is none.
    private(set) var noQueryReason = MissReason.notText

    /// The texts joined by line feeds; `nil` when there are none or nothing but white space.
    var query: String? {
        guard texts.contains(where: { $0.text?.contains { $0 > 0x20 } ?? false }) else { return nil }
        if texts.count == 1 { return texts[0].string }
        return texts.compactMap(\.string).joined(separator: "\n")
    }

    static func find(in root: JSONNode, endpoint: Endpoint) throws(RequestError) -> QueryFinder {
        var finder = QueryFinder()
        switch endpoint {
        case .chatCompletions, .messages: try finder.findInMessages(root)
        case .responses: try finder.findInInput(root)
        case .completions: try finder.findInPrompt(root)
        case .embeddings:
            guard let input = root["input"] else { throw RequestError.missing("input", "a string or an array") }
            guard input.kind == .string || input.kind == .array else { throw RequestError.wrongType("input", "a string or an array", input) }
            finder.noQueryReason = .exactOnly
        }
        return finder
    }

    private mutating func findInMessages(_ root: JSONNode) throws(RequestError) {
        guard let messages = root["messages"] else { throw RequestError.missing("messages", "an array of messages") }
        guard messages.kind == .array else { throw RequestError.wrongType("messages", "an array", messages) }
        guard messages.count > 0 else { throw RequestError("'messages' must have at least one message.", param: "messages") }
        var last: JSONNode?
        var position = 0
        for message in messages.elements {
            let place = position
            position += 1
            guard message.kind == .object else { throw RequestError.wrongType("messages[\(place)]", "an object", message) }
            guard let role = message["role"] else { throw RequestError.missing("messages[\(place)].role", "a string") }
            guard role.kind == .string else { throw RequestError.wrongType("messages[\(place)].role", "a string", role) }
            if role.isString("user") { last = message }
        }
        if let content = last?["content"] { collect(content, partType: "text") }
    }

    private mutating func findInInput(_ root: JSONNode) throws(RequestError) {
        // A request may do without `input` where it names a stored prompt.
        guard let input = root["input"], !input.isNull else { return }
        if input.kind == .string {
            texts = [input]
            return
        }
        guard input.kind == .array else { throw RequestError.wrongType("input", "a string or an array", input) }
        var last: JSONNode?
        for item in input.elements where item["role"]?.isString("user") ?? false { last = item }
        if let content = last?["content"] { collect(content, partType: "input_text") }
    }

    private mutating func findInPrompt(_ root: JSONNode) throws(RequestError) {
        guard let prompt = root["prompt"], !prompt.isNull else { return }
        switch prompt.kind {
        case .string: texts = [prompt]
        case .array:
            // Several prompts have several answers, and token numbers have no text.
            if prompt.count == 1, let only = prompt.elements.first(where: { _ in true }), only.kind == .string { texts = [only] }
        default: throw RequestError.wrongType("prompt", "a string or an array", prompt)
        }
    }

    private mutating func collect(_ content: JSONNode, partType: StaticString) {
        if content.kind == .string {
            texts = [content]
            return
        }
        for part in content.elements where part["type"]?.isString(partType) ?? false {
            if let text = part["text"], text.kind == .string { texts.append(text) }
        }
    }
}

extension RequestError {
    static func missing(_ param: String, _ expected: String) -> RequestError {
        RequestError("'\(param)' is missing: expected \(expected).", param: param)
    }
}
