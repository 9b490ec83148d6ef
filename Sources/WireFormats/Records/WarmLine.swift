import SemanticCache

/// One line of a warm-up file as it is read: the request that it is, and what stands beside it. Told apart by their members:
///
/// ```
/// {"prompt": "...", "system": "...", "model": "...", "answer": "..."}
/// {"messages": [...], "model": "...", "answer": "..."}
/// {"body": {request body}, "response": {response body}, "url": "/v1/chat/completions"}
/// {"custom_id": "...", "method": "POST", "url": "/v1/chat/completions", "body": {...}}
/// ```
///
/// The first two are chat completions, and members of theirs that are not the record's own (`temperature`, `tools`, ...) belong to the request.
/// `answer` and `response` mean the same: a text, which becomes a whole answer, or a response body. A line of an OpenAI batch output has its body
/// one level deeper (`response.body`) and is read as well. Any form may have `namespace`, `tags` and `ttl` (a duration, or whole seconds).
package struct WarmLine: Sendable {
    /// The members that are the record's own; those of the first two forms that are not are the request's.
    package static let memberNames = ["prompt", "messages", "body", "answer", "response", "model", "system", "namespace", "tags", "ttl", "custom_id"]

    /// Names the three forms.
    package enum Form: String, CaseIterable, Sendable {
        case prompt, messages, body
    }

    package let form: Form
    /// `custom_id` or `id`, for reports.
    package let id: String?
    /// The request body, ready to be sent.
    package let body: [UInt8]
    package let request: CacheableRequest
    package let namespace: String?
    package let tags: [String]
    package let ttl: Duration?
    /// The answer as it stands in the line, not looked into; `nil` when there is none.
    let answer: JSONNode?
    /// The whole line.
    let root: JSONNode
    /// Whether its URL names the model.
    private let urlNamesModel: Bool

    /// Reads one line, which must not be blank.
    /// - Parameters:
    ///   - defaultModel: the model of records that name none.
    ///   - isStrict: whether to refuse, too, what can be read but was hardly meant: empty texts, an answer under another form's name or twice, no
    ///     time to live at all.
    package init(_ bytes: [UInt8], defaultModel: String? = nil, isStrict: Bool = false) throws(WarmRecordError) {
        let root: JSONNode
        do throws(JSONError) { root = try JSONDocument(bytes).root } catch { throw WarmRecordError("this is not JSON: \(error)") }
        guard root.kind == .object else { throw WarmRecordError("expected a JSON object; found \(Self.kind(of: root))") }
        let forms = Form.allCases.filter { $0.node(in: root) != nil }
        guard forms.count == 1 else {
            let found = forms.isEmpty ? "none of them" : forms.map(\.rawValue).joined(separator: " and ")
            throw WarmRecordError(
                "expected one of the members prompt, messages and body; found \(found)",
                unknownNames: forms.isEmpty ? root.members.compactMap { $0.name.string } : [])
        }
        let form = forms[0]
        self.root = root
        self.form = form
        let reader = MemberReader(root: root, isStrict: isStrict)
        namespace = try reader.namespace()
        tags = try reader.tags()
        ttl = try reader.ttl()
        let target = try form == .body ? reader.target() : WireTarget(format: Self.shortFormat)
        urlNamesModel = target.model != nil
        body = try reader.body(form, defaultModel: urlNamesModel ? nil : defaultModel)
        switch RequestReader.read(target, body: body) {
        case .cacheable(let read): request = read
        case .bypass(let reason): throw WarmRecordError("the request is one that is never cached (\(reason.rawValue))")
        case .unreadable(let error), .invalid(let error): throw WarmRecordError(error.message)
        }
        answer = try reader.answer(form)
        id = (root["custom_id"] ?? (form == .body ? root["id"] : nil))?.string
    }

    /// Whether it carries an answer: then it is imported, else the upstream is asked.
    package var hasAnswer: Bool { answer != nil }

    /// Whether the record names its model itself.
    package var namesModel: Bool { urlNamesModel || MemberReader.given(holder["model"]) != nil }

    /// The names of the record's members.
    package var names: [String] { root.members.compactMap { $0.name.string } }

    /// The line with this model in it, everything else byte for byte as it was.
    package func naming(model: String) -> [UInt8] {
        let holder = holder
        var object = Array("{\"model\":".utf8)
        JSONText.append(model, to: &object)
        if holder["model"] == nil {
            if holder.count > 0 { object.append(UInt8(ascii: ",")) }
            object += holder.source.dropFirst()
        } else {
            for (name, value) in holder.members where !name.isString("model") { object.appendMember(name, value) }
            object.append(UInt8(ascii: "}"))
        }
        let bytes = root.document.bytes
        return Array(bytes[..<holder.sourceRange.lowerBound]) + object + bytes[holder.sourceRange.upperBound...]
    }

    /// The object that has the request's members.
    private var holder: JSONNode { form == .body ? root["body"] ?? root : root }

    /// The format of the short forms.
    private static var shortFormat: any WireFormat { Endpoint.chatCompletions.format }

    /// A value in a few words, for messages.
    static func kind(of node: JSONNode?) -> String {
        guard let node else { return "nothing" }
        switch node.kind {
        case .null: return "nothing"
        case .string:
            let text = node.string ?? ""
            return text.isEmpty ? "an empty text" : "'\(text.count > 40 ? text.prefix(39) + "…" : text)'"
        case .array: return node.count == 0 ? "an empty list" : "a list"
        case .object: return "an object"
        case .number, .true, .false: return String(decoding: node.source, as: UTF8.self)
        }
    }
}

