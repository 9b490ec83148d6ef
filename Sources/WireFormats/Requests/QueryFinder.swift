import SemanticCache

/// The text of the last user message: the one part of a request that may be worded otherwise.
///
/// Text parts are the query, one after the other; parts of any other type (images, audio, files, tool results) are not, and stay in the scope as they
/// stand, as do a text part's other members.
package struct QueryFinder {
    /// The string nodes whose texts are the query, in document order.
    let texts: [JSONNode]
    /// Why there is none, when there is none.
    let noQueryReason: MissReason

    init(texts: [JSONNode] = [], noQueryReason: MissReason = .notText) {
        self.texts = texts
        self.noQueryReason = noQueryReason
    }

    /// The texts of a message's content: a string, or a list of parts of which those of `partType` have a text.
    init(content: JSONNode?, partType: StaticString) {
        guard let content else {
            self.init()
            return
        }
        if content.kind == .string {
            self.init(texts: [content])
            return
        }
        var texts: [JSONNode] = []
        for part in content.elements where part["type"]?.isString(partType) ?? false {
            if let text = part["text"], text.kind == .string { texts.append(text) }
        }
        self.init(texts: texts)
    }

    /// The last user message of `messages`, which must be there.
    init(messagesOf root: JSONNode) throws(RequestError) {
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
        self.init(content: last?["content"], partType: "text")
    }

    /// The texts joined by line feeds; `nil` when there are none or nothing but white space.
    var query: String? {
        guard texts.contains(where: { $0.text?.contains { $0 > 0x20 } ?? false }) else { return nil }
        if texts.count == 1 { return texts[0].string }
        return texts.compactMap(\.string).joined(separator: "\n")
    }
}

extension RequestError {
    static func missing(_ param: String, _ expected: String) -> RequestError {
        RequestError("'\(param)' is missing: expected \(expected).", param: param)
    }
}
