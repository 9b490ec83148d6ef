/// Puts the chunks of a chat or text completion stream together into the plain answer.
///
/// All choices by their index; the fragments in `delta` joined as ``MergedJSON`` says. What stands beside `delta`, in a choice or at the top, is a property
/// and no fragment: the last word counts, and what this program does not know is kept. Only what never came cannot be given: a stream without a usage
/// chunk gives an answer without `usage`.
struct ChoiceAggregation {
    /// Whether choices have a `message` (chat) rather than a `text`.
    let isChat: Bool
    private let top = MergedJSON.emptyObject()
    private var choices: [Choice] = []

    private struct Choice {
        let index: Int
        let fields = MergedJSON.emptyObject()
        let message = MergedJSON.emptyObject()
        var hasDelta = false
        /// What was said last of the whole message, beside the fragments.
        var soFar: JSONNode?
    }

    /// Members of a choice of which every chunk has its own part; `text` where there is no delta.
    private static let grown: [StaticString] = ["logprobs", "token_ids", "text"]

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
        let isUncounted = chunk["usage"]?.isNull ?? true
        // Padding is the chunk's own.
        top.replaceMembers(from: chunk, except: ["choices", "object", "obfuscation"] + (isUncounted ? ["usage"] : []))
        guard let fragments = chunk["choices"] else { return }
        for fragment in fragments.elements { take(fragment, at: place(of: fragment["index"]?.int ?? 0)) }
    }

    private mutating func take(_ fragment: JSONNode, at place: Int) {
        let choice = choices[place]
        let grown = fragment["delta"] == nil ? Self.grown[...] : Self.grown.dropLast()
        choice.fields.replaceMembers(from: fragment, except: ["index", "delta", "message"] + grown)
        for name in grown {
            guard let value = fragment[name] else { continue }
            if let present = choice.fields[name] { present.append(value) } else { choice.fields.set(name, MergedJSON(value)) }
        }
        if let delta = fragment["delta"], delta.kind == .object {
            choices[place].hasDelta = true
            choice.message.mergeMembers(of: delta)
        }
        guard let message = fragment["message"], message.kind == .object else { return }
        // Some servers tell with each chunk, or with the last, all that was said so far; others have their fragments here.
        if choices[place].hasDelta { choices[place].soFar = message } else { choice.message.mergeMembers(of: message) }
    }

    private mutating func place(of index: Int) -> Int {
        var place = choices.count
        while place > 0, choices[place - 1].index > index { place -= 1 }
        if place > 0, choices[place - 1].index == index { return place - 1 }
        choices.insert(Choice(index: index), at: place)
        return place
    }

    /// The plain answer.
    func body() -> [UInt8] {
        top.set("object", MergedJSON(raw: Array((isChat ? "\"chat.completion\"" : "\"text_completion\"").utf8)))
        var list: [UInt8] = [UInt8(ascii: "[")]
        for (position, choice) in choices.enumerated() {
            if position > 0 { list.append(UInt8(ascii: ",")) }
            list.append(raw: "{\"index\":")
            list += Array(String(choice.index).utf8)
            if isChat {
                let message = choice.message
                if let soFar = choice.soFar { message.fill(from: soFar) }
                // Both are required of a message, whether or not the stream said them.
                if message["role"]?.isNull ?? true { message.set("role", MergedJSON(raw: Array("\"assistant\"".utf8))) }
                if message["content"] == nil { message.set("content", MergedJSON(raw: Array("null".utf8))) }
                list.append(raw: ",\"message\":")
                message.write(to: &list, unindexed: "tool_calls")
            }
            var rest: [UInt8] = []
            choice.fields.write(to: &rest)
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
