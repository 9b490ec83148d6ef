import SemanticCache

/// What tells the model who it is, apart from the conversation: system and developer messages.
package enum Instructions {
    /// The hash of none at all: FNV's start.
    package static let none: UInt64 = 0xcbf2_9ce4_8422_2325

    /// FNV-1a over the instructions' source text; the same for requests of one application, whatever their history.
    ///
    /// - Complexity: O(n) in the body.
    static func digest(in root: JSONNode, endpoint: Endpoint) -> UInt64 {
        var hash = none
        func add(_ node: JSONNode?) {
            guard let node, !node.isNull else { return }
            for byte in node.source { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0xFF) &* 0x100_0000_01b3
        }
        switch endpoint {
        case .chatCompletions: addMessages(root["messages"], add)
        case .messages: add(root["system"])
        case .responses:
            add(root["instructions"])
            addMessages(root["input"], add)
        case .completions, .embeddings: break
        }
        return hash
    }

    private static func addMessages(_ list: JSONNode?, _ add: (JSONNode?) -> Void) {
        guard let list, list.kind == .array else { return }
        for message in list.elements where message.kind == .object {
            guard let role = message["role"], role.isString("system") || role.isString("developer") else { continue }
            add(message["content"])
        }
    }
}
