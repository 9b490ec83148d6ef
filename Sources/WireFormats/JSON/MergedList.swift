/// A list put together from the lists of a stream's fragments: which elements are pieces of one, and which are others.
///
/// An element of a fragment goes on with one that came before
/// - by its `id`, where both have one; an element under the same `index` that had none yet gets it, and arguments without a name need none of their own:
///   some servers make up another with each piece;
/// - else by its `index`: the last element that has it. Servers number the calls of one chunk alike, or parts of different `type`, so
///   what says another type, or names another call after the arguments of one, is another element;
/// - with neither: arguments without a name go on with the element of the last fragment, and so does the first part of a list whose text is of the same
///   `type` as the last part.
///
/// It is merged into that element, or takes its place where it says the whole of it again. A class, as ``MergedJSON`` is.
final class MergedList {
    private struct Element {
        let value: MergedJSON
        let order: Int
        var id: ArraySlice<UInt8>?
        var index: Int?
        var type: ArraySlice<UInt8>?
    }

    private var elements: [Element] = []
    private var placesByID: [ArraySlice<UInt8>: [Int]] = [:]
    private var placesByIndex: [Int: [Int]] = [:]
    /// The element that the last fragment was of.
    private var latest: Int?
    private var isAscending = true

    init() {}

    init(_ list: JSONNode) { merge(list) }

    /// The elements by their index, those without one behind whom they came after.
    var inOrder: [MergedJSON] {
        guard !isAscending else { return elements.map(\.value) }
        return elements.enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }.map(\.element.value)
    }

    func equals(_ list: JSONNode) -> Bool { list.count == elements.count && zip(elements, list.elements).allSatisfy { $0.value.equals($1) } }

    /// Takes the elements of the next list.
    ///
    /// - Complexity: O(n) in the list; where it begins as what is here, in what is here, too.
    func merge(_ list: JSONNode) {
        if isSaidAgain(by: list) {
            elements = []
            latest = nil
        }
        var isFirst = true
        for element in list.elements {
            take(element, isFirst: isFirst)
            isFirst = false
        }
    }

    /// Takes the elements of the next list as they are, each for another one.
    func append(_ list: JSONNode) { for element in list.elements { add(element) } }

    /// Goes on with the text part at the end, or begins one.
    func appendText(_ text: JSONNode) {
        guard text.text?.isEmpty == false else { return }
        if let last = elements.last, last.type.isText("text"), let present = last.value["text"] {
            present.merge(text)
        } else {
            appendText(MergedJSON(text))
        }
    }

    func appendText(_ text: MergedJSON) {
        let part = MergedJSON.emptyObject()
        part.set("type", MergedJSON(raw: Array("\"text\"".utf8)))
        part.set("text", text)
        add(Element(value: part, order: nextOrder, type: Array("text".utf8)[...]))
    }

    /// Whether `list` is all that is here and perhaps more: some servers send what they found with every chunk. Numbers and parts with a text may be the
    /// same and yet others.
    private func isSaidAgain(by list: JSONNode) -> Bool {
        guard !elements.isEmpty, list.count >= elements.count else { return false }
        return zip(elements, list.elements).allSatisfy { element, node in
            node.kind != .number && element.id == nil && element.index == nil && !ListPiece(node).isText && element.value.equals(node)
        }
    }

    private func take(_ node: JSONNode, isFirst: Bool) {
        guard node.kind == .object else { return add(node) }
        let piece = ListPiece(node)
        guard let place = place(of: piece, isFirst: isFirst), !piece.beginsCall(after: elements[place].value) else { return add(node) }
        latest = place
        if elements[place].id == nil, let id = piece.id { name(place, id) }
        elements[place].type = elements[place].type ?? piece.type
        let value = elements[place].value
        let skipped: [StaticString] = piece.id == nil || piece.id == elements[place].id ? [] : ["id"]
        if piece.isWhole(of: value) { value.replaceMembers(from: node, except: skipped) } else { value.mergeMembers(of: node, except: skipped) }
    }

    /// Which element a piece goes on with; `nil` when it begins another.
    private func place(of piece: ListPiece, isFirst: Bool) -> Int? {
        func last(_ places: [Int]?, where matches: (Element) -> Bool = { _ in true }) -> Int? {
            // Those further back are over; more than a few share a name only where a server gives all the same.
            places?.suffix(16).last { place in
                let element = elements[place]
                return matches(element) && (piece.type == nil || element.type == nil || piece.type == element.type)
            }
        }
        if let id = piece.id {
            if let place = last(placesByID[id], where: { piece.index == nil || $0.index == nil || piece.index == $0.index }) { return place }
            if let index = piece.index, let place = last(placesByIndex[index], where: { $0.id == nil || piece.isArguments }) { return place }
        } else if let index = piece.index, let place = last(placesByIndex[index]) {
            return place
        }
        guard let latest, piece.index == nil || elements[latest].index == nil else { return nil }
        if piece.isArguments { return piece.type == nil || elements[latest].type == nil || piece.type == elements[latest].type ? latest : nil }
        guard piece.id == nil, piece.index == nil else { return nil }
        guard isFirst, piece.isText, piece.type == elements[latest].type else { return nil }
        // What is signed is over.
        let isSigned = elements[latest].value["signature"].map { !$0.isNull && !$0.isEmptyString } ?? false
        return isSigned ? nil : latest
    }

    private func add(_ node: JSONNode) {
        let piece = ListPiece(node)
        add(Element(value: MergedJSON(node), order: piece.index ?? nextOrder, id: nil, index: piece.index, type: piece.type))
        if let id = piece.id { name(elements.count - 1, id) }
    }

    private var nextOrder: Int { elements.last?.order ?? 0 }

    private func add(_ element: Element) {
        if let last = elements.last, last.order > element.order { isAscending = false }
        if let index = element.index { placesByIndex[index, default: []].append(elements.count) }
        latest = elements.count
        elements.append(element)
    }

    private func name(_ place: Int, _ id: ArraySlice<UInt8>) {
        elements[place].id = id
        placesByID[id, default: []].append(place)
    }
}

