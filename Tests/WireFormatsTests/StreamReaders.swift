@testable import WireFormats

/// A JSON value that readers of streams change as events come. It knows nothing of how the program puts answers together.
final class ReadJSON {
    private enum Content {
        case object([String: ReadJSON])
        case list([ReadJSON])
        case text(String)
        case other(String)
    }

    private var content: Content

    init(_ node: JSONNode) {
        switch node.kind {
        case .object: content = .object(Dictionary(node.members.map { ($0.name.string ?? "", ReadJSON($0.value)) }, uniquingKeysWith: { $1 }))
        case .array: content = .list(node.elements.map { ReadJSON($0) })
        case .string: content = .text(node.string ?? "")
        default: content = .other(String(decoding: node.source, as: UTF8.self))
        }
    }

    init(text: String) { content = .text(text) }
    init(list: [ReadJSON]) { content = .list(list) }
    init(object: [String: ReadJSON]) { content = .object(object) }
    static var null: ReadJSON { ReadJSON(other: "null") }
    private init(other: String) { content = .other(other) }

    var isNull: Bool { if case .other("null") = content { true } else { false } }
    var isObject: Bool { if case .object = content { true } else { false } }
    var text: String? { if case .text(let text) = content { text } else { nil } }
    var int: Int? { if case .other(let text) = content { Int(text) } else { nil } }

    var members: [String: ReadJSON] {
        get { if case .object(let members) = content { members } else { [:] } }
        set { content = .object(newValue) }
    }

    var elements: [ReadJSON] {
        get { if case .list(let elements) = content { elements } else { [] } }
        set { content = .list(newValue) }
    }

    subscript(name: String) -> ReadJSON? {
        get { members[name] }
        set { members[name] = newValue }
    }

    func append(_ more: String) { content = .text((text ?? "") + more) }

    var json: String {
        switch content {
        case .object(let members): "{" + members.map { "\(JSONText.quoted($0.key)):\($0.value.json)" }.joined(separator: ",") + "}"
        case .list(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
        case .text(let text): JSONText.quoted(text)
        case .other(let text): text
        }
    }
}

/// Clients that read the pieces of a stream and never its ends, written after the providers' own libraries.
enum PieceReader {
    struct Unreadable: Error { let what: String }

    // MARK: Chat completions, as openai-python's accumulate_delta

    /// Each choice: its message from the deltas, and the last word of the rest.
    static func choices(_ events: [ReadJSON]) throws -> [Int: ReadJSON] {
        var choices: [Int: ReadJSON] = [:]
        for chunk in events {
            for part in chunk["choices"]?.elements ?? [] {
                let index = part["index"]?.int ?? 0
                let choice = choices[index] ?? ReadJSON(object: ["message": ReadJSON(object: [:])])
                choices[index] = choice
                for (name, value) in part.members where name != "delta" && (!value.isNull || choice[name] == nil) {
                    if name == "logprobs", let present = choice[name], !present.isNull {
                        try accumulate(value, into: present)
                    } else if name == "text", let present = choice[name] {
                        present.append(value.text ?? "")
                    } else {
                        choice[name] = value
                    }
                }
                if let delta = part["delta"], let message = choice["message"] { try accumulate(delta, into: message) }
            }
        }
        for choice in choices.values {
            for call in choice["message"]?["tool_calls"]?.elements ?? [] { call["index"] = nil }
            if choice["message"]?.members.isEmpty ?? false { choice["message"] = nil }
        }
        return choices
    }

    private static func accumulate(_ delta: ReadJSON, into whole: ReadJSON) throws {
        for (name, value) in delta.members {
            guard let present = whole[name], !present.isNull else {
                whole[name] = value
                continue
            }
            if value.isNull || name == "index" || name == "type" { continue }
            if present.text != nil, let more = value.text {
                present.append(more)
            } else if present.isObject, value.isObject {
                try accumulate(value, into: present)
            } else if present.elements.isEmpty {
                whole[name] = value
            } else {
                for element in value.elements {
                    guard let index = element["index"]?.int else { throw Unreadable(what: "an element of \(name) without index") }
                    if let known = present.elements.first(where: { $0["index"]?.int == index }) {
                        try accumulate(element, into: known)
                    } else {
                        present.elements.append(element)
                    }
                }
            }
        }
    }

