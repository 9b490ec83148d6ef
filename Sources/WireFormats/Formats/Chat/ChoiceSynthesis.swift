/// Writes a plain chat or text completion as the chunks of a stream, in the order in which OpenAI sends them.
///
/// For each choice: the role, with the members that are empty or null; all that is told of the reasoning, in one delta, since servers tell it in several
/// forms at once and readers take the first that they know; content; refusal; each tool call, first its name, then its arguments; members that this
/// program does not know, as one delta; then the finish reason. Log probabilities go with the content that they
/// are of. Members of the choice that are not known go with the finish reason, those at the top with the very first chunk.
struct ChoiceSynthesis {
    private let root: JSONNode
    private let isChat: Bool
    private let includesUsage: Bool
    /// The members that every chunk repeats, with their commas.
    private var envelope: [UInt8]
    /// The unknown members at the top, each with a comma before it, until they are written.
    private var extras: [UInt8] = []
    private(set) var chunks: [[UInt8]] = []

    /// - Parameter root: a complete answer.
    init(_ root: JSONNode, isChat: Bool, includesUsage: Bool) {
        self.root = root
        self.isChat = isChat
        self.includesUsage = includesUsage && root["usage"]?.isNull == false
        let repeated: [StaticString] = ["id", "created", "model", "service_tier", "system_fingerprint"]
        envelope = Array((isChat ? "\"object\":\"chat.completion.chunk\"" : "\"object\":\"text_completion\"").utf8)
        for (name, value) in root.members where !["object", "choices", "usage"].contains(where: { name.isString($0) }) {
            if repeated.contains(where: { name.isString($0) }) {
                envelope.appendMember(name, value)
            } else {
                extras.appendMember(name, value)
            }
        }
    }

    /// All events of the stream, the end marker included.
    mutating func events() -> [[UInt8]] {
        for choice in root["choices"]?.elements ?? root.elements {
            if isChat { appendMessage(of: choice) } else { appendText(of: choice) }
        }
        if includesUsage, let usage = root["usage"], !usage.isNull {
            var chunk: [UInt8] = []
            chunk.append(raw: "data: {")
            chunk += envelope
            chunk += extras
            chunk.append(raw: ",\"choices\":[],\"usage\":")
            chunk.appendOneLine(usage)
            chunk.append(raw: "}\n\n")
            chunks.append(chunk)
        }
        chunks.append(Array("data: [DONE]\n\n".utf8))
        return chunks
    }

    /// Appends a chunk of one choice.
    /// - Parameters:
    ///   - fragment: the choice's `delta` or `text` with its name.
    ///   - rest: further members of the choice, each with a comma before it.
    private mutating func append(
        _ choice: JSONNode, _ fragment: [UInt8], finishReason: JSONNode? = nil, logprobs: JSONNode? = nil, rest: [UInt8] = []
    ) {
        var chunk: [UInt8] = []
        chunk.append(raw: "data: {")
        chunk += envelope
        chunk += extras
        extras = []
        chunk.append(raw: ",\"choices\":[{\"index\":")
        chunk += choice["index"].map { Array($0.source) } ?? Array("0".utf8)
        chunk.append(UInt8(ascii: ","))
        chunk += fragment
        if choice["logprobs"] != nil {
            chunk.append(raw: ",\"logprobs\":")
            if let logprobs { chunk.appendOneLine(logprobs) } else { chunk.append(raw: "null") }
        }
        chunk += rest
        chunk.append(raw: ",\"finish_reason\":")
        if let finishReason { chunk.appendOneLine(finishReason) } else { chunk.append(raw: "null") }
        chunk.append(raw: "}]")
        if includesUsage { chunk.append(raw: ",\"usage\":null") }
        chunk.append(raw: "}\n\n")
        chunks.append(chunk)
    }

    private func unknownMembers(of choice: JSONNode) -> [UInt8] {
        let known: [StaticString] = ["index", "logprobs", "finish_reason"] + (isChat ? ["message", "delta"] : ["text"])
        var rest: [UInt8] = []
        for (name, value) in choice.members where !known.contains(where: { name.isString($0) }) { rest.appendMember(name, value) }
        return rest
    }

    private mutating func appendText(of choice: JSONNode) {
        var text = Array("\"text\":".utf8)
        if let value = choice["text"] { text.appendOneLine(value) } else { text.append(raw: "\"\"") }
        append(choice, text, logprobs: choice["logprobs"])
        append(choice, Array("\"text\":\"\"".utf8), finishReason: choice["finish_reason"], rest: unknownMembers(of: choice))
    }