/// One element of a fragment's list, as far as it says which element of the whole list it is of.
private struct ListPiece {
    private let node: JSONNode
    let id: ArraySlice<UInt8>?
    let index: Int?
    let type: ArraySlice<UInt8>?

    init(_ node: JSONNode) {
        self.node = node
        id = node["id"]?.saying
        index = node["index"]?.int
        type = node["type"]?.saying
    }

    /// The members in which a text comes that is read as it grows.
    private static let texts: [StaticString] = ["text", "thinking", "summary", "reasoning", "refusal", "content", "data", "transcript"]
    private static let partTexts = texts.prefix(5)

    /// Whether this is a part of which a list has one: a type and its text, or what signs it.
    var isText: Bool {
        guard type != nil else { return false }
        var hasText = false
        for (name, value) in node.members where !value.isNull && !name.isString("type") && !name.isString("format") {
            switch value.kind {
            case .string, .array:
                if name.isString("signature") || Self.partTexts.contains(where: { name.isString($0) }) {
                    hasText = true
                } else if value.kind == .string || value.count > 0 {
                    return false
                }
            case .true, .false: continue
            default: return false
            }
        }
        return hasText
    }

    /// A call's name and arguments, wherever its kind has them.
    private var call: JSONNode { node["function"] ?? node["custom"] ?? node }
    private var name: JSONNode? { call["name"].flatMap { $0.saying == nil ? nil : $0 } }
    private var arguments: JSONNode? { (call["arguments"] ?? call["input"]).flatMap { $0.isNull || $0.text?.isEmpty == true ? nil : $0 } }

    /// Whether this is a piece of a call's arguments and nothing else.
    var isArguments: Bool { name == nil && (node["function"] ?? node["custom"] ?? node["arguments"] ?? node["input"]) != nil }

    /// Whether this is a call behind `element`, which is one whose arguments have come: names come first, and whole arguments are not gone on with.
    func beginsCall(after element: MergedJSON) -> Bool {
        guard id == nil, let present = Self.arguments(of: element) else { return false }
        if let name, let other = Self.call(of: element)["name"], !other.equals(name) { return true }
        // Under one index a server may correct what it said.
        guard name != nil || index == nil, let arguments else { return false }
        return arguments.isWholeContainer && present.isWholeContainer && !present.equals(arguments)
    }

    /// Whether this says again all that `element` says, and perhaps more: arguments that were whole already, or the same values throughout where
    /// none of them is a text that grows.
    func isWhole(of element: MergedJSON) -> Bool {
        if let arguments { return arguments.isWholeContainer && Self.arguments(of: element)?.isWholeContainer ?? false }
        guard node.members.contains(where: { !$0.name.isString("index") && $0.value.kind != .string && !$0.value.isNull }),
            !Self.texts.contains(where: { node[$0] != nil })
        else { return false }
        return element.isCovered(by: node)
    }

    private static func call(of element: MergedJSON) -> MergedJSON { element["function"] ?? element["custom"] ?? element }

    private static func arguments(of element: MergedJSON) -> MergedJSON? {
        let call = call(of: element)
        return (call["arguments"] ?? call["input"]).flatMap { $0.isNull || $0.isEmptyString ? nil : $0 }
    }
}

extension JSONNode {
    /// The text of a string that says something.
    fileprivate var saying: ArraySlice<UInt8>? { text.flatMap { $0.isEmpty ? nil : $0 } }

    /// Whether this is an object or a list, or a text that is one: nothing can be appended to it.
    fileprivate var isWholeContainer: Bool { MergedJSON(self).isWholeContainer }
}

extension MergedJSON {
    fileprivate var isWholeContainer: Bool {
        guard let source else { return isContainer }
        let text = source.drop { $0 <= 0x20 }
        guard let first = text.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return false }
        let last = text.last { $0 > 0x20 }
        guard last == UInt8(ascii: "}") || last == UInt8(ascii: "]") else { return false }
        return (try? JSONDocument(JSONText.unescaped(Array(text)))) != nil
    }
}

extension ArraySlice<UInt8>? {
    fileprivate func isText(_ text: StaticString) -> Bool { self?.withUnsafeBufferPointer { text.isEqual(to: $0) } ?? false }
}