    // MARK: Messages, as anthropic-python's accumulate_event

    static func message(_ events: [ReadJSON]) throws -> ReadJSON {
        guard let message = events.first?["message"], let content = message["content"] else { throw Unreadable(what: "no start") }
        var inputs: [Int: String] = [:]
        for event in events.dropFirst() {
            let index = event["index"]?.int ?? 0
            switch event["type"]?.text {
            case "content_block_start":
                guard let block = event["content_block"], index == content.elements.count else { throw Unreadable(what: "block \(index)") }
                content.elements.append(block)
            case "content_block_delta":
                guard let delta = event["delta"], content.elements.indices.contains(index) else { throw Unreadable(what: "delta \(index)") }
                let block = content.elements[index]
                switch delta["type"]?.text {
                case "text_delta": block["text"]?.append(delta["text"]?.text ?? "")
                case "thinking_delta": block["thinking"]?.append(delta["thinking"]?.text ?? "")
                case "signature_delta": block["signature"] = delta["signature"]
                case "compaction_delta": block["content"] = delta["content"]
                case "input_json_delta": inputs[index, default: ""] += delta["partial_json"]?.text ?? ""
                case "citations_delta":
                    let citations = ReadJSON(list: block["citations"]?.elements ?? [])
                    if let citation = delta["citation"] { citations.elements.append(citation) }
                    block["citations"] = citations
                default: throw Unreadable(what: "a delta of kind \(delta["type"]?.text ?? "none")")
                }
            case "message_delta":
                // What the library sets whether or not it is there.
                for name in ["stop_reason", "stop_sequence", "stop_details"] {
                    guard let last = event["delta"]?[name] ?? message[name].map({ _ in .null }) else { continue }
                    message[name] = last
                }
                if let container = event["delta"]?["container"], !container.isNull { message["container"] = container }
                if let management = event["context_management"], !management.isNull { message["context_management"] = management }
                for (name, value) in event["usage"]?.members ?? [:] { message["usage"]?[name] = value }
            case "content_block_stop", "message_stop", "ping": break
            default: throw Unreadable(what: "an event of kind \(event["type"]?.text ?? "none")")
            }
        }
        for (index, input) in inputs where !input.isEmpty { content.elements[index]["input"] = ReadJSON(try JSONDocument(Array(input.utf8)).root) }
        return message
    }

    // MARK: Responses

    /// The items, from what they are added with and the pieces; a member that no piece told of is taken from the item's end. All events must name an
    /// item that was added, by number and by id.
    static func items(_ events: [ReadJSON]) throws -> [ReadJSON] {
        var items: [ReadJSON] = []
        var told: [Set<String>] = []
        for event in events {
            guard let type = event["type"]?.text else { throw Unreadable(what: "an event without type") }
            guard let index = event["output_index"]?.int else { continue }
            if type == "response.output_item.added" {
                guard let item = event["item"], index == items.count else { throw Unreadable(what: "item \(index)") }
                items.append(item)
                told.append([])
                continue
            }
            guard items.indices.contains(index) else { throw Unreadable(what: "\(type) before its item") }
            let item = items[index]
            if type == "response.output_item.done" {
                for (name, value) in event["item"]?.members ?? [:] where !told[index].contains(name) { item[name] = value }
                continue
            }
            // The library's own types have no id for these.
            guard type.hasPrefix("response.shell_call_command.") || (event["item_id"]?.text != nil && event["item_id"]?.text == item["id"]?.text)
            else {
                throw Unreadable(what: "\(type) of another item")
            }
            if let member = try take(event, type, into: item) { told[index].insert(member) }
        }
        return items
    }

