import SemanticCache
import Yams

extension ValueKind<Settings.Judge> {
    /// `model` and `daily_calls`.
    static let judge = ValueKind(
        read: { node throws(ValueFaults) in
            var judge = Settings.Judge()
            let reader = try MapReader(node, of: "the keys model and daily_calls")
            try reader.read { name, value throws(ValueFaults) in
                switch name {
                case "model": judge.model = try ValueKind<String>.name.optional.read(value)
                case "daily_calls": judge.dailyCalls = try ValueKind<Int>.whole(0...1_000_000).read(value)
                default: return false
                }
                return true
            }
            return judge
        },
        write: { "\n    model: \($0.model.map { yamlText($0) } ?? "null")\n    daily_calls: \($0.dailyCalls)" })
}

extension ValueKind<[Settings.Override]> {
    /// A list of maps; each names a model, a namespace or both.
    static let overrides = ValueKind(
        read: { node throws(ValueFaults) in
            if isNull(node) { return [] }
            guard case .sequence(let sequence) = node else { throw ValueFaults(expected: "a list of overrides", at: node) }
            var overrides: [Settings.Override] = []
            for item in sequence { overrides.append(try readOverride(item)) }
            return overrides
        },
        write: { overrides in
            overrides.isEmpty ? "[]" : overrides.map { "\n    - {\(members(of: $0))}" }.joined()
        })

    private static func readOverride(_ node: Node) throws(ValueFaults) -> Settings.Override {
        var override = Settings.Override()
        try MapReader(node, of: "model, namespace, mode, error_bound, profile and threshold").read { name, value throws(ValueFaults) in
            switch name {
            case "model": override.model = try ValueKind<String>.name.read(value)
            case "namespace": override.namespace = try ValueKind<String>.name.read(value)
            case "mode": override.mode = try ValueKind<MatchingMode>.choice.read(value)
            case "error_bound": override.errorBound = try ValueKind<Double>.number(0...1).read(value)
            case "profile": override.profile = try ValueKind<GuardProfile>.choice.read(value)
            case "threshold": override.threshold = try ValueKind<Double>.number(0...1).read(value)
            default: return false
            }
            return true
        }
        guard override.model != nil || override.namespace != nil else {
            throw ValueFaults(expected: "an override with a model or a namespace", at: node)
        }
        return override
    }

    private static func members(of override: Settings.Override) -> String {
        let members: [(String, String?)] = [
            ("model", override.model.map { yamlText($0, quoted: true) }), ("namespace", override.namespace.map { yamlText($0, quoted: true) }),
            ("mode", override.mode?.rawValue), ("error_bound", override.errorBound.map { "\($0)" }), ("profile", override.profile?.rawValue),
            ("threshold", override.threshold.map { "\($0)" }),
        ]
        return members.compactMap { name, value in value.map { "\(name): \($0)" } }.joined(separator: ", ")
    }
}

extension ValueKind<String> {
    /// The name of a model or namespace: any text on one line that is not blank.
    fileprivate static let name = ValueKind(
        read: { node throws(ValueFaults) in
            guard let text = node.scalar?.string, !isNull(node), !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
            else { throw ValueFaults(expected: "a name on one line", at: node) }
            return text
        }, write: { yamlText($0) })
}

/// Reads a map inside a value, each key once and none unknown.
private struct MapReader {
    private let mapping: Node.Mapping
    private let names: String

    init(_ node: Node, of names: String) throws(ValueFaults) {
        guard case .mapping(let mapping) = node else { throw ValueFaults(expected: "a map of \(names)", at: node) }
        self.mapping = mapping
        self.names = names
    }

    /// - Parameter take: one member; whether it is known.
    func read(_ take: (String, Node) throws(ValueFaults) -> Bool) throws(ValueFaults) {
        var seen: Set<String> = []
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            guard seen.insert(name).inserted, try take(name, value) else { throw ValueFaults(expected: "a map of \(names), each once", at: key) }
        }
    }
}
