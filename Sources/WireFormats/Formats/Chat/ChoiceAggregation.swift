/// Puts the chunks of a chat or text completion stream together into the plain answer.
///
/// All choices by their index; fragments joined as ``MergedJSON`` says; what this program does not know is kept, in the choice or at the top. Only what
/// never came cannot be given: a stream without a usage chunk gives an answer without `usage`.
struct ChoiceAggregation {
    /// Whether choices have a `message` (chat) rather than a `text`.
    let isChat: Bool
    private let top = MergedJSON.emptyObject()
    private var choices: [(index: Int, fields: MergedJSON, message: MergedJSON)] = []

    init(isChat: Bool) { self.isChat = isChat }

    /// The plain answer that a whole stream amounts to; `nil` when one of its events is no object.
    static func message(from events: [SSEEvent], isChat: Bool) -> [UInt8]? {
        var aggregation = ChoiceAggregation(isChat: isChat)
        for event in events where !event.isDoneMarker {
            guard let root = AnswerInspection.object(event.data) else { return nil }
            aggregation.take(root)
        }
        return aggregation.body()
    }

    /// Takes the next chunk.
    ///
    /// - Complexity: O(n) in the chunk, and in the number of choices.
    mutating func take(_ chunk: JSONNode) {
        // With include_usage every chunk but the last has a null here.
        let skipped: [StaticString] = chunk["usage"]?.isNull ?? true ? ["choices", "object", "usage"] : ["choices", "object"]
        top.replaceMembers(from: chunk, except: skipped)
        guard let fragments = chunk["choices"] else { return }
        for fragment in fragments.elements {
            let (fields, message) = choice(fragment["index"]?.int ?? 0)
            fields.replaceMembers(from: fragment, except: ["index", "delta", "message", "logprobs", "text"])
            for (name, value) in fragment.members {
                if name.isString("delta") || name.isString("message") {
                    message.mergeMembers(of: value)
                } else if name.isString("logprobs") || name.isString("text") {
                    merge(value, as: name.isString("text") ? "text" : "logprobs", into: fields)
                }
            }
        }
    }

    private func merge(_ value: JSONNode, as name: StaticString, into fields: MergedJSON) {
        if let present = fields[name] { present.merge(value) } else { fields.set(name, MergedJSON(value)) }
    }

    private mutating func choice(_ index: Int) -> (MergedJSON, MergedJSON) {
        var place = choices.count
        while place > 0, choices[place - 1].index > index { place -= 1 }
        if place > 0, choices[place - 1].index == index { return (choices[place - 1].fields, choices[place - 1].message) }
        let fields = MergedJSON.emptyObject()
        let message = MergedJSON.emptyObject()
        choices.insert((index, fields, message), at: place)
        return (fields, message)
    }

    /// The plain answer.
    func body() -> [UInt8] {
        top.set("object", MergedJSON(raw: Array((isChat ? "\"chat.completion\"" : "\"text_completion\"").utf8)))
        var list: [UInt8] = [UInt8(ascii: "[")]
        for (position, (index, fields, message)) in choices.enumerated() {
            if position > 0 { list.append(UInt8(ascii: ",")) }
            list.append(raw: "{\"index\":")
            list += Array(String(index).utf8)
            if isChat {
                // Both are required of a message, whether or not the stream said them.
                if message["role"]?.isNull ?? true { message.set("role", MergedJSON(raw: Array("\"assistant\"".utf8))) }
                if message["content"] == nil { message.set("content", MergedJSON(raw: Array("null".utf8))) }
                list.append(raw: ",\"message\":")
                message.write(to: &list, unindexed: "tool_calls")
            }
            var rest: [UInt8] = []
            fields.write(to: &rest)
            if rest.count > 2 { list.append(UInt8(ascii: ",")) }
            list += rest.dropFirst()
        }
        list.append(UInt8(ascii: "]"))
        top.set("choices", MergedJSON(raw: list))
        var body: [UInt8] = []
        top.write(to: &body)
        return body
    }
}
