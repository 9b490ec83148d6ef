package import SemanticCache

/// What an answer says, for people: listings, logs and the dashboard.
package enum AnswerText {
    /// The text of the first choice, at most `limit` characters of it, the last one an ellipsis where it was cut. A call of a tool reads as
    /// `name(arguments)`. Empty when there is nothing to read.
    ///
    /// - Complexity: O(n) in the recording: a stream is put together first.
    package static func preview(_ answer: Answer, endpoint: Endpoint, limit: Int) -> String {
        let bytes: [UInt8]?
        switch answer.recording {
        case .message(let body): bytes = body
        case .events(let events): bytes = AnswerRenderer.message(from: events, endpoint: endpoint)
        }
        guard let root = bytes.flatMap({ AnswerInspection.object($0) }) else { return "" }
        let text = endpoint.format.text(of: root)
        guard text.count > limit else { return text }
        return limit > 0 ? text.prefix(limit - 1) + "…" : ""
    }

    /// Those that say something, one below the other.
    static func joined(_ texts: [String]) -> String { texts.filter { !$0.isEmpty }.joined(separator: "\n") }

    /// A text, or the texts of a list of parts; `nil` when there is none.
    static func spoken(_ node: JSONNode?) -> String? {
        guard let node else { return nil }
        if let text = node.string { return text.isEmpty ? nil : text }
        let texts = node.elements.compactMap { part($0) }
        return texts.isEmpty ? nil : joined(texts)
    }

    /// What one part of a content says; `nil` for kinds without words.
    static func part(_ part: JSONNode) -> String? {
        switch part["type"]?.string {
        case "text", "output_text": part["text"]?.string
        case "refusal": part["refusal"]?.string
        case "tool_use", "server_tool_use": called(part["name"], part["input"])
        case "function_call": called(part["name"], part["arguments"])
        default: nil
        }
    }

    /// A call of a tool.
    static func called(_ name: JSONNode?, _ arguments: JSONNode?) -> String {
        "\(name?.string ?? "?")(\(arguments.map { $0.string ?? String(decoding: $0.source, as: UTF8.self) } ?? ""))"
    }
}

extension JSONNode {
    /// The first element of an array.
    var first: JSONNode? {
        var elements = elements
        return elements.next()
    }
}
