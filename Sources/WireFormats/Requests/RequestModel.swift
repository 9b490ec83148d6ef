/// Reads which model a body asks for, for decisions that fall before the body is understood: which upstream gets it, and who may ask for it.
package enum RequestModel {
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
