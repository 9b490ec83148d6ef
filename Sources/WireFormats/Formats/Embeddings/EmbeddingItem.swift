/// One input of an embeddings request: it has an answer of its own, whatever stands beside it.
package struct EmbeddingItem: Sendable {
    /// The input's text; `nil` for one that is token numbers.
    package let text: String?
    /// The input's share of what the request costs, in no unit: token numbers, or bytes of text. At least 1.
    package let weight: Int
    /// Where the input stands in the request's canonical form.
    let range: Range<Int>

    /// The nodes that are inputs by themselves: the texts of an array of texts, the token lists of an array of those, else the whole value.
    ///
    /// An array that mixes kinds, is empty, or holds anything else is one input: how many answers it has is the server's to say.
    static func nodes(of input: JSONNode) -> [JSONNode] {
        guard input.kind == .array, input.count > 0 else { return [input] }
        let elements = Array(input.elements)
        if elements.allSatisfy({ $0.kind == .string }) { return elements }
        if elements.allSatisfy({ element in element.kind == .array && element.elements.allSatisfy { $0.kind == .number } }) { return elements }
        return [input]
    }

    init(_ node: JSONNode, range: Range<Int>) {
        text = node.string
        weight = max(1, node.text?.count ?? node.count)
        self.range = range
    }
}

extension RequestReader {
    /// An embeddings request's body with only these of its inputs, everything else byte for byte as it was; `nil` where it has no list of them.
    ///
    /// - Parameter positions: ascending positions in the list.
    package static func body(_ body: [UInt8], selecting positions: [Int]) -> [UInt8]? {
        guard let root = try? JSONDocument(body).root, let input = root["input"], input.kind == .array else { return nil }
        let elements = Array(input.elements)
        guard positions.allSatisfy({ elements.indices.contains($0) }) else { return nil }
        var result = Array(body[..<input.sourceRange.lowerBound])
        result.append(UInt8(ascii: "["))
        for (place, position) in positions.enumerated() {
            if place > 0 { result.append(UInt8(ascii: ",")) }
            result += elements[position].source
        }
        result.append(UInt8(ascii: "]"))
        result += body[input.sourceRange.upperBound...]
        return result
    }
}
