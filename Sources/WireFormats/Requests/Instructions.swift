/// What tells the model who it is, apart from the conversation: system and developer messages.
package enum Instructions {
    /// The hash of none at all: FNV's start.
    package static let none: UInt64 = 0xcbf2_9ce4_8422_2325
}

/// FNV-1a over the instructions' source text; the same for requests of one application, whatever their history.
///
/// - Complexity: O(n) in what is added.
package struct InstructionsDigest {
    private(set) var hash = Instructions.none

    /// Adds a text or what stands in its place; nothing and null add nothing.
    mutating func add(_ node: JSONNode?) {
        guard let node, !node.isNull else { return }
        for byte in node.source { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ 0xFF) &* 0x100_0000_01b3
    }

    /// Adds the system and developer messages of a list.
    mutating func addMessages(_ list: JSONNode?) {
        guard let list, list.kind == .array else { return }
        for message in list.elements where message.kind == .object {
            guard let role = message["role"], role.isString("system") || role.isString("developer") else { continue }
            add(message["content"])
        }
    }
}
