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
            } else if name.isString("stop_reason") || name.isString("stop_sequence") {
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

        var end = Array(",\"delta\":{\"stop_reason\":".utf8)
        if let reason = root["stop_reason"] { end.appendOneLine(reason) } else { end.append(raw: "null") }
        end.append(raw: ",\"stop_sequence\":")
        if let sequence = root["stop_sequence"] { end.appendOneLine(sequence) } else { end.append(raw: "null") }
        end.append(UInt8(ascii: "}"))
        if let usage = root["usage"] {
            end.append(raw: ",\"usage\":")
            end.appendOneLine(usage)
        }
        append("message_delta", end)
        append("message_stop", [])
        return chunks
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
                // A tool's input travels as text; an empty one is what the start said.
                guard value.count > 0 else { continue }
                JSONText.append(value.source, to: &members)
            }
            append("content_block_delta", Self.place(index) + members + [UInt8(ascii: "}")])
        }
        append("content_block_stop", Self.place(index))
    }
}
