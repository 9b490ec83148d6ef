/// Writes a plain answer of `/v1/responses` as the events of a stream: `response.created`, `response.in_progress`, for each output item its parts and
/// deltas between `output_item.added` and `output_item.done`, and `response.completed` with the whole answer, usage included.
///
/// Items and parts of kinds that this program does not know are added and done without deltas between.
struct ResponseSynthesis {
    private let root: JSONNode
    private var chunks: [[UInt8]] = []

    /// - Parameter root: a complete response object.
    init(_ root: JSONNode) { self.root = root }

    /// All events of the stream.
    mutating func events() -> [[UInt8]] {
        let begun = Self.copy(of: root, with: ["status": "\"in_progress\"", "output": "[]", "usage": "null", "completed_at": "null"])
        append("response.created", Self.member("response", begun))
        append("response.in_progress", Self.member("response", begun))
        var index = 0
        for item in root["output"]?.elements ?? root.elements {
            appendItem(item, at: index)
            index += 1
        }
        append("response.completed", Self.member("response", Self.oneLine(root)))
        return chunks
    }

    private mutating func append(_ type: StaticString, _ members: [UInt8]) {
        var chunk: [UInt8] = []
        chunk.append(raw: "event: ")
        chunk.append(raw: type)
        chunk.append(raw: "\ndata: {\"type\":\"")
        chunk.append(raw: type)
        chunk += Array("\",\"sequence_number\":\(chunks.count)".utf8)
        chunk += members
        chunk.append(raw: "}\n\n")
        chunks.append(chunk)
    }

    private mutating func appendItem(_ item: JSONNode, at index: Int) {
        let place = Array(",\"output_index\":\(index)".utf8)
        let begun = Self.copy(of: item, with: ["status": "\"in_progress\"", "content": "[]", "summary": "[]", "arguments": "\"\"", "input": "\"\""])
        append("response.output_item.added", place + Self.member("item", begun))
        let inItem = (item["id"].map { Self.member("item_id", Array($0.source)) } ?? []) + place
        if item["type"]?.isString("reasoning") ?? false {
            var position = 0
            for part in item["summary"]?.elements ?? item.elements {
                appendPart(part, Self.summaryEvents, inItem + Array(",\"summary_index\":\(position)".utf8))
                position += 1
            }
        }
        var position = 0
        for part in item["content"]?.elements ?? item.elements {
            let place = inItem + Array(",\"content_index\":\(position)".utf8)
            switch part["type"]?.string {
            case "output_text": appendPart(part, Self.textEvents, place)
            case "refusal": appendPart(part, Self.refusalEvents, place)
            case "reasoning_text": appendPart(part, Self.reasoningEvents, place)
            default: appendPart(part, nil, place)
            }
            position += 1
        }
        if item["type"]?.isString("function_call") ?? false, let arguments = item["arguments"] {
            append("response.function_call_arguments.delta", inItem + Self.member("delta", Array(arguments.source)))
            append("response.function_call_arguments.done", inItem + Self.member("arguments", Array(arguments.source)))
        } else if item["type"]?.isString("custom_tool_call") ?? false, let input = item["input"] {
            append("response.custom_tool_call_input.delta", inItem + Self.member("delta", Array(input.source)))
            append("response.custom_tool_call_input.done", inItem + Self.member("input", Array(input.source)))
        }
        append("response.output_item.done", place + Self.member("item", Self.oneLine(item)))
    }

    /// The events of one kind of part, and the member in which its text is.
    private struct PartEvents {
        var added: StaticString = "response.content_part.added"
        var text: StaticString = "text"
        let delta: StaticString
        let done: StaticString
        var ended: StaticString = "response.content_part.done"
    }

    private static let textEvents = PartEvents(delta: "response.output_text.delta", done: "response.output_text.done")
    private static let refusalEvents = PartEvents(text: "refusal", delta: "response.refusal.delta", done: "response.refusal.done")
    private static let reasoningEvents = PartEvents(delta: "response.reasoning_text.delta", done: "response.reasoning_text.done")
    private static let summaryEvents = PartEvents(
        added: "response.reasoning_summary_part.added", delta: "response.reasoning_summary_text.delta", done: "response.reasoning_summary_text.done",
        ended: "response.reasoning_summary_part.done")

    private mutating func appendPart(_ part: JSONNode, _ events: PartEvents?, _ place: [UInt8]) {
        let begun =
            events == nil
            ? Self.oneLine(part) : Self.copy(of: part, with: ["text": "\"\"", "refusal": "\"\"", "annotations": "[]", "logprobs": "[]"])
        append(events?.added ?? "response.content_part.added", place + Self.member("part", begun))
        if let events, let text = part[events.text] {
            let source = Array(text.source)
            let logprobs = part["logprobs"].map { Self.member("logprobs", Self.oneLine($0)) } ?? []
            if text.text?.isEmpty == false { append(events.delta, place + Self.member("delta", source) + logprobs) }
            var position = 0
            for annotation in part["annotations"]?.elements ?? part.elements {
                append(
                    "response.output_text.annotation.added",
                    place + Array(",\"annotation_index\":\(position)".utf8) + Self.member("annotation", Self.oneLine(annotation)))
                position += 1
            }
            append(events.done, place + Self.member(events.text, source) + logprobs)
        }
        append(events?.ended ?? "response.content_part.done", place + Self.member("part", Self.oneLine(part)))
    }

    // MARK: - Pieces

    /// A comma and the member.
    private static func member(_ name: StaticString, _ value: [UInt8]) -> [UInt8] { Array(",\"\(name)\":".utf8) + value }

    private static func oneLine(_ node: JSONNode) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendOneLine(node)
        return bytes
    }

    /// The object with other values for those of its members that are named.
    private static func copy(of object: JSONNode, with values: [String: StaticString]) -> [UInt8] {
        var members: [UInt8] = []
        for (name, value) in object.members {
            guard let other = name.string.flatMap({ values[$0] }) else {
                members.appendMember(name, value)
                continue
            }
            members.append(UInt8(ascii: ","))
            members += name.source
            members.append(UInt8(ascii: ":"))
            members.append(raw: other)
        }
        return [UInt8(ascii: "{")] + members.dropFirst() + [UInt8(ascii: "}")]
    }
}
