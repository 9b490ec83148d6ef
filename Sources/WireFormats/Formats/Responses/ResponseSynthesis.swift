/// Writes a plain answer of `/v1/responses` as the events of a stream: `response.created`, `response.in_progress`, for each output item what
/// ``ResponseItemEvents`` says between `output_item.added` and `output_item.done`, and `response.completed` with the whole answer, usage included.
///
/// Whoever reads the pieces has the same in the end as who reads only the ends. Every item has an id, since events name their item by it: one that came
/// without gets one in all of the stream.
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
        var done: [UInt8] = [UInt8(ascii: "[")]
        var index = 0
        for item in root["output"]?.elements ?? root.elements {
            if index > 0 { done.append(UInt8(ascii: ",")) }
            done += appendItem(item, at: index)
            index += 1
        }
        done.append(UInt8(ascii: "]"))
        append("response.completed", Self.member("response", Self.copy(of: root, with: root["output"]?.kind == .array ? ["output": done] : [:])))
        return chunks
    }

    private mutating func append(_ type: String, _ members: [UInt8]) {
        var chunk = Array("event: \(type)\ndata: {\"type\":\"\(type)\",\"sequence_number\":\(chunks.count)".utf8)
        chunk += members
        chunk.append(raw: "}\n\n")
        chunks.append(chunk)
    }

    /// Appends the events of an item.
    /// - Returns: the item as it stands at the end.
    private mutating func appendItem(_ item: JSONNode, at index: Int) -> [UInt8] {
        let events = ResponseItemEvents.of(item)
        let id = item["id"].map { $0.isNull ? nil : Self.oneLine($0) } ?? nil
        let givenID = Self.quoted(events.idPrefix + (item["call_id"]?.string ?? String(index)))
        let place = Array(",\"output_index\":\(index)".utf8)
        let inItem = Self.member("item_id", id ?? givenID) + place
        let done = Self.copy(of: item, with: id == nil ? ["id": givenID] : [:], adding: id == nil)
        append("response.output_item.added", place + Self.member("item", Self.begun(item, events, id: id ?? givenID)))
        appendStates(events.before, of: item, events, inItem)
        for member in events.members { appendMember(member, of: item, inItem) }
        appendStates(events.after, of: item, events, inItem)
        append("response.output_item.done", place + Self.member("item", done))
        return done
    }

    private mutating func appendStates(_ states: [String], of item: JSONNode, _ events: ResponseItemEvents, _ place: [UInt8]) {
        guard let type = item["type"]?.string else { return }
        let status = item["status"]?.string
        let hasFailed = status == "failed" || item["error"]?.isNull == false
        for state in states {
            switch state {
            case "completed" where hasFailed && events.fails: append("response.\(type).failed", place)
            case "completed" where hasFailed || (status ?? state) != state: break
            default: append("response.\(type).\(state)", place)
            }
        }
    }

    private mutating func appendMember(_ member: ResponseItemEvents.Member, of item: JSONNode, _ place: [UInt8]) {
        guard let value = item.member(at: member.path), let name = member.path.last?.description else { return }
        switch member.form {
        case .text(let event):
            // Where a text belongs and something else came, its JSON is the text.
            let text = value.kind == .string ? Self.oneLine(value) : value.isNull ? nil : Self.quoted(value.source)
            if let text { appendText(text, event, under: name, place) }
        case .texts(let event, let index, let member):
            for (position, text) in value.elements.enumerated() where text.kind == .string {
                let place = place + Self.member(index, position)
                append(event + ".added", place + Self.member(member, Array("\"\"".utf8)))
                appendText(Self.oneLine(text), event, under: member, place)
            }
        case .parts(let index, let kinds):
            for (position, part) in value.elements.enumerated() {
                appendPart(part, ResponseItemEvents.kind(of: part, among: kinds), place + Self.member(index, position))
            }
        case .objects(let event, let index, let texts):
            for (position, object) in value.elements.enumerated() {
                let place = place + Self.member(index, position)
                for text in texts {
                    guard let value = object[text], value.text?.isEmpty == false else { continue }
                    append(event + ".delta", place + Self.member("delta", Self.object(Self.member("\(text)", Self.oneLine(value)))))
                }
                append(event + ".done", place + Self.member(name, [UInt8(ascii: "[")] + Self.oneLine(object) + [UInt8(ascii: "]")]))
            }
        case .atTheEnd, .nullUntilTheEnd: break
        }
    }

    /// - Parameters:
    ///   - more: further members of both events.
    ///   - notes: what is said between them.
    private mutating func appendText(
        _ text: [UInt8], _ event: String, under name: String, _ place: [UInt8], with more: [UInt8] = [], notes: [(String, [UInt8])] = []
    ) {
        if text.count > 2 { append(event + ".delta", place + Self.member("delta", text) + more) }
        for (event, members) in notes { append(event, members) }
        append(event + ".done", place + Self.member(name, text) + more)
    }

    private mutating func appendPart(_ part: JSONNode, _ kind: ResponseItemEvents.Part?, _ place: [UInt8]) {
        guard let kind, let text = part[kind.text] else {
            append("response.content_part.added", place + Self.member("part", Self.oneLine(part)))
            append("response.content_part.done", place + Self.member("part", Self.oneLine(part)))
            return
        }
        let begun = Self.copy(of: part, with: ["\(kind.text)": Array("\"\"".utf8), "annotations": Array("[]".utf8), "logprobs": Array("[]".utf8)])
        for frame in kind.frames { append(frame + ".added", place + Self.member("part", begun)) }
        let logprobs = part["logprobs"].flatMap { $0.isNull ? nil : Self.oneLine($0) } ?? Array("[]".utf8)
        let more = kind.hasLogprobs ? Self.member("logprobs", logprobs) : []
        let annotations = (part["annotations"]?.elements ?? part.elements).enumerated().map { position, annotation in
            let members = Self.member("annotation_index", position) + Self.member("annotation", Self.oneLine(annotation))
            return ("response.output_text.annotation.added", place + members)
        }
        appendText(Self.oneLine(text), kind.name, under: "\(kind.text)", place, with: more, notes: annotations)
        for frame in kind.frames.reversed() { append(frame + ".done", place + Self.member("part", Self.oneLine(part))) }
    }
}

