/// A JSON value put together from the fragments of a stream. A class, because fragments are merged deep inside in place: a stream of any length is
/// merged in linear time.
///
/// Values keep the bytes of their source: strings are joined as they were escaped, numbers stay as they were written.
final class MergedJSON {
    private enum Content {
        /// A value that nothing was merged into yet.
        case whole(JSONNode)
        /// The inside of a string, escaped as in its sources.
        case text([UInt8])
        case object([Member])
        case array([MergedJSON])
        /// Elements by their `index` member, ascending.
        case indexed([(index: Int, value: MergedJSON)])
        /// Bytes that are a JSON value.
        case raw([UInt8])
    }

    private struct Member {
        let name: [UInt8]
        let value: MergedJSON
    }

    private var content: Content

    init(_ node: JSONNode) { content = .whole(node) }

    init(raw: [UInt8]) { content = .raw(raw) }

    static func emptyObject() -> MergedJSON { MergedJSON(content: .object([])) }

    private init(content: Content) { self.content = content }

    var isNull: Bool {
        switch content {
        case .whole(let node): node.isNull
        case .raw(let bytes): bytes == Array("null".utf8)
        default: false
        }
    }

    var isEmptyString: Bool {
        switch content {
        case .whole(let node): node.text?.isEmpty ?? false
        case .text(let text): text.isEmpty
        default: false
        }
    }

    /// Puts `node` in place of what is here.
    func replace(with node: JSONNode) { content = .whole(node) }

    func replace(withRaw bytes: [UInt8]) { content = .raw(bytes) }

    // MARK: - Merging

    /// How a string that comes for a member which has one already is taken.
    private enum StringRule {
        case append, replace
        /// Some servers repeat a name in every fragment, others send it in pieces.
        case appendUnlessEqual

        init(member name: JSONNode) {
            let fixed: [StaticString] = ["id", "type", "role", "object", "model", "format", "call_id", "status"]
            self = name.isString("name") ? .appendUnlessEqual : fixed.contains { name.isString($0) } ? .replace : .append
        }
    }

    /// Merges a fragment: strings are appended, objects merged member by member, arrays merged by their elements' `index` or else appended; a null
    /// changes nothing; anything else takes the place of what was here.
    func merge(_ fragment: JSONNode) { merge(fragment, .append) }

    /// Merges the members of `fragment` into this object, except those named.
    func mergeMembers(of fragment: JSONNode, except skipped: [StaticString] = []) {
        open()
        for (name, value) in fragment.members where !skipped.contains(where: { name.isString($0) }) {
            if let present = member(name) {
                present.merge(value, StringRule(member: name))
            } else {
                append(name, MergedJSON(value))
            }
        }
    }

    /// Takes the members of `node` over as they are: the last word counts, but a null or an empty string does not undo an earlier one.
    func replaceMembers(from node: JSONNode, except skipped: [StaticString] = []) {
        open()
        for (name, value) in node.members where !skipped.contains(where: { name.isString($0) }) {
            guard let present = member(name) else {
                append(name, MergedJSON(value))
                continue
            }
            if !value.isNull, !(value.text?.isEmpty ?? false) || present.isNull { present.replace(with: value) }
        }
    }

    private func merge(_ fragment: JSONNode, _ rule: StringRule) {
        guard !fragment.isNull else { return }
        open()
        switch (content, fragment.kind) {
        case (.text(var text), .string):
            let more = fragment.source.dropFirst().dropLast()
            switch rule {
            case .append: break
            case .replace:
                if !more.isEmpty { content = .text(Array(more)) }
                return
            case .appendUnlessEqual:
                if text.elementsEqual(more) { return }
            }
            // Without this the buffer would have two owners and every append would copy it.
            content = .raw([])
            text += more
            content = .text(text)
        case (.object, .object): mergeMembers(of: fragment)
        case (.indexed, .array): mergeIndexed(fragment)
        case (.array(let elements), .array) where elements.isEmpty && fragment.elements.allSatisfy({ $0["index"]?.int != nil }):
            content = .indexed([])
            mergeIndexed(fragment)
        case (.array(var elements), .array):
            content = .raw([])
            elements += fragment.elements.map { MergedJSON($0) }
            content = .array(elements)
        case (.array, .string): appendTextPart(fragment)
        case (.text, .array):
            // Reasoning models of some servers send texts and lists of parts for one member; a plain answer then has a list.
            let text = MergedJSON(content: content)
            content = .array(text.isEmptyString ? [] : [Self.textPart(text)])
            merge(fragment)
        default: content = .whole(fragment)
        }
    }

    /// Goes on with the text part at the end of the list, or begins one.
    private func appendTextPart(_ fragment: JSONNode) {
        guard case .array(let elements) = content, fragment.text?.isEmpty == false else { return }
        if let last = elements.last, last["type"]?.isText ?? false, let text = last["text"] {
            text.merge(fragment)
        } else {
            content = .array(elements + [Self.textPart(MergedJSON(fragment))])
        }
    }

