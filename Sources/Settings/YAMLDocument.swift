import Yams

/// A YAML text read into nodes that know their places, within bounds, with duplicate keys found rather than fatal.
struct YAMLDocument {
    struct Fault: Error {
        let line: Int
        let column: Int
        let message: String
    }

    /// `nil` for a text without a document.
    let root: Node?
    /// The true names of keys that were renamed because they come again later in their map.
    private let renamed: [String: String]

    /// The largest file that is read, in bytes.
    static let sizeLimit = 1 << 20
    /// With so few aliases, a text of nested lists of aliases unfolds to some 3^10 nodes at the most.
    static let aliasLimit = 32
    private static let duplicateLimit = 100
    /// First of the private-use scalars that mark renamed keys.
    private static let markBase: UInt32 = 0xE000

    /// Reads the text.
    ///
    /// Yams gives up at the first map with a duplicate key, which would hide every other problem. So the earlier of the two keys is renamed in
    /// the text (one scalar for another, so that all places stay true) and the text is read again.
    init(_ text: String) throws(Fault) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
        if let place = Self.aliasOverLimit(in: lines) {
            throw Fault(line: place.line, column: place.column, message: "more than \(Self.aliasLimit) YAML aliases; write the values out")
        }
        var renamed: [String: String] = [:]
        var text = text
        let mayRename = !text.unicodeScalars.contains { (Self.markBase...0xF8FF).contains($0.value) }
        while true {
            do {
                root = try Yams.compose(yaml: text, .default, .default, .utf8)
                self.renamed = renamed
                return
            } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
                let name = duplicates.first ?? ""
                let fault = Fault(line: context.mark.line, column: context.mark.column, message: "'\(name)' is given more than once")
                guard mayRename, renamed.count < Self.duplicateLimit,
                    let mark = Unicode.Scalar(Self.markBase + UInt32(renamed.count)),
                    let newName = Self.rename(name, at: context.mark, to: mark, in: &lines)
                else { throw fault }
                renamed[newName] = name
                text = lines.map { String(String.UnicodeScalarView($0)) }.joined(separator: "\n")
            } catch {
                throw Self.fault(from: error)
            }
        }
    }

    /// A key's name as the file has it, and whether the same key comes again later.
    func name(of key: Node) -> (name: String, isRepeated: Bool)? {
        guard let text = key.scalar?.string else { return nil }
        return renamed[text].map { ($0, true) } ?? (text, false)
    }

    /// Changes the first scalar of the key; `nil` when the key is not written there letter for letter.
    private static func rename(_ name: String, at mark: Mark, to scalar: Unicode.Scalar, in lines: inout [[Unicode.Scalar]]) -> String? {
        let written = Array(name.unicodeScalars)
        guard !written.isEmpty, lines.indices.contains(mark.line - 1) else { return nil }
        var start = mark.column - 1
        if lines[mark.line - 1].indices.contains(start), ["\"", "'"].contains(lines[mark.line - 1][start]) { start += 1 }
        guard start >= 0, lines[mark.line - 1].dropFirst(start).starts(with: written) else { return nil }
        lines[mark.line - 1][start] = scalar
        return String(String.UnicodeScalarView([scalar] + written.dropFirst()))
    }

    /// Where the first alias too many stands. Counts every `*name` that follows a blank, bracket, comma or colon, so it may count some in quotes, too.
    private static func aliasOverLimit(in lines: [[Unicode.Scalar]]) -> (line: Int, column: Int)? {
        var count = 0
        for (number, line) in lines.enumerated() where line.contains("*") {
            let content = line.first { $0 != " " && $0 != "\t" } == "#" ? [] : line
            for (column, scalar) in content.enumerated() where scalar == "*" {
                let before = column == 0 ? " " : content[column - 1]
                guard [" ", "\t", "[", "{", ",", ":"].contains(before), column + 1 < content.count,
                    ![" ", ",", "]", "}"].contains(content[column + 1])
                else { continue }
                count += 1
                if count > aliasLimit { return (number + 1, column + 1) }
            }
        }
        return nil
    }

    private static func fault(from error: any Error) -> Fault {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _), YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            let during = context.map { " \($0.text)" } ?? ""
            return Fault(line: mark.line, column: mark.column, message: "this is not YAML: \(problem)\(during)")
        case YamlError.reader(let problem, _, _, _):
            return Fault(line: 1, column: 1, message: "this is not YAML: \(problem)")
        default:
            return Fault(line: 1, column: 1, message: "this is not YAML")
        }
    }
}
