import SemanticCache

/// Reads which model a request asks for, for decisions that fall before the body is understood: which upstream gets it, and who may ask for it.
package enum RequestModel {
    /// The model that a path without query names: in a format that has it there, or as Azure's deployment, which stands for it.
    package static func name(inPath path: Substring) -> String? { WireTarget(path: path)?.model ?? Endpoint.deployment(in: path) }

    /// The model; `nil` when the body is not a JSON object, or names none or more than one.
    package static func name(in body: [UInt8]) -> String? {
        let names = names(in: body)
        return names.count == 1 ? names[0] : nil
    }

    /// Every model that some server could read out of the body: an object may repeat a name, and servers differ in which of the two they take.
    package static func names(in body: [UInt8]) -> [String] { (try? JSONDocument(body)).map { names(in: $0) } ?? [] }

    /// The same of a body that was read.
    package static func names(in document: JSONDocument) -> [String] {
        document.root.members.compactMap { name, value in name.isString("model") ? value.string : nil }
    }
}
