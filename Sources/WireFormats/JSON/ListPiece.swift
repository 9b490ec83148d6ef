/// One element of a fragment's list, as far as it says which element of the whole list it is of.
struct ListPiece {
    private let node: JSONNode
    let id: ArraySlice<UInt8>?
    let index: Int?
    let type: ArraySlice<UInt8>?

    init(_ node: JSONNode) {
        self.node = node
        id = node["id"]?.saying
        index = node["index"]?.int
        type = node["type"]?.saying
    }

    /// The members in which a text comes that is read as it grows.
    private static let texts: [StaticString] = ["text", "thinking", "summary", "reasoning", "refusal", "content", "data", "transcript"]
    private static let partTexts = texts.prefix(5)

    /// Whether this is a part that has a text under its type, or what signs it, and nothing else that says something.
    var isText: Bool {
        guard type != nil else { return false }
        var hasText = false
        for (name, value) in node.members where !value.isNull && !name.isString("type") && !name.isString("format") {
            switch value.kind {
            case .string, .array:
                if name.isString("signature") || Self.partTexts.contains(where: { name.isString($0) }) {
                    hasText = true
                } else if value.kind == .string || value.count > 0 {
                    return false
                }
            case .true, .false: continue
            default: return false
            }
        }
        return hasText
    }

    /// A call's name and arguments, wherever its kind has them.
    private var call: JSONNode { node["function"] ?? node["custom"] ?? node }
    private var name: JSONNode? { call["name"].flatMap { $0.saying == nil ? nil : $0 } }
    private var arguments: JSONNode? { (call["arguments"] ?? call["input"]).flatMap { $0.isNull || $0.text?.isEmpty == true ? nil : $0 } }

    /// Whether this is a piece of a call's arguments and nothing else.
    var isArguments: Bool {
        guard name == nil, let piece = node["function"] ?? node["custom"] ?? node["arguments"] ?? node["input"] else { return false }
        return piece.kind == .object || piece.kind == .string
    }

    /// Whether this is a call behind `element`, which is one whose arguments have come: names come first, and whole arguments are not gone on with.
    func beginsCall(after element: MergedJSON) -> Bool {
        guard id == nil, let present = Self.arguments(of: element) else { return false }
        if let name, let other = Self.call(of: element)["name"], !other.equals(name) { return true }
        // Under one index a server may correct what it said.
        guard name != nil || index == nil, let arguments else { return false }
        return arguments.isWholeContainer && present.isWholeContainer && !present.equals(arguments)
    }

    /// Whether this says again all that `element` says, and perhaps more: arguments that were whole already, or the same values throughout where
    /// none of them is a text that grows.
    func isWhole(of element: MergedJSON) -> Bool {
        if let arguments { return arguments.isWholeContainer && Self.arguments(of: element)?.isWholeContainer ?? false }
        guard node.members.contains(where: { !$0.name.isString("index") && $0.value.kind != .string && !$0.value.isNull }),
            !Self.texts.contains(where: { node[$0] != nil })
        else { return false }
        return element.isCovered(by: node)
    }

    private static func call(of element: MergedJSON) -> MergedJSON { element["function"] ?? element["custom"] ?? element }

    private static func arguments(of element: MergedJSON) -> MergedJSON? {
        let call = call(of: element)
        return (call["arguments"] ?? call["input"]).flatMap { $0.isNull || $0.isEmptyString ? nil : $0 }
    }
}

extension JSONNode {
    /// The text of a string that says something.
    fileprivate var saying: ArraySlice<UInt8>? { text.flatMap { $0.isEmpty ? nil : $0 } }

    /// Whether this is an object or a list, or a text that is one: nothing can be appended to it.
    fileprivate var isWholeContainer: Bool { MergedJSON(self).isWholeContainer }
}

extension MergedJSON {
    fileprivate var isWholeContainer: Bool {
        guard let source else { return isContainer }
        let text = source.drop { $0 <= 0x20 }
        guard let first = text.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return false }
        let last = text.last { $0 > 0x20 }
        guard last == UInt8(ascii: "}") || last == UInt8(ascii: "]") else { return false }
        return (try? JSONDocument(JSONText.unescaped(Array(text)))) != nil
    }
}
