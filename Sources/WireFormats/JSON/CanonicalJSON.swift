/// Writes JSON in its canonical form (RFC 8785): members sorted by the UTF-16 code units of their names, no white space, the fewest escapes,
/// numbers as ``CanonicalNumber`` says. Equal values give equal bytes.
///
/// The form is written into one buffer that is hashed afterwards rather than piece by piece into the hash: a piece is a few bytes, a call of the hash
/// function costs more than copying it, and the key and the scope are two hashes of the same buffer.
package struct CanonicalJSON {
    /// What was written so far.
    package private(set) var output: [UInt8] = []
    /// Whether an object had two members of one name. Readers differ on which of them counts, so such a value has no canonical form.
    package private(set) var hasRepeatedNames = false
    /// Where the strings that were marked stand in `output`, quotes included, ascending.
    package private(set) var markedRanges: [Range<Int>] = []
    /// Name nodes of the objects being written, innermost last: one buffer for all levels.
    private var names: [Int] = []

    package init() {}

    /// The canonical form of `bytes`, or `nil` when an object in it repeats a name.
    package static func bytes(of bytes: [UInt8]) throws(JSONError) -> [UInt8]? {
        let document = try JSONDocument(bytes)
        var canonical = CanonicalJSON()
        canonical.append(document.root)
        return canonical.hasRepeatedNames ? nil : canonical.output
    }

    /// Appends the value.
    /// - Parameters:
    ///   - excluded: names of members of `node` itself (not of what is within them) that are left out.
    ///   - marked: node indices of strings whose place is wanted in ``markedRanges``, ascending.
    ///
    /// - Complexity: O(n log m) in the bytes and in the members of the widest object.
    package mutating func append(_ node: JSONNode, excluding excluded: [StaticString] = [], marking marked: [Int] = []) {
        let document = node.document
        output.reserveCapacity(output.count + node.source.count)
        document.bytes.withUnsafeBufferPointer { bytes in
            document.unescaped.withUnsafeBufferPointer { unescaped in
                document.nodes.withUnsafeBufferPointer { nodes in
                    let source = Source(bytes: bytes, unescaped: unescaped, nodes: nodes, marked: marked)
                    if nodes[node.index].kind == .object {
                        appendObject(node.index, of: source, excluding: excluded)
                    } else {
                        append(node.index, of: source)
                    }
                }
            }
        }
    }

    /// Appends the byte FF, which stands in no JSON text: a border that no value can imitate.
    mutating func appendGap() { output.append(0xFF) }

    /// The document's buffers while they are open.
    private struct Source {
        let bytes: UnsafeBufferPointer<UInt8>
        let unescaped: UnsafeBufferPointer<UInt8>
        let nodes: UnsafeBufferPointer<JSONDocument.Node>
        let marked: [Int]

        @inline(__always) func text(_ index: Int) -> UnsafeBufferPointer<UInt8> {
            let node = nodes[index]
            return UnsafeBufferPointer(rebasing: (node.isUnescaped ? unescaped : bytes)[Int(node.textStart)..<Int(node.textEnd)])
        }

        func isMarked(_ index: Int) -> Bool {
            var low = 0
            var high = marked.count
            while low < high {
                let middle = (low + high) / 2
                if marked[middle] < index { low = middle + 1 } else { high = middle }
            }
            return low < marked.count && marked[low] == index
        }
    }

    private mutating func append(_ index: Int, of source: Source) {
        let node = source.nodes[index]
        switch node.kind {
        case .null, .true, .false: output.append(contentsOf: source.bytes[Int(node.start)..<Int(node.end)])
        case .number:
            CanonicalNumber.append(UnsafeBufferPointer(rebasing: source.bytes[Int(node.start)..<Int(node.end)]), to: &output)
        case .string:
            let start = output.count
            JSONText.append(source.text(index), to: &output)
            if !source.marked.isEmpty, source.isMarked(index) { markedRanges.append(start..<output.count) }
        case .array:
            output.append(UInt8(ascii: "["))
            var element = index + 1
            while element < Int(node.next) {
                if element != index + 1 { output.append(UInt8(ascii: ",")) }
                append(element, of: source)
                element = Int(source.nodes[element].next)
            }
            output.append(UInt8(ascii: "]"))
        case .object: appendObject(index, of: source, excluding: [])
        }
    }

    private mutating func appendObject(_ index: Int, of source: Source, excluding excluded: [StaticString]) {
        let first = names.count
        var name = index + 1
        while name < Int(source.nodes[index].next) {
            names.append(name)
            name = Int(source.nodes[name + 1].next)
        }
        let last = names.count
        names[first..<last].sort { Self.precedes(source.text($0), source.text($1)) }
        output.append(UInt8(ascii: "{"))
        var isFirst = true
        for position in first..<last {
            let name = names[position]
            let text = source.text(name)
            if position > first, text.elementsEqual(source.text(names[position - 1])) { hasRepeatedNames = true }
            if !excluded.isEmpty, excluded.contains(where: { $0.isEqual(to: text) }) { continue }
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            JSONText.append(text, to: &output)
            output.append(UInt8(ascii: ":"))
            append(name + 1, of: source)
        }
        output.append(UInt8(ascii: "}"))
        names.removeLast(last - first)
    }

    /// Whether `a` comes before `b` in the order of UTF-16 code units.
    ///
    /// That is the order of the UTF-8 bytes but for one thing: characters beyond U+FFFF (first byte F0 and up) are written with surrogates, which
    /// come before U+E000...U+FFFF (first byte EE or EF).
    private static func precedes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
        for index in 0..<min(a.count, b.count) where a[index] != b[index] {
            let (x, y) = (a[index], b[index])
            if x >= 0xEE, y >= 0xEE, (x >= 0xF0) != (y >= 0xF0) { return x >= 0xF0 }
            return x < y
        }
        return a.count < b.count
    }
}
