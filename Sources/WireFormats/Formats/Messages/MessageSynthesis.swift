/// Writes a plain Anthropic message as the events of a stream: `message_start`, for each block its start, deltas and stop, `message_delta`,
/// `message_stop`.
///
/// Blocks of kinds that do not come in fragments (redacted thinking, results of server tools, and those that this program does not know)
/// stand whole in their start event, as Anthropic sends them.
struct MessageSynthesis {
    private let root: JSONNode
    private var chunks: [[UInt8]] = []

    /// - Parameter root: a complete message.
    init(_ root: JSONNode) { self.root = root }

    /// All events of the stream.
    mutating func events() -> [[UInt8]] {
        var start: [UInt8] = []
        for (name, value) in root.members {
            if name.isString("content") {
                start.append(raw: ",\"content\":[]")
            } else if Self.said(atTheEnd: name) {
                start.append(UInt8(ascii: ","))
                start += name.source
                start.append(raw: ":null")
            } else {
                start.appendMember(name, value)
            }
        }
        append("message_start", Array(",\"message\":{".utf8) + start.dropFirst() + [UInt8(ascii: "}")])

        var index = 0
        for block in root["content"]?.elements ?? root.elements {
            appendBlock(block, at: index)
            index += 1
        }

        var delta: [UInt8] = []
        for name in ["stop_reason", "stop_sequence"] as [StaticString] where root[name] == nil { delta += Array(",\"\(name)\":null".utf8) }
        for (name, value) in root.members where Self.said(atTheEnd: name) { delta.appendMember(name, value) }
        var end = Array(",\"delta\":{".utf8) + delta.dropFirst() + [UInt8(ascii: "}")]
        for (name, value) in root.members where name.isString("usage") || name.isString("context_management") { end.appendMember(name, value) }
        append("message_delta", end)
        append("message_stop", [])
        return chunks
    }

    /// Members of the message that the last delta says, and the start leaves open.
    private static func said(atTheEnd name: JSONNode) -> Bool {
        (["stop_reason", "stop_sequence", "stop_details", "container"] as [StaticString]).contains { name.isString($0) }
    }

    private mutating func append(_ type: StaticString, _ members: [UInt8]) {
        var chunk: [UInt8] = []
        chunk.append(raw: "event: ")
        chunk.append(raw: type)
        chunk.append(raw: "\ndata: {\"type\":\"")
        chunk.append(raw: type)
        chunk.append(UInt8(ascii: "\""))
        chunk += members
        chunk.append(raw: "}\n\n")
        chunks.append(chunk)
    }

    private static func place(_ index: Int) -> [UInt8] { Array(",\"index\":\(index)".utf8) }

    /// A member of a block that comes in deltas: what it is at the start, and the delta's type and member.
    private struct Fragment {
        let member: StaticString
        let start: StaticString
        let deltaType: StaticString
        let deltaMember: StaticString
    }

    /// In the order in which their deltas come.
    private static func fragments(of block: JSONNode) -> [Fragment] {
        switch block["type"]?.string {
        case "text": [Fragment(member: "text", start: "\"\"", deltaType: "text_delta", deltaMember: "text")]
        case "thinking":
            [
                Fragment(member: "thinking", start: "\"\"", deltaType: "thinking_delta", deltaMember: "thinking"),
                Fragment(member: "signature", start: "\"\"", deltaType: "signature_delta", deltaMember: "signature"),
            ]
        case "tool_use", "server_tool_use", "mcp_tool_use":
            [Fragment(member: "input", start: "{}", deltaType: "input_json_delta", deltaMember: "partial_json")]
        case "compaction": [Fragment(member: "content", start: "null", deltaType: "compaction_delta", deltaMember: "content")]
        default: []
        }
    }

    private mutating func appendBlock(_ block: JSONNode, at index: Int) {
        let fragments = Self.fragments(of: block)
        var start: [UInt8] = []
        for (name, value) in block.members {
            if let fragment = fragments.first(where: { name.isString($0.member) }) {
                start.append(UInt8(ascii: ","))
                start += name.source
                start.append(UInt8(ascii: ":"))
                start.append(raw: fragment.start)
            } else if name.isString("citations"), value.count > 0 {
                start.append(raw: ",\"citations\":[]")
            } else {
                start.appendMember(name, value)
            }
        }
        append("content_block_start", Self.place(index) + Array(",\"content_block\":{".utf8) + start.dropFirst() + [UInt8(ascii: "}")])
        for citation in block["citations"]?.elements ?? block.elements {
            var members = Array(",\"delta\":{\"type\":\"citations_delta\",\"citation\":".utf8)
            members.appendOneLine(citation)
            append("content_block_delta", Self.place(index) + members + [UInt8(ascii: "}")])
        }
        for fragment in fragments {
            guard let value = block[fragment.member] else { continue }
            var members = Array(",\"delta\":{\"type\":\"\(fragment.deltaType)\",\"\(fragment.deltaMember)\":".utf8)
            if value.kind == .string {
                guard value.text?.isEmpty == false else { continue }
                members += value.source
            } else {
                // A tool's input travels as text, an empty one, too: what was said of it is then JSON for those who read deltas alone.
                guard !value.isNull else { continue }
                JSONText.append(value.source, to: &members)
            }
            append("content_block_delta", Self.place(index) + members + [UInt8(ascii: "}")])
        }
        append("content_block_stop", Self.place(index))
    }
}
