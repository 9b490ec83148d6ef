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

    /// - Parameter isAppended: whether every element is one of its own.
    init(_ list: JSONNode, isAppended: Bool = false) { if isAppended { append(list) } else { merge(list) } }

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

extension ArraySlice<UInt8>? {
    fileprivate func isText(_ text: StaticString) -> Bool { self?.withUnsafeBufferPointer { text.isEqual(to: $0) } ?? false }
}