extension WarmLine.Form {
    fileprivate func node(in root: JSONNode) -> JSONNode? {
        switch self {
        case .prompt: root["prompt"]
        case .messages: root["messages"]
        case .body: root["body"]
        }
    }
}

/// Reads the members of one line.
private struct MemberReader {
    let root: JSONNode
    let isStrict: Bool

    /// The value, unless it is null.
    static func given(_ node: JSONNode?) -> JSONNode? { node.flatMap { $0.isNull ? nil : $0 } }

    private func given(_ name: StaticString) -> JSONNode? { Self.given(root[name]) }

    /// The member's string; it must be there.
    private func text(_ name: StaticString, in holder: JSONNode) throws(WarmRecordError) -> JSONNode {
        guard let node = holder[name], node.kind == .string, !isStrict || node.text?.isEmpty == false else {
            throw WarmRecordError("\(name): expected some text; found \(WarmLine.kind(of: holder[name]))")
        }
        return node
    }

    private func optionalText(_ name: StaticString, in holder: JSONNode) throws(WarmRecordError) -> JSONNode? {
        Self.given(holder[name]) == nil ? nil : try text(name, in: holder)
    }

    // MARK: - The request

    func target() throws(WarmRecordError) -> WireTarget {
        if let method = given("method"), method.string?.uppercased() != "POST" {
            throw WarmRecordError("method: expected POST; found \(WarmLine.kind(of: method))")
        }
        guard let url = given("url") ?? given("endpoint") else {
            if let body = given("body"), body.kind == .object { try checkMessages(body["messages"]) }
            return WireTarget(format: Endpoint.chatCompletions.format)
        }
        if let text = url.string {
            if let format = KnownFormats.all.first(where: { text.hasSuffix($0.endpoint.path) }) { return WireTarget(format: format) }
            // Of a URL the path: what follows the first slash behind the host.
            let path = text.hasPrefix("/") ? text[...] : text.drop { $0 != "/" }.dropFirst(2).drop { $0 != "/" }
            if let target = WireTarget(path: path), target.model != nil { return target }
        }
        let paths = Endpoint.allCases.map(\.path).joined(separator: ", ")
        throw WarmRecordError("url: expected one of \(paths); found \(WarmLine.kind(of: url))")
    }