    private mutating func appendMessage(of choice: JSONNode) {
        var logprobs = choice["logprobs"].flatMap { $0.isNull ? nil : $0 }
        func takeLogprobs() -> JSONNode? {
            defer { logprobs = nil }
            return logprobs
        }
        // Some servers leave an empty delta beside the message, and some have nothing else.
        if let message = [choice["message"], choice["delta"]].lazy.compactMap({ $0 }).first(where: { $0.kind == .object }) {
            append(choice, Self.delta(Self.opening(of: message)))
            var thoughts: [UInt8] = []
            for (name, value) in message.members where Self.isReasoning(name) && !value.isNull && value.text?.isEmpty != true {
                thoughts.appendMember(name, value)
            }
            if !thoughts.isEmpty { append(choice, Self.delta(thoughts)) }
            for (name, value) in message.members where Self.isSpoken(name) && !value.isNull && value.text?.isEmpty != true {
                append(choice, Self.delta(name, value), logprobs: takeLogprobs())
            }
            for (name, value) in message.members where name.isString("tool_calls") && value.count > 0 { appendToolCalls(value, of: choice) }
            var others: [UInt8] = []
            for (name, value) in message.members where !value.isNull && !Self.isKnown(name) { others.appendMember(name, value) }
            if !others.isEmpty { append(choice, Self.delta(others)) }
        }
        append(
            choice, Array("\"delta\":{}".utf8), finishReason: choice["finish_reason"], logprobs: takeLogprobs(), rest: unknownMembers(of: choice)
        )
    }

    /// The members of the first delta, each with a comma before it: the role, what is null, and the beginnings of texts that follow.
    private static func opening(of message: JSONNode) -> [UInt8] {
        var members: [UInt8] = []
        for (name, value) in message.members {
            if name.isString("role") || value.isNull || (name.isString("tool_calls") && value.count == 0) {
                members.appendMember(name, value)
            } else if isReasoning(name) || isSpoken(name), value.text?.isEmpty == true || (name.isString("content") && value.text != nil) {
                members.append(UInt8(ascii: ","))
                members += name.source
                members.append(raw: ":\"\"")
            }
        }
        if message["role"] == nil { members.append(raw: ",\"role\":\"assistant\"") }
        return members
    }

    private static func isReasoning(_ name: JSONNode) -> Bool { name.text?.starts(with: "reasoning".utf8) ?? false }

    private static func isSpoken(_ name: JSONNode) -> Bool { name.isString("content") || name.isString("refusal") }

    /// Whether a delta of its own is made of the member.
    private static func isKnown(_ name: JSONNode) -> Bool {
        isSpoken(name) || name.isString("role") || name.isString("tool_calls") || isReasoning(name)
    }

    /// Functions are called as OpenAI streams them, first the name, then the arguments; calls of other kinds in one piece.
    private mutating func appendToolCalls(_ calls: JSONNode, of choice: JSONNode) {
        var index = 0
        for call in calls.elements {
            let arguments = call["function"]?["arguments"].flatMap { $0.text?.isEmpty == false ? $0 : nil }
            var first = Self.callStart(index)
            for (name, value) in call.members where !name.isString("index") {
                guard let arguments, name.isString("function") else {
                    first.appendMember(name, value)
                    continue
                }
                first.append(raw: ",\"function\":{")
                var members: [UInt8] = []
                for (name, value) in value.members {
                    members.append(UInt8(ascii: ","))
                    members += name.source
                    members.append(UInt8(ascii: ":"))
                    if value.index == arguments.index { members.append(raw: "\"\"") } else { members.appendOneLine(value) }
                }
                first += members.dropFirst()
                first.append(UInt8(ascii: "}"))
            }
            first.append(raw: "}]}")
            append(choice, first)
            if let arguments {
                var second = Self.callStart(index)
                second.append(raw: ",\"function\":{\"arguments\":")
                second.appendOneLine(arguments)
                second.append(raw: "}}]}")
                append(choice, second)
            }
            index += 1
        }
    }

    private static func callStart(_ index: Int) -> [UInt8] { Array("\"delta\":{\"tool_calls\":[{\"index\":\(index)".utf8) }

    private static func delta(_ name: JSONNode, _ value: JSONNode) -> [UInt8] {
        var members: [UInt8] = []
        members.appendMember(name, value)
        return delta(members)
    }

    /// A delta of members that have a comma before each.
    private static func delta(_ members: [UInt8]) -> [UInt8] { Array("\"delta\":{".utf8) + members.dropFirst() + [UInt8(ascii: "}")] }
}

extension [UInt8] {
    /// Appends a comma and the member.
    mutating func appendMember(_ name: JSONNode, _ value: JSONNode) {
        append(UInt8(ascii: ","))
        self += name.source
        append(UInt8(ascii: ":"))
        appendOneLine(value)
    }

    /// Appends the value's source without line ends, which would break an event's data line. In JSON they stand between tokens only.
    mutating func appendOneLine(_ value: JSONNode) {
        if value.kind == .string || value.kind == .number {
            self += value.source
        } else {
            for byte in value.source where byte != 0x0A && byte != 0x0D { append(byte) }
        }
    }
}
