/// Puts the events of an Anthropic messages stream together into the plain message.
///
/// Deltas of kinds that this program does not know add their members to the block that they are for.
struct MessageAggregation {
    private let message = MergedJSON.emptyObject()
    private let usage = MergedJSON.emptyObject()
    private var hasUsage = false
    private var blocks: [Block] = []

    private struct Block {
        let index: Int
        let fields: MergedJSON
        /// The fragments of a tool's input, decoded: together they are JSON.
        var input: [UInt8] = []
        /// The citations, as the elements of an array: they come one by one.
        private(set) var citations: [UInt8] = []

        init(_ block: JSONNode, index: Int) {
            self.index = index
            fields = MergedJSON(block)
            for citation in block["citations"]?.elements ?? block.elements { cite(citation) }
        }

        mutating func cite(_ citation: JSONNode) {
            if !citations.isEmpty { citations.append(UInt8(ascii: ",")) }
            citations += citation.source
        }
    }

    /// Takes the next event.
    mutating func take(_ event: JSONNode) {
        guard let type = event["type"] else { return }
        if type.isString("message_start"), let start = event["message"] {
            message.replaceMembers(from: start, except: ["content", "usage"])
            take(usage: start["usage"])
            for block in start["content"]?.elements ?? start.elements { blocks.append(Block(block, index: blocks.count)) }
        } else if type.isString("content_block_start"), let block = event["content_block"] {
            blocks.append(Block(block, index: event["index"]?.int ?? blocks.count))
            // Where one model gives way to another in the middle, the message is the last one's.
            if block["type"]?.isString("fallback") ?? false, let model = block["to"]?["model"], model.kind == .string {
                message.set("model", MergedJSON(model))
            }
        } else if type.isString("content_block_delta"), let delta = event["delta"] {
            let index = event["index"]?.int
            guard let place = blocks.lastIndex(where: { $0.index == index }) else { return }
            take(delta, at: place)
        } else if type.isString("message_delta") {
            if let delta = event["delta"] { message.replaceMembers(from: delta) }
            // Members beside the delta and the usage, such as context management, are of the message too.
            message.replaceMembers(from: event, except: ["type", "delta", "usage"])
            take(usage: event["usage"])
        }
    }

    private mutating func take(usage node: JSONNode?) {
        guard let node, node.kind == .object else { return }
        hasUsage = true
        usage.replaceMembers(from: node)
    }

    private mutating func take(_ delta: JSONNode, at place: Int) {
        if delta["type"]?.isString("input_json_delta") ?? false {
            blocks[place].input += delta["partial_json"]?.text ?? []
        } else if delta["type"]?.isString("citations_delta") ?? false, let citation = delta["citation"] {
            blocks[place].cite(citation)
        } else {
            blocks[place].fields.mergeMembers(of: delta, except: ["type"])
        }
    }

    /// The plain message; `nil` when the fragments of a tool's input are no JSON.
    func body() -> [UInt8]? {
        var content: [UInt8] = [UInt8(ascii: "[")]
        for block in blocks {
            if content.count > 1 { content.append(UInt8(ascii: ",")) }
            if !block.input.isEmpty {
                guard (try? JSONDocument(block.input)) != nil else { return nil }
                block.fields.set("input", MergedJSON(raw: block.input))
            }
            if !block.citations.isEmpty {
                block.fields.set("citations", MergedJSON(raw: [UInt8(ascii: "[")] + block.citations + [UInt8(ascii: "]")]))
            }
            block.fields.write(to: &content)
        }
        content.append(UInt8(ascii: "]"))
        message.set("content", MergedJSON(raw: content))
        if hasUsage { message.set("usage", usage) }
        var body: [UInt8] = []
        message.write(to: &body)
        return body
    }
}
