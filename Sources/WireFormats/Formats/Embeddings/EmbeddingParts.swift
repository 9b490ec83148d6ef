package import SemanticCache

/// Takes a plain embeddings answer apart into one answer an input, and puts such answers together again.
///
/// A part is a whole answer: the members beside `data` and `usage` as they were, one element of `data` with the index 0, and its share of every number
/// in `usage`. The shares of all parts add up to the whole, so that parts put together again say what the answer said.
package enum EmbeddingParts {
    /// One part for each input, in the order of the inputs; `nil` when the answer does not have exactly one element for each.
    /// - Parameter weights: for each input its share of the cost; all positive.
    ///
    /// - Complexity: O(n) in the answer, and in the members beside `data` times the inputs.
    package static func split(_ body: [UInt8], weights: [Int]) -> [[UInt8]]? {
        guard let root = AnswerInspection.object(body), let data = root["data"], data.kind == .array, data.count == weights.count else { return nil }
        var elements = [JSONNode?](repeating: nil, count: weights.count)
        for (position, element) in data.elements.enumerated() {
            guard element.kind == .object else { return nil }
            // Nothing promises the order of the elements but their index; servers that leave it out answer in order.
            let index = element["index"]?.int ?? position
            guard elements.indices.contains(index), elements[index] == nil else { return nil }
            elements[index] = element
        }
        var parts: [[UInt8]] = []
        parts.reserveCapacity(weights.count)
        let shares = root["usage"].map { Shares($0, weights: weights) }
        for (index, element) in elements.enumerated() {
            guard let element else { return nil }
            var part: [UInt8] = []
            for (name, value) in root.members {
                part.append(part.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
                part += name.source
                part.append(UInt8(ascii: ":"))
                if name.isString("data") {
                    part.append(UInt8(ascii: "["))
                    part.append(element, at: 0)
                    part.append(UInt8(ascii: "]"))
                } else if name.isString("usage"), let shares {
                    shares.write(index, to: &part)
                } else {
                    part += value.source
                }
            }
            part.append(UInt8(ascii: "}"))
            parts.append(part)
        }
        return parts
    }

    /// The answer that has the elements of these parts in order; `nil` when one of them is no part.
    /// - Parameter leading: the part whose other members the answer has.
    ///
    /// - Complexity: O(n) in the parts.
    package static func merge(_ parts: [[UInt8]], leading: Int = 0) -> [UInt8]? {
        guard parts.indices.contains(leading), let first = AnswerInspection.object(parts[leading]) else { return nil }
        var data: [UInt8] = [UInt8(ascii: "[")]
        data.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        var usage = first["usage"].map { Sums($0) }
        for (index, part) in parts.enumerated() {
            guard let root = index == leading ? first : AnswerInspection.object(part), let elements = root["data"], elements.count == 1,
                let element = elements.first, element.kind == .object
            else { return nil }
            if index > 0 { data.append(UInt8(ascii: ",")) }
            data.append(element, at: index)
            if index != leading { usage?.add(root["usage"]) }
        }
        data.append(UInt8(ascii: "]"))
        var body: [UInt8] = []
        for (name, value) in first.members {
            body.append(body.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
            body += name.source
            body.append(UInt8(ascii: ":"))
            if name.isString("data") {
                body += data
            } else if name.isString("usage"), let usage {
                usage.write(to: &body)
            } else {
                body += value.source
            }
        }
        body.append(UInt8(ascii: "}"))
        return body
    }

    /// What a part cost; `nil` when it does not say.
    package static func usage(of part: [UInt8]) -> TokenUsage? { AnswerInspection.object(part)?["usage"].flatMap { TokenUsage($0) } }

    /// Larger counts are no token counts, and are left as they are.
    private static let largestCount = 1 << 31

    /// The whole numbers of a usage object, parted by weight so that they add up.
    private struct Shares {
        private let usage: JSONNode
        /// The sums of the weights up to each input, zero first.
        private let sums: [Int]

        init(_ usage: JSONNode, weights: [Int]) {
            self.usage = usage
            sums = weights.reduce(into: [0]) { sums, weight in sums.append(sums[sums.count - 1] + min(weight, largestCount)) }
        }

        func write(_ index: Int, to output: inout [UInt8]) {
            usage.writeMembers(to: &output) { _, value in
                guard let count = value.int, (0...largestCount).contains(count) else { return nil }
                let whole = max(1, sums[sums.count - 1])
                return share(of: count, up: sums[index + 1], whole) - share(of: count, up: sums[index], whole)
            }
        }

        private func share(of count: Int, up sum: Int, _ whole: Int) -> Int {
            // The product may need more than 64 bits.
            let product = count.multipliedFullWidth(by: sum)
            return whole.dividingFullWidth(product).quotient
        }
    }

    /// The whole numbers of usage objects, added up.
    private struct Sums {
        private let usage: JSONNode
        private var counts: [[UInt8]: Int] = [:]

        init(_ usage: JSONNode) {
            self.usage = usage
            add(usage)
        }

        mutating func add(_ other: JSONNode?) {
            guard let other else { return }
            for (name, value) in other.members {
                guard let count = value.int, (0...largestCount).contains(count) else { continue }
                counts[Array(name.source), default: 0] += count
            }
        }

        func write(to output: inout [UInt8]) {
            usage.writeMembers(to: &output) { name, value in value.int == nil ? nil : counts[Array(name.source)] }
        }
    }
}

extension JSONNode {
    /// Writes the object with other numbers for those members for which `number` gives one; any other value as it stands.
    fileprivate func writeMembers(to output: inout [UInt8], number: (JSONNode, JSONNode) -> Int?) {
        guard kind == .object else {
            output += source
            return
        }
        output.append(UInt8(ascii: "{"))
        var isFirst = true
        for (name, value) in members {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            output += name.source
            output.append(UInt8(ascii: ":"))
            if let number = number(name, value) { output += Array(String(number).utf8) } else { output += value.source }
        }
        output.append(UInt8(ascii: "}"))
    }
}

extension [UInt8] {
    /// Appends an element of `data` with this index, where it has one.
    fileprivate mutating func append(_ element: JSONNode, at index: Int) {
        element.writeMembers(to: &self) { name, _ in name.isString("index") ? index : nil }
    }
}
