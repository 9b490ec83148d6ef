import SemanticCache
import Yams

/// How one kind of value is read from YAML, written back, and described when it is missing.
struct ValueKind<Value: Sendable>: Sendable {
    /// Gives the value, or every fault in it.
    let read: @Sendable (Node) throws(ValueFaults) -> Value
    /// YAML text that `read` takes back; begins with a newline when it needs lines of its own.
    let write: @Sendable (Value) -> String
}

/// What is wrong inside one value.
struct ValueFaults: Error {
    struct Fault {
        let mark: Mark?
        let message: String
    }

    var faults: [Fault]

    init(_ faults: [Fault]) { self.faults = faults }

    /// `expected <expectation>; found <what stands there>`.
    init(expected expectation: String, at node: Node, hint: String = "") {
        faults = [Fault(mark: node.mark, message: "expected \(expectation); found \(found(in: node))\(hint)")]
    }

    /// The same without showing what was found, where it could be a secret.
    init(expected expectation: String, hiding node: Node) {
        faults = [Fault(mark: node.mark, message: "expected \(expectation); found something else (not shown here, as it may be a secret)")]
    }
}

/// A few words on what stands in the file.
func found(in node: Node) -> String {
    switch node {
    case .sequence: return "a list"
    case .mapping: return "a map of keys"
    case .alias: return "an alias"
    case .scalar(let scalar):
        if isNull(node) { return "nothing" }
        let text = scalar.string.count > 60 ? "\(scalar.string.prefix(60))..." : scalar.string
        return scalar.style == .plain || scalar.style == .any ? "'\(text)'" : "the text '\(text)'"
    }
}

/// Whether nothing was given: an empty value, `~` or `null`.
func isNull(_ node: Node) -> Bool { node.tag == Tag(.null) && node.isPlain }

extension Node {
    /// Whether this is a word written without quotes.
    var isPlain: Bool { scalar.map { $0.style == .plain || $0.style == .any } ?? false }

    /// The word, where it was written without quotes.
    var plainText: String? { isPlain ? scalar?.string : nil }
}

extension ValueKind {
    /// A value written as one plain word.
    static func word(
        _ expectation: String, write: @escaping @Sendable (Value) -> String, parse: @escaping @Sendable (String) -> Value?
    ) -> ValueKind {
        ValueKind(
            read: { node throws(ValueFaults) in
                if let text = node.plainText, !isNull(node), let value = parse(text) { return value }
                let quoted = node.scalar.flatMap { node.isPlain ? nil : parse($0.string) } != nil
                throw ValueFaults(expected: expectation, at: node, hint: quoted ? "; remove the quotes" : "")
            }, write: write)
    }

    /// Also allows `null`, which means that the key is unset.
    var optional: ValueKind<Value?> {
        ValueKind<Value?>(
            read: { node throws(ValueFaults) in isNull(node) ? nil : try read(node) },
            write: { $0.map(write) ?? "null" })
    }
}

extension ValueKind<Bool> {
    static let flag = word("true or false", write: { "\($0)" }) { ["true": true, "false": false][$0.lowercased()] }
}

extension ValueKind<Int> {
    static func whole(_ range: ClosedRange<Int>) -> ValueKind<Int> {
        word("a whole number from \(range.lowerBound) to \(range.upperBound)", write: { "\($0)" }) { text in
            guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(text), range.contains(number) else { return nil }
            return number
        }
    }
}

extension ValueKind<Double> {
    static func number(_ range: ClosedRange<Double>) -> ValueKind<Double> {
        word("a number from \(range.lowerBound) to \(range.upperBound), such as 0.9", write: { "\($0)" }) { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension ValueKind<Duration> {
    /// A time longer than nothing, unless `zero` is allowed.
    static func duration(zero: Bool = false) -> ValueKind<Duration> {
        word("a duration such as 250ms, 30s, 5m, 24h or 7d\(zero ? "" : ", longer than 0s")", write: \.unitText) { text in
            Duration(unitText: text).flatMap { $0 > .zero || zero ? $0 : nil }
        }
    }
}

extension ValueKind<ByteCount> {
    static func size(atLeast least: ByteCount = ByteCount(1)) -> ValueKind<ByteCount> {
        word("a size such as 64KiB, 32MiB, 1GiB or plain bytes\(least.bytes > 1 ? ", at least \(least)" : "")", write: \.description) { text in
            ByteCount(unitText: text).flatMap { $0 >= least && $0.bytes <= 1 << 44 ? $0 : nil }
        }
    }
}

extension ValueKind where Value: Choice {
    static var choice: ValueKind {
        let words = Value.allCases.map(\.rawValue)
        return ValueKind(
            read: { node throws(ValueFaults) in
                // The raw word: YAML 1.1 would turn `off` into a boolean.
                if let text = node.scalar?.string, let value = Value(rawValue: text) { return value }
                let nearest = node.scalar.flatMap { nearestName(to: $0.string, among: words) }
                throw ValueFaults(
                    expected: "one of \(words.joined(separator: ", "))", at: node, hint: nearest.map { "; did you mean '\($0)'?" } ?? "")
            }, write: { yamlText($0.rawValue, isChoice: true) })
    }
}

extension ValueKind {
    /// A list of words, each one of a few.
    static func choices<Word: Choice>() -> ValueKind<[Word]> where Value == [Word] {
        let words = Word.allCases.map(\.rawValue)
        let texts = ValueKind<[String]>.list(words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")) { Word(rawValue: $0) != nil }
        return ValueKind(
            read: { node throws(ValueFaults) in try texts.read(node).compactMap { Word(rawValue: $0) } },
            write: { texts.write($0.map(\.rawValue)) })
    }
}