    private static func textPart(_ text: MergedJSON) -> MergedJSON {
        let part = MergedJSON.emptyObject()
        part.set("type", MergedJSON(raw: Array("\"text\"".utf8)))
        part.append(quoted: Array("\"text\"".utf8), text)
        return part
    }

    /// Whether this is the string "text".
    private var isText: Bool {
        switch content {
        case .whole(let node): node.isString("text")
        case .text(let text): text == Array("text".utf8)
        case .raw(let bytes): bytes == Array("\"text\"".utf8)
        default: false
        }
    }

    private func mergeIndexed(_ fragment: JSONNode) {
        guard case .indexed(var elements) = content else { return }
        content = .raw([])
        for element in fragment.elements {
            // A fragment without an index goes on with the last element, unless it begins another one by its id.
            let index = element["index"]?.int ?? max(0, (elements.last?.index ?? -1) &+ (element["id"]?.text?.isEmpty ?? true ? 0 : 1))
            var place = elements.count
            while place > 0, elements[place - 1].index > index { place -= 1 }
            if place > 0, elements[place - 1].index == index {
                elements[place - 1].value.merge(element)
            } else {
                elements.insert((index, MergedJSON(element)), at: place)
            }
        }
        content = .indexed(elements)
    }

    /// Makes a whole value one that can be merged into.
    private func open() {
        guard case .whole(let node) = content else { return }
        switch node.kind {
        case .string: content = .text(Array(node.source.dropFirst().dropLast()))
        case .object: content = .object(node.members.map { Member(name: Array($0.name.source), value: MergedJSON($0.value)) })
        case .array:
            let elements = Array(node.elements)
            if !elements.isEmpty, elements.allSatisfy({ $0["index"]?.int != nil }) {
                content = .indexed([])
                mergeIndexed(node)
            } else {
                content = .array(elements.map { MergedJSON($0) })
            }
        case .null, .true, .false, .number: return
        }
    }

    // MARK: - Members

    private func member(_ name: JSONNode) -> MergedJSON? {
        guard case .object(let members) = content else { return nil }
        return members.first { $0.name.elementsEqual(name.source) }?.value
    }

    /// The member with this name, which needs no escapes.
    subscript(name: StaticString) -> MergedJSON? {
        open()
        guard case .object(let members) = content else { return nil }
        return members.first { Self.matches($0.name, name) }?.value
    }

    private static func matches(_ quoted: [UInt8], _ name: StaticString) -> Bool {
        quoted.withUnsafeBufferPointer { $0.count >= 2 && name.isEqual(to: UnsafeBufferPointer(rebasing: $0[1..<($0.count - 1)])) }
    }

    private func append(_ name: JSONNode, _ value: MergedJSON) { append(quoted: Array(name.source), value) }

    private func append(quoted name: [UInt8], _ value: MergedJSON) {
        if case .object(var members) = content {
            content = .raw([])
            members.append(Member(name: name, value: value))
            content = .object(members)
        } else {
            content = .object([Member(name: name, value: value)])
        }
    }

    /// Gives this object the member, in place of one that it has.
    func set(_ name: StaticString, _ value: MergedJSON) {
        if let present = self[name] {
            present.content = value.content
        } else {
            append(quoted: Array("\"\(name)\"".utf8), value)
        }
    }

    // MARK: - Writing

    /// Appends the value.
    /// - Parameter unindexed: a member whose array's elements are written without their `index`: it belongs to streams alone.
    func write(to output: inout [UInt8], unindexed: StaticString? = nil, without skipped: StaticString? = nil) {
        switch content {
        case .whole(let node):
            guard unindexed != nil || skipped != nil, node.kind == .object || node.kind == .array else {
                output += node.source
                return
            }
            open()
            write(to: &output, unindexed: unindexed, without: skipped)
        case .raw(let bytes): output += bytes
        case .text(let text):
            output.append(UInt8(ascii: "\""))
            output += text
            output.append(UInt8(ascii: "\""))
        case .object(let members):
            var separator = UInt8(ascii: "{")
            for member in members {
                if let skipped, Self.matches(member.name, skipped) { continue }
                output.append(separator)
                separator = UInt8(ascii: ",")
                output += member.name
                output.append(UInt8(ascii: ":"))
                if let unindexed, Self.matches(member.name, unindexed) {
                    member.value.writeElements(to: &output, without: "index")
                } else {
                    member.value.write(to: &output)
                }
            }
            if separator == UInt8(ascii: "{") { output.append(separator) }
            output.append(UInt8(ascii: "}"))
        case .array, .indexed: writeElements(to: &output, without: nil)
        }
    }

    private func writeElements(to output: inout [UInt8], without skipped: StaticString?) {
        open()
        let elements: [MergedJSON]
        switch content {
        case .array(let values): elements = values
        case .indexed(let values): elements = values.map(\.value)
        default: return write(to: &output)
        }
        output.append(UInt8(ascii: "["))
        for (position, element) in elements.enumerated() {
            if position > 0 { output.append(UInt8(ascii: ",")) }
            element.write(to: &output, without: skipped)
        }
        output.append(UInt8(ascii: "]"))
    }
}
