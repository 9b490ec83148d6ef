/// One JSON text, read once and kept as a flat list of nodes over its own bytes.
///
/// The reader is strict (RFC 8259): valid UTF-8, no byte order mark, no lone surrogates, nothing after the value, at most ``maximumDepth``
/// arrays and objects within each other. Numbers stay as their source text and unknown members stay where they were, so that any part can be
/// copied out byte for byte. Repeated member names are legal to this reader; ``CanonicalJSON`` reports them, because two servers may
/// read such an object differently.
///
/// Nodes stand in document order: an object's members follow it as name, value, name, value. A node knows where its subtree ends, so skipping
/// costs one step. Reading is linear in the bytes, and costs two allocations where no string has escapes.
package final class JSONDocument: Sendable {
    /// The deepest nesting that is read.
    package static let maximumDepth = 128

    /// The text as it came.
    package let bytes: [UInt8]
    /// The decoded texts of the strings that have escapes, end to end.
    let unescaped: [UInt8]
    let nodes: [Node]

    /// What a node is.
    package enum Kind: UInt8, Sendable {
        case null, `false`, `true`, number, string, array, object
    }

    /// A value, or a member's name.
    struct Node {
        var kind: Kind
        /// Whether the text is in `unescaped` rather than `bytes`.
        var isUnescaped = false
        /// The value's own bytes, quotes and brackets included.
        var start: UInt32
        var end: UInt32 = 0
        /// Strings: the decoded text. Arrays and objects: `textStart` is the number of elements or members.
        var textStart: UInt32 = 0
        var textEnd: UInt32 = 0
        /// The index of the node after this one's subtree.
        var next: UInt32 = 0
    }

    /// Reads exactly one value with white space around it.
    ///
    /// - Parameter isLenient: whether what is no JSON by the letter passes, where many servers let it pass: a byte-order mark, lone surrogates, and bytes
    ///   in texts that are no UTF-8. Such a document can be looked into; its value has no canonical form.
    package init(_ bytes: [UInt8], isLenient: Bool = false) throws(JSONError) {
        (nodes, unescaped) = try JSONReader.read(bytes, isLenient: isLenient)
        self.bytes = bytes
    }

    /// The outermost value.
    package var root: JSONNode { JSONNode(document: self, index: 0) }
}

/// A value within a ``JSONDocument``.
package struct JSONNode: Sendable {
    let document: JSONDocument
    let index: Int

    private var node: JSONDocument.Node { document.nodes[index] }

    package var kind: JSONDocument.Kind { node.kind }

    /// The value's bytes as they stand in the source.
    package var source: ArraySlice<UInt8> { document.bytes[Int(node.start)..<Int(node.end)] }

    /// Where ``source`` is within the document.
    var sourceRange: Range<Int> { Int(node.start)..<Int(node.end) }

    package var isNull: Bool { kind == .null }

    /// The boolean, or `nil` for any other kind.
    package var bool: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// The number as an integer; `nil` for other kinds, and for numbers with a fraction or an exponent or beyond `Int`.
    package var int: Int? {
        guard kind == .number else { return nil }
        return Int(String(decoding: source, as: UTF8.self))
    }

    /// The decoded bytes of a string, or `nil` for any other kind.
    package var text: ArraySlice<UInt8>? {
        let node = node
        guard node.kind == .string else { return nil }
        let range = Int(node.textStart)..<Int(node.textEnd)
        return node.isUnescaped ? document.unescaped[range] : document.bytes[range]
    }

    /// The string, or `nil` for any other kind.
    package var string: String? { text.map { String(decoding: $0, as: UTF8.self) } }

    /// Whether this is a string with exactly this text.
    func isString(_ other: StaticString) -> Bool {
        guard let text else { return false }
        return text.withUnsafeBufferPointer { other.isEqual(to: $0) }
    }

    /// The number of elements or members; zero for scalars.
    package var count: Int {
        switch node.kind {
        case .array, .object: Int(node.textStart)
        default: 0
        }
    }

    /// The value of the first member with this name; `nil` where this is no object or has none.
    package subscript(name: StaticString) -> JSONNode? {
        guard kind == .object else { return nil }
        var position = index + 1
        for _ in 0..<count {
            if JSONNode(document: document, index: position).isString(name) { return JSONNode(document: document, index: position + 1) }
            position = Int(document.nodes[position + 1].next)
        }
        return nil
    }

    /// The elements of an array; none for any other kind.
    package var elements: Elements { Elements(parent: self) }

    /// The members of an object in source order; none for any other kind.
    package var members: Members { Members(parent: self) }

    package struct Elements: Sequence, IteratorProtocol {
        private let document: JSONDocument
        private var index: Int
        private let end: Int

        init(parent: JSONNode) {
            document = parent.document
            index = parent.index + 1
            end = parent.kind == .array ? Int(parent.document.nodes[parent.index].next) : index
        }

        package mutating func next() -> JSONNode? {
            guard index < end else { return nil }
            defer { index = Int(document.nodes[index].next) }
            return JSONNode(document: document, index: index)
        }
    }

    package struct Members: Sequence, IteratorProtocol {
        private let document: JSONDocument
        private var index: Int
        private let end: Int

        init(parent: JSONNode) {
            document = parent.document
            index = parent.index + 1
            end = parent.kind == .object ? Int(parent.document.nodes[parent.index].next) : index
        }

        package mutating func next() -> (name: JSONNode, value: JSONNode)? {
            guard index < end else { return nil }
            defer { index = Int(document.nodes[index + 1].next) }
            return (JSONNode(document: document, index: index), JSONNode(document: document, index: index + 1))
        }
    }
}