// MARK: - Pieces

extension ResponseSynthesis {
    /// The item as it is added: what comes in pieces is empty.
    private static func begun(_ item: JSONNode, _ events: ResponseItemEvents, id: [UInt8]) -> [UInt8] {
        var values = ["status": Array("\"in_progress\"".utf8)]
        if item["id"]?.isNull ?? true { values["id"] = id }
        for member in events.members {
            guard let value = item.member(at: member.path), let first = member.path.first else { continue }
            let empty = empty(value, member.form)
            if member.path.count == 2, let outer = item[first] {
                values["\(first)"] = copy(of: outer, with: ["\(member.path[1])": empty])
            } else {
                values["\(first)"] = empty
            }
        }
        return copy(of: item, with: values, adding: item["id"] == nil)
    }

    private static func empty(_ value: JSONNode, _ form: ResponseItemEvents.Form) -> [UInt8] {
        if case .nullUntilTheEnd = form { return Array("null".utf8) }
        // Pieces of a text can only follow upon a text.
        if case .text = form, !value.isNull { return Array("\"\"".utf8) }
        return switch value.kind {
        case .string: Array("\"\"".utf8)
        case .array: Array("[]".utf8)
        case .object: Array("{}".utf8)
        case .null, .true, .false, .number: oneLine(value)
        }
    }

    /// A comma and the member.
    private static func member(_ name: String, _ value: [UInt8]) -> [UInt8] { Array(",\"\(name)\":".utf8) + value }

    private static func member(_ name: String, _ value: Int) -> [UInt8] { Array(",\"\(name)\":\(value)".utf8) }

    /// An object of members that have a comma before each.
    private static func object(_ members: [UInt8]) -> [UInt8] { [UInt8(ascii: "{")] + members.dropFirst() + [UInt8(ascii: "}")] }

    private static func quoted(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        JSONText.append(text, to: &bytes)
        return bytes
    }

    private static func quoted(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        JSONText.append(text, to: &bytes)
        return bytes
    }

    private static func oneLine(_ node: JSONNode) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendOneLine(node)
        return bytes
    }

    private static func copy(of object: JSONNode, with values: [String: StaticString]) -> [UInt8] {
        copy(of: object, with: values.mapValues { value in value.withUTF8Buffer { Array($0) } })
    }

    /// The object with other values for those of its members that are named.
    /// - Parameter adding: whether it gets its id where it has no such member.
    private static func copy(of object: JSONNode, with values: [String: [UInt8]], adding: Bool = false) -> [UInt8] {
        guard object.kind == .object else { return oneLine(object) }
        var members: [UInt8] = []
        if adding, object["id"] == nil, let id = values["id"] { members += member("id", id) }
        for (name, value) in object.members {
            guard let other = name.string.flatMap({ values[$0] }) else {
                members.appendMember(name, value)
                continue
            }
            members.append(UInt8(ascii: ","))
            members += name.source
            members.append(UInt8(ascii: ":"))
            members += other
        }
        return Self.object(members)
    }
}