    /// - Returns: the member that was changed.
    private static func take(_ event: ReadJSON, _ type: String, into item: ReadJSON) throws -> String? {
        func element(_ list: ReadJSON?, _ name: String) throws -> ReadJSON {
            guard let list, let index = event[name]?.int, list.elements.indices.contains(index) else {
                throw Unreadable(what: "\(type) without part")
            }
            return list.elements[index]
        }
        func add(_ part: ReadJSON?, to list: ReadJSON?, _ name: String) throws {
            guard let part, let list, event[name]?.int == list.elements.count else { throw Unreadable(what: "\(type) out of order") }
            list.elements.append(part)
        }
        let delta = event["delta"]?.text ?? ""
        switch type {
        case "response.content_part.added":
            try add(event["part"], to: item["content"], "content_index")
            return "content"
        case "response.output_text.delta", "response.reasoning_text.delta":
            let part = try element(item["content"], "content_index")
            part["text"]?.append(delta)
            if let logprobs = part["logprobs"] { logprobs.elements += event["logprobs"]?.elements ?? [] }
        case "response.refusal.delta": try element(item["content"], "content_index")["refusal"]?.append(delta)
        case "response.output_text.annotation.added":
            let part = try element(item["content"], "content_index")
            try add(event["annotation"], to: part["annotations"], "annotation_index")
        case "response.reasoning_summary_part.added":
            try add(event["part"], to: item["summary"], "summary_index")
            return "summary"
        case "response.reasoning_summary_text.delta": try element(item["summary"], "summary_index")["text"]?.append(delta)
        case "response.function_call_arguments.delta", "response.mcp_call_arguments.delta":
            item["arguments"]?.append(delta)
            return "arguments"
        case "response.custom_tool_call_input.delta":
            item["input"]?.append(delta)
            return "input"
        case "response.code_interpreter_call_code.delta":
            item["code"]?.append(delta)
            return "code"
        case "response.apply_patch_call_operation_diff.delta":
            item["operation"]?["diff"]?.append(delta)
            return "operation"
        case "response.shell_call_command.added":
            try add(event["command"], to: item["action"]?["commands"], "command_index")
            return "action"
        case "response.shell_call_command.delta": try element(item["action"]?["commands"], "command_index").append(delta)
        case "response.shell_call_output_content.delta":
            let index = event["command_index"]?.int ?? 0
            if let output = item["output"], output.elements.count == index {
                output.elements.append(ReadJSON(object: ["stdout": ReadJSON(text: ""), "stderr": ReadJSON(text: "")]))
            }
            for (name, value) in event["delta"]?.members ?? [:] { try element(item["output"], "command_index")[name]?.append(value.text ?? "") }
            return "output"
        case "response.shell_call_output_content.done":
            try element(item["output"], "command_index")["outcome"] = event["output"]?.elements.first?["outcome"]
        default: break
        }
        return nil
    }

    /// What the events themselves say is done: each text's end repeats what its pieces said.
    static func ends(_ events: [ReadJSON]) -> [String] {
        var pieces: [String: String] = [:]
        var wrong: [String] = []
        for event in events {
            guard let type = event["type"]?.text, type.hasSuffix(".delta") || type.hasSuffix(".done"), event["output_index"] != nil else { continue }
            let name = type.split(separator: ".").dropLast().joined(separator: ".")
            let indices = ["output_index", "content_index", "summary_index", "command_index"].map { "\(event[$0]?.int ?? -1)" }
            let key = "\(name) \(indices.joined(separator: " "))"
            if type.hasSuffix(".delta") {
                pieces[key, default: ""] += event["delta"]?.text ?? ""
            } else if let whole = ["text", "refusal", "arguments", "input", "code", "diff", "command"].compactMap({ event[$0]?.text }).first,
                whole != pieces[key] ?? ""
            {
                wrong.append("\(key): \(pieces[key] ?? "") then \(whole)")
            }
        }
        return wrong
    }
}