    func body(_ form: WarmLine.Form, defaultModel: String?) throws(WarmRecordError) -> [UInt8] {
        let holder = form == .body ? root["body"] ?? root : root
        guard holder.kind == .object else { throw WarmRecordError("body: expected an object; found \(WarmLine.kind(of: holder))") }
        let model = try optionalText("model", in: holder)
        if form == .body, model != nil || defaultModel == nil { return Array(holder.source) }
        var members: [UInt8] = []
        if let model {
            members.append(raw: ",\"model\":")
            members += model.source
        } else if let defaultModel {
            members.append(raw: ",\"model\":")
            JSONText.append(defaultModel, to: &members)
        }
        switch form {
        case .prompt: try appendPrompt(to: &members)
        case .messages:
            guard given("system") == nil else { throw WarmRecordError("'system' goes with 'prompt'; beside 'messages' it is a message") }
            try checkMessages(root["messages"])
            members.append(raw: ",\"messages\":")
            members += root["messages"]?.source ?? []
        case .body: break
        }
        for (name, value) in holder.members where !name.isString("model") && (form == .body || !isOwn(name)) { members.appendMember(name, value) }
        return [UInt8(ascii: "{")] + members.drop { $0 == UInt8(ascii: ",") } + [UInt8(ascii: "}")]
    }

    private func isOwn(_ name: JSONNode) -> Bool { name.string.map { WarmLine.memberNames.contains($0) } ?? false }

    private func appendPrompt(to members: inout [UInt8]) throws(WarmRecordError) {
        let prompt = try text("prompt", in: root)
        members.append(raw: ",\"messages\":[")
        if let system = try optionalText("system", in: root) {
            members.append(raw: "{\"role\":\"system\",\"content\":")
            members += system.source
            members.append(raw: "},")
        }
        members.append(raw: "{\"role\":\"user\",\"content\":")
        members += prompt.source
        members.append(raw: "}]")
    }

    private func checkMessages(_ messages: JSONNode?) throws(WarmRecordError) {
        guard let messages, messages.kind == .array else { throw WarmRecordError("messages: expected a list; found \(WarmLine.kind(of: messages))") }
        guard messages.count > 0 else { throw WarmRecordError("messages: expected at least one message; found an empty list") }
        for (index, message) in messages.elements.enumerated() where message["role"]?.kind != .string {
            throw WarmRecordError("messages: expected an object with a role at index \(index); found \(WarmLine.kind(of: message))")
        }
    }

    // MARK: - The answer

    func answer(_ form: WarmLine.Form) throws(WarmRecordError) -> JSONNode? {
        let (answer, response) = (given("answer"), given("response"))
        if isStrict, form == .prompt, root["response"] != nil { throw WarmRecordError("beside prompt expected the member answer; found response") }
        if isStrict, answer != nil, response != nil { throw WarmRecordError("expected answer or response; found both") }
        guard let node = answer ?? response else { return nil }
        if node.kind == .object { return node }
        let name: StaticString = answer == nil ? "response" : "answer"
        // A request in its own form has its answer in that form, too.
        guard !isStrict || form != .body else {
            throw WarmRecordError("\(name): expected an object; found \(WarmLine.kind(of: node))")
        }
        return try text(name, in: root)
    }

    // MARK: - What the cache is told

    func namespace() throws(WarmRecordError) -> String? {
        guard let node = given("namespace") else { return nil }
        guard let namespace = node.string, RequestControls.isNamespace(namespace) else {
            throw WarmRecordError("namespace: expected 1 to 128 visible ASCII characters without spaces; found \(WarmLine.kind(of: node))")
        }
        return namespace
    }

    func tags() throws(WarmRecordError) -> [String] {
        guard let node = given("tags") else { return [] }
        let tags = node.elements.compactMap(\.string)
        guard node.kind == .array, tags.count == node.count else {
            throw WarmRecordError("tags: expected a list of texts; found \(WarmLine.kind(of: node))")
        }
        guard tags.count <= 32, tags.allSatisfy({ (1...128).contains($0.count) }) else {
            throw WarmRecordError("tags: expected a list of texts, at most 32 of 1 to 128 characters each")
        }
        return tags
    }

    /// As `X-Cache-TTL`: a duration, or whole seconds.
    func ttl() throws(WarmRecordError) -> Duration? {
        guard let node = given("ttl") else { return nil }
        let seconds = node.int.flatMap { $0 >= 0 ? min(.seconds($0), RequestControls.unlimited) : nil }
        guard let ttl = seconds ?? node.string.flatMap({ RequestControls.timeToLive($0) }), !isStrict || ttl > .zero else {
            throw WarmRecordError("ttl: expected a duration such as 30s, 5m, 24h or 7d, or seconds; found \(WarmLine.kind(of: node))")
        }
        return ttl
    }
}
