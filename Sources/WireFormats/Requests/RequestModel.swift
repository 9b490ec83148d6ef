import SemanticCache

/// Reads which model a request asks for, for decisions that fall before the body is understood: which upstream gets it, and who may ask for it.
package enum RequestModel {
    /// The model of a request, by its path and query or else by its body; `nil` where neither names one, or the body more than one.
    package static func name(at target: Substring, body: [UInt8]?) -> String? {
        name(inPath: target) ?? realtime(at: target) ?? body.flatMap { name(in: $0) }
    }

    /// The model that a path names: in a format that has it there, or as Azure's deployment, which stands for it.
    package static func name(inPath path: Substring) -> String? {
        WireTarget(path: path)?.model ?? deployment(in: path) ?? GoogleMethod(RequestPath(path).text)?.runModel
    }

    /// The model of a conversation over a socket, which the query of `/v1/realtime` settles for all of it.
    package static func realtime(at target: Substring) -> String? {
        let path = RequestPath(target)
        guard path.text.hasSuffix("/realtime") else { return nil }
        let items = path.query.split(separator: "&")
        let names = items.filter { $0.hasPrefix("model=") || $0.hasPrefix("deployment=") }
        // Named twice, it is not known which of them counts.
        return names.count == 1 ? names[0].drop { $0 != "=" }.dropFirst().percentDecoded : nil
    }

    /// The deployment that an Azure path names.
    private static func deployment(in path: Substring) -> String? {
        guard path.hasPrefix("/openai/deployments/") else { return nil }
        let name = path.dropFirst("/openai/deployments/".count).prefix { $0 != "/" && $0 != "?" }
        return name.isEmpty ? nil : String(name)
    }

    /// The model; `nil` when the body is not a JSON object, or names none or more than one.
    package static func name(in body: [UInt8]) -> String? {
        let names = names(in: body)
        return names.count == 1 ? names[0] : nil
    }

    /// Every model that some server could read out of the body: an object may repeat a name, and servers differ in which of the two they take, and in
    /// what they let pass as JSON.
    package static func names(in body: [UInt8]) -> [String] { (try? JSONDocument(body, isLenient: true)).map { names(in: $0) } ?? [] }

    /// The same of a body that was read.
    package static func names(in document: JSONDocument) -> [String] {
        document.root.members.compactMap { name, value in name.isString("model") ? value.string : nil }
    }
}
