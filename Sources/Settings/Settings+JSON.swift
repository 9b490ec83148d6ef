import Foundation
import Yams

extension Settings {
    /// The whole configuration as nested maps for JSON: durations and sizes as they are written in the file, unset keys as `NSNull`.
    package var effectiveObject: [String: Any] {
        // The text was written by this room and reads back, so it is a map.
        (try? Yams.compose(yaml: effectiveYAML)).flatMap { jsonValue($0) as? [String: Any] } ?? [:]
    }
}

/// The node's value. Words are taken by hand: YAML 1.1 would turn the choice `off` into a boolean.
private func jsonValue(_ node: Node) -> Any {
    switch node {
    case .mapping(let mapping):
        return Dictionary(mapping.map { ($0.key.string ?? "", jsonValue($0.value)) }, uniquingKeysWith: { first, _ in first })
    case .sequence(let sequence): return sequence.map(jsonValue)
    case .alias: return NSNull()
    case .scalar(let scalar):
        if isNull(node) { return NSNull() }
        guard let word = node.plainText else { return scalar.string }
        if let flag = ["true": true, "false": false][word] { return flag }
        return Int(word) ?? Double(word) ?? word
    }
}
