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
        case list(MergedList)
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

    // MARK: - Looking

    var isNull: Bool {
        switch content {
        case .whole(let node): node.isNull
        case .raw(let bytes): bytes == Array("null".utf8)
        default: false
        }
    }

    var isEmptyString: Bool { source?.isEmpty ?? false }

    /// The inside of a string as it is escaped; `nil` for any other kind.
    var source: ArraySlice<UInt8>? {
        switch content {
        case .whole(let node): node.kind == .string ? node.source.dropFirst().dropLast() : nil
        case .text(let text): text[...]
        case .raw(let bytes): bytes.first == UInt8(ascii: "\"") ? bytes.dropFirst().dropLast() : nil
        default: nil
        }
    }

    var isContainer: Bool {
        switch content {
        case .whole(let node): node.kind == .object || node.kind == .array
        case .object, .list: true
        case .text: false
        case .raw(let bytes): bytes.first == UInt8(ascii: "{") || bytes.first == UInt8(ascii: "[")
        }
    }

    /// Whether this is the very value that `node` is, written in the same way.
    ///
    /// - Complexity: O(1) where lengths differ, as they do for all but the first fragments of a text.
    func equals(_ node: JSONNode) -> Bool {
        switch content {
        case .whole(let other): other.source == node.source
        case .text(let text): node.kind == .string && node.source.count == text.count + 2 && node.source.dropFirst().dropLast().elementsEqual(text)
        case .raw(let bytes): node.source.elementsEqual(bytes)
        case .object(let members): node.kind == .object && node.count == members.count && isCovered(by: node)
        case .list(let list): node.kind == .array && list.equals(node)
        }
    }

    /// Whether `node` has every member of this object with the same value.
    func isCovered(by node: JSONNode) -> Bool {
        open()
        guard case .object(let members) = content, node.kind == .object else { return false }
        return members.allSatisfy { member in
            node.members.first { $0.name.source.elementsEqual(member.name) }.map { member.value.equals($0.value) } ?? false
        }
    }

    /// The member with this name, which needs no escapes.
    subscript(name: StaticString) -> MergedJSON? {
        open()
        guard case .object(let members) = content else { return nil }
        return members.first { Self.matches($0.name, name) }?.value
    }

    private func member(_ name: JSONNode) -> MergedJSON? {
        guard case .object(let members) = content else { return nil }
        return members.first { $0.name.elementsEqual(name.source) }?.value
    }

    private static func matches(_ quoted: [UInt8], _ name: StaticString) -> Bool {
        quoted.withUnsafeBufferPointer { $0.count >= 2 && name.isEqual(to: UnsafeBufferPointer(rebasing: $0[1..<($0.count - 1)])) }
    }

    // MARK: - Changing

    /// Puts `node` in place of what is here.
    func replace(with node: JSONNode) { content = .whole(node) }

    /// Gives this object the member, in place of one that it has.
    func set(_ name: StaticString, _ value: MergedJSON) {
        if let present = self[name] {
            present.content = value.content
        } else {
            append(quoted: Array("\"\(name)\"".utf8), value)
        }
    }

    private func append(quoted name: [UInt8], _ value: MergedJSON) {
        if case .object(var members) = content {
            content = .raw([])
            members.append(Member(name: name, value: value))
            content = .object(members)
        } else {
            content = .object([Member(name: name, value: value)])
        }
    }

    /// Makes a whole value one that can be merged into.
    private func open(_ rule: Rule = .pieces) {
        guard case .whole(let node) = content else { return }
        switch node.kind {
        case .string: content = .text(Array(node.source.dropFirst().dropLast()))
        case .object: content = .object(node.members.map { Member(name: Array($0.name.source), value: MergedJSON($0.value)) })
        case .array: content = .list(MergedList(node, isAppended: rule == .appended))
        case .null, .true, .false, .number: return
        }
    }

    // MARK: - The last word

    /// Takes the members of `node` over as they are: the last word counts, but a null or an empty string does not undo an earlier one. Objects, of which
    /// each word may say a part, are taken over member by member.
    func replaceMembers(from node: JSONNode, except skipped: [StaticString] = []) {
        open()
        for (name, value) in node.members where !skipped.contains(where: { name.isString($0) }) {
            guard let present = member(name) else {
                append(quoted: Array(name.source), MergedJSON(value))
                continue
            }
            present.takeLast(value)
        }
    }

    private func takeLast(_ value: JSONNode) {
        guard !value.isNull, value.text?.isEmpty != true || isNull else { return }
        open()
        if case .object = content, value.kind == .object { replaceMembers(from: value) } else { content = .whole(value) }
    }

    /// Takes over the members of `node` that say something where this object has nothing.
    func fill(from node: JSONNode) {
        open()
        for (name, value) in node.members where !value.isNull {
            if let present = member(name) {
                if present.isNull || present.isEmptyString { present.replace(with: value) }
            } else {
                append(quoted: Array(name.source), MergedJSON(value))
            }
        }
    }

    // MARK: - Fragments

    /// How a fragment that comes for a member which has a value already is taken.
    private enum Rule {
        case pieces
        /// The last word counts.
        case last
        /// Some servers repeat a name in every fragment, others send it in pieces.
        case piecesUnlessEqual
        /// Texts come in pieces, objects whole.
        case piecesOfText
        /// Pieces, and lists grow by every element, whatever it is.
        case appended

        /// Names of what is said whole, however often; others end like that.
        private static let labels: [StaticString] = [
            "id", "type", "role", "object", "model", "format", "status", "channel", "phase", "provider", "recipient", "url", "title",
        ]
        private static let endings: [StaticString] = ["_id", "_type", "_format", "signature"]

        init(member name: JSONNode) {
            if Self.labels.contains(where: { name.isString($0) }) || Self.endings.contains(where: { name.text?.hasSuffix($0) ?? false }) {
                self = .last
            } else if name.isString("name") {
                self = .piecesUnlessEqual
            } else {
                self = name.isString("arguments") || name.isString("input") ? .piecesOfText : .pieces
            }
        }
    }

    /// Merges a fragment: strings are appended, objects merged member by member, lists as ``MergedList`` says; a null changes nothing; anything else
    /// takes the place of what was here.
    func merge(_ fragment: JSONNode) { merge(fragment, .pieces) }

    /// The same for what grows by every fragment, such as log probabilities: no element of a list is taken for one that came before.
    func append(_ fragment: JSONNode) { merge(fragment, .appended) }

    /// Merges the members of `fragment` into this object, except those named.
    func mergeMembers(of fragment: JSONNode, except skipped: [StaticString] = []) {
        for (name, value) in fragment.members where !skipped.contains(where: { name.isString($0) }) { merge(name, value, Rule(member: name)) }
    }

    private func merge(_ name: JSONNode, _ value: JSONNode, _ rule: Rule) {
        open()
        if let present = member(name) {
            present.merge(value, rule)
        } else {
            append(quoted: Array(name.source), Self.begun(value, rule))
        }
    }

    private func merge(_ fragment: JSONNode, _ rule: Rule) {
        guard !fragment.isNull else { return }
        open(rule)
        switch (content, fragment.kind) {
        case (.text, .string): mergeText(fragment, rule)
        case (.object, .object):
            switch rule {
            case .appended: for (name, value) in fragment.members { merge(name, value, .appended) }
            case .last, .piecesOfText: replaceMembers(from: fragment)
            case .pieces, .piecesUnlessEqual: mergeMembers(of: fragment)
            }
        case (.list(let list), .array): if rule == .appended { list.append(fragment) } else { list.merge(fragment) }
        // Reasoning models of some servers send texts and lists of parts for one member; a plain answer then has a list.
        case (.list(let list), .string): list.appendText(fragment)
        case (.text, .array):
            let text = MergedJSON(content: content)
            let list = MergedList()
            if !text.isEmptyString { list.appendText(text) }
            content = .list(list)
            merge(fragment, rule)
        default: content = Self.begun(fragment, rule).content
        }
    }

    private func mergeText(_ fragment: JSONNode, _ rule: Rule) {
        guard case .text(var text) = content else { return }
        let more = fragment.source.dropFirst().dropLast()
        switch rule {
        case .last: if !more.isEmpty { content = .text(Array(more)) }
        case .piecesUnlessEqual where text.elementsEqual(more): return
        case .pieces, .piecesUnlessEqual, .piecesOfText, .appended:
            // Without this the buffer would have two owners and every append would copy it.
            content = .raw([])
            text += more
            content = .text(text)
        }
    }

    /// The value of a first fragment. One list may hold several pieces of one element.
    private static func begun(_ value: JSONNode, _ rule: Rule) -> MergedJSON {
        guard value.kind == .array, value.count > 1, rule != .appended else { return MergedJSON(value) }
        return MergedJSON(content: .list(MergedList(value)))
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
        case .list: writeElements(to: &output, without: nil)
        }
    }

    private func writeElements(to output: inout [UInt8], without skipped: StaticString?) {
        open()
        guard case .list(let list) = content else { return write(to: &output) }
        output.append(UInt8(ascii: "["))
        for (position, element) in list.inOrder.enumerated() {
            if position > 0 { output.append(UInt8(ascii: ",")) }
            element.write(to: &output, without: skipped)
        }
        output.append(UInt8(ascii: "]"))
    }
}

extension ArraySlice<UInt8> {
    fileprivate func hasSuffix(_ suffix: StaticString) -> Bool {
        self.suffix(suffix.utf8CodeUnitCount).withUnsafeBufferPointer { suffix.isEqual(to: $0) }
    }
}
