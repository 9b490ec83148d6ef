/// Puts the chunks of a Gemini stream together into the plain answer.
///
/// Pieces of a text are joined, those of a thought among themselves; a part that has anything beside its text, such as a thought's signature, stays a
/// part of its own, as Google asks of whoever puts parts together. Of everything else the last word counts.
struct GeminiAggregation {
    private let message = MergedJSON.emptyObject()
    private let usage = MergedJSON.emptyObject()
    private var hasUsage = false
    private var candidates: [Candidate] = []

    private struct Candidate {
        let index: Int
        let fields = MergedJSON.emptyObject()
        let content = MergedJSON.emptyObject()
        var hasContent = false
        var parts: [Part] = []
        /// Members whose lists come in pieces.
        var lists: [(member: StaticString, lists: PiecewiseLists)] = [
            ("citationMetadata", PiecewiseLists(repeats: false)), ("logprobsResult", PiecewiseLists(repeats: true)),
        ]
    }

    private enum Part {
        /// The inside of a string, escaped as in its sources.
        case text([UInt8], thought: JSONNode?)
        case whole(JSONNode)
    }

    /// Takes the next chunk; `false` where it cannot be put together with the others.
    mutating func take(_ chunk: JSONNode) -> Bool {
        message.replaceMembers(from: chunk, except: ["candidates", "usageMetadata"])
        if let node = chunk["usageMetadata"], node.kind == .object {
            hasUsage = true
            usage.replaceMembers(from: node)
        }
        for candidate in chunk["candidates"]?.elements ?? chunk.elements where !take(candidate: candidate) { return false }
        return true
    }

    private mutating func take(candidate: JSONNode) -> Bool {
        guard candidate.kind == .object else { return false }
        let index = candidate["index"]?.int ?? 0
        let place = candidates.firstIndex { $0.index == index } ?? candidates.count
        if place == candidates.count { candidates.append(Candidate(index: index)) }
        candidates[place].fields.replaceMembers(from: candidate, except: ["content", "citationMetadata", "logprobsResult", "groundingMetadata"])
        // The sources come when they are known, the entry point of the search once more at the end.
        if let grounding = candidate["groundingMetadata"], grounding.kind == .object {
            if candidates[place].fields["groundingMetadata"] == nil { candidates[place].fields.set("groundingMetadata", .emptyObject()) }
            candidates[place].fields["groundingMetadata"]?.replaceMembers(from: grounding)
        }
        for position in candidates[place].lists.indices {
            candidates[place].lists[position].lists.take(candidate[candidates[place].lists[position].member])
        }
        guard let content = candidate["content"], content.kind == .object else { return true }
        candidates[place].hasContent = true
        candidates[place].content.replaceMembers(from: content, except: ["parts"])
        for part in content["parts"]?.listed ?? [] where !take(part, at: place) { return false }
        return true
    }

    private mutating func take(_ part: JSONNode, at place: Int) -> Bool {
        // Arguments that come in pieces say where each belongs, in a language of paths.
        if let call = part["functionCall"] ?? part["function_call"] {
            guard call["partialArgs"] == nil, call["willContinue"]?.bool != true else { return false }
        }
        let isText = part.members.allSatisfy { $0.name.isString("text") || $0.name.isString("thought") }
        guard isText, let text = part["text"], text.kind == .string else {
            candidates[place].parts.append(.whole(part))
            return true
        }
        let (piece, thought) = (text.source.dropFirst().dropLast(), part["thought"])
        if case .text(var joined, let former)? = candidates[place].parts.last, former?.bool ?? false == thought?.bool ?? false {
            // Without this the buffer would have two owners and every append would copy it.
            candidates[place].parts.removeLast()
            joined += piece
            candidates[place].parts.append(.text(joined, thought: former))
        } else {
            candidates[place].parts.append(.text(Array(piece), thought: thought))
        }
        return true
    }

    /// The plain answer; `nil` when no chunk had a candidate.
    func body() -> [UInt8]? {
        guard !candidates.isEmpty else { return nil }
        var list: [UInt8] = []
        for candidate in candidates.sorted(by: { $0.index < $1.index }) {
            list.append(list.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
            write(candidate, to: &list)
        }
        list.append(UInt8(ascii: "]"))
        var body = Array("{\"candidates\":".utf8) + list
        if hasUsage {
            body.append(raw: ",\"usageMetadata\":")
            usage.write(to: &body)
        }
        var rest: [UInt8] = []
        message.write(to: &rest)
        if rest.count > 2 { body += [UInt8(ascii: ",")] + rest.dropFirst().dropLast() }
        body.append(UInt8(ascii: "}"))
        return body
    }

    private func write(_ candidate: Candidate, to output: inout [UInt8]) {
        if candidate.hasContent {
            var parts: [UInt8] = []
            for part in Self.meant(candidate.parts) {
                parts.append(parts.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
                switch part {
                case .whole(let node): parts += node.source
                case .text(let text, let thought):
                    parts.append(raw: "{\"text\":\"")
                    parts += text
                    parts.append(UInt8(ascii: "\""))
                    if let thought {
                        parts.append(raw: ",\"thought\":")
                        parts += thought.source
                    }
                    parts.append(UInt8(ascii: "}"))
                }
            }
            if !parts.isEmpty { candidate.content.set("parts", MergedJSON(raw: parts + [UInt8(ascii: "]")])) }
            var content: [UInt8] = []
            candidate.content.write(to: &content)
            candidate.fields.set("content", MergedJSON(raw: content))
        }
        for (member, lists) in candidate.lists {
            if let merged = lists.merged { candidate.fields.set(member, merged) }
        }
        candidate.fields.write(to: &output)
    }

    /// Without the empty texts that only stand beside why a stream ended.
    private static func meant(_ parts: [Part]) -> [Part] {
        let said = parts.filter { part in
            if case .text(let text, _) = part { !text.isEmpty } else { true }
        }
        return said.isEmpty ? parts : said
    }
}

/// An object whose lists come in pieces, one behind the other; of its other members the last word counts.
private struct PiecewiseLists {
    /// Whether an element that is there already may come again.
    let repeats: Bool
    private let fields = MergedJSON.emptyObject()
    private var lists: [(name: [UInt8], elements: [[UInt8]])] = []
    private var isThere = false

    init(repeats: Bool) { self.repeats = repeats }

    mutating func take(_ object: JSONNode?) {
        guard let object, object.kind == .object else { return }
        isThere = true
        fields.replaceMembers(from: object)
        for (name, value) in object.members where value.kind == .array {
            let place = lists.firstIndex { $0.name.elementsEqual(name.source) } ?? lists.count
            if place == lists.count { lists.append((Array(name.source), [])) }
            for element in value.elements where repeats || !lists[place].elements.contains(where: { $0.elementsEqual(element.source) }) {
                lists[place].elements.append(Array(element.source))
            }
        }
    }

    /// The whole; `nil` where nothing came.
    var merged: MergedJSON? {
        guard isThere else { return nil }
        var output: [UInt8] = []
        fields.write(to: &output)
        guard let object = AnswerInspection.object(output) else { return nil }
        var result: [UInt8] = []
        for (name, value) in object.members {
            result.append(result.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
            result += name.source
            result.append(UInt8(ascii: ":"))
            if let list = lists.first(where: { $0.name.elementsEqual(name.source) }) {
                result += [UInt8(ascii: "[")] + list.elements.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
            } else {
                result += value.source
            }
        }
        return MergedJSON(raw: (result.isEmpty ? [UInt8(ascii: "{")] : result) + [UInt8(ascii: "}")])
    }
}
