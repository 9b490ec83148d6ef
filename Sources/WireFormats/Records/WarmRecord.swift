import Crypto
import HTTPTypes
import SemanticCache

/// One line of a warm-up file: a request, perhaps with its answer. Read from any of these forms, told apart by their members:
///
/// ```
/// {"prompt": "...", "system": "...", "model": "...", "answer": "..."}
/// {"messages": [...], "model": "...", "answer": "..."}
/// {"body": {request body}, "response": {response body}, "url": "/v1/chat/completions"}
/// {"custom_id": "...", "method": "POST", "url": "/v1/chat/completions", "body": {...}}
/// ```
///
/// The first two are chat completions, and members of theirs that are not the record's own (`temperature`, `tools`, ...) belong to the request. `answer` and
/// `response` mean the same: a text, which becomes a whole chat completion, or a response body. A line of an OpenAI batch output has its body one level
/// deeper (`response.body`) and is read as well. Any form may have `namespace`, `tags` and `ttl` (a duration, or whole seconds).
package struct WarmRecord: Sendable {
    /// `custom_id` or `id`, for reports.
    package let id: String?
    /// The request body, ready to be sent.
    package let body: [UInt8]
    /// What `body` reads as.
    package let request: CacheableRequest
    /// What is to be stored; `nil` when the upstream is to be asked.
    package let answer: RecordedAnswer?
    package let namespace: String?
    package let tags: [String]
    package let ttl: Duration?

    /// Reads one line, which must not be blank.
    /// - Parameters:
    ///   - defaultModel: the model of records that name none.
    ///   - created: the `created` of answers that are made from a text, in seconds since 1970.
    package static func read(line: [UInt8], defaultModel: String? = nil, created: Int = 0) throws(WarmRecordError) -> WarmRecord {
        let root: JSONNode
        do throws(JSONError) { root = try JSONDocument(line).root } catch { throw WarmRecordError("not valid JSON: \(error)") }
        guard root.kind == .object else { throw WarmRecordError("expected a JSON object, got \(root.kind.article)") }

        let endpoint = try Self.endpoint(of: root)
        let body = try Self.body(of: root, defaultModel: defaultModel)
        let request: CacheableRequest
        switch RequestReader.read(endpoint: endpoint, body: body) {
        case .cacheable(let read): request = read
        case .bypass(let reason): throw WarmRecordError("the request is one that is never cached (\(reason.rawValue))")
        case .invalid(let error): throw WarmRecordError(error.message)
        }
        return WarmRecord(
            id: (root["custom_id"] ?? (root["body"] == nil ? nil : root["id"]))?.string, body: body, request: request,
            answer: try Self.answer(of: root, request: request, line: line, created: created), namespace: try Self.namespace(of: root),
            tags: try Self.tags(of: root), ttl: try Self.ttl(of: root))
    }

    // MARK: - The request

    private static func endpoint(of root: JSONNode) throws(WarmRecordError) -> Endpoint {
        guard root["body"] != nil, let url = root["url"] ?? root["endpoint"] else { return .chatCompletions }
        if let method = root["method"], method.string?.uppercased() != "POST" { throw WarmRecordError("'method' must be POST") }
        guard let text = url.string, let endpoint = Endpoint.allCases.first(where: { text == $0.path || text.hasSuffix($0.path) }) else {
            throw WarmRecordError("'url' must be one of \(Endpoint.allCases.map(\.path).joined(separator: ", "))")
        }
        return endpoint
    }

    /// Members of a record that are not of the request.
    private static let own: [StaticString] = ["prompt", "system", "messages", "model", "answer", "response", "namespace", "tags", "ttl", "custom_id"]

    private static func body(of root: JSONNode, defaultModel: String?) throws(WarmRecordError) -> [UInt8] {
        var members: [UInt8] = []
        if let body = root["body"] {
            guard body.kind == .object else { throw WarmRecordError("'body' must be an object, got \(body.kind.article)") }
            if body["model"] != nil || defaultModel == nil { return Array(body.source) }
            appendModel(nil, defaultModel, to: &members)
            for (name, value) in body.members { members.appendMember(name, value) }
        } else {
            appendModel(root["model"], defaultModel, to: &members)
            members.append(raw: ",\"messages\":")
            if let messages = root["messages"] {
                guard root["prompt"] == nil else { throw WarmRecordError("a record has 'prompt' or 'messages', not both") }
                guard root["system"] == nil else { throw WarmRecordError("'system' goes with 'prompt'; beside 'messages' it is a message") }
                members += messages.source
            } else {
                guard let prompt = root["prompt"] else { throw WarmRecordError("expected 'prompt', 'messages' or 'body'") }
                guard prompt.kind == .string else { throw WarmRecordError("'prompt' must be a string, got \(prompt.kind.article)") }
                members.append(UInt8(ascii: "["))
                if let system = root["system"], !system.isNull {
                    guard system.kind == .string else { throw WarmRecordError("'system' must be a string, got \(system.kind.article)") }
                    members.append(raw: "{\"role\":\"system\",\"content\":")
                    members += system.source
                    members.append(raw: "},")
                }
                members.append(raw: "{\"role\":\"user\",\"content\":")
                members += prompt.source
                members.append(raw: "}]")
            }
            for (name, value) in root.members where !own.contains(where: { name.isString($0) }) { members.appendMember(name, value) }
        }
        return [UInt8(ascii: "{")] + members.drop { $0 == UInt8(ascii: ",") } + [UInt8(ascii: "}")]
    }

    private static func appendModel(_ model: JSONNode?, _ defaultModel: String?, to members: inout [UInt8]) {
        if let model, !model.isNull {
            members.append(raw: ",\"model\":")
            members += model.source
        } else if let defaultModel {
            members.append(raw: ",\"model\":")
            JSONText.append(defaultModel, to: &members)
        }
    }

    // MARK: - The answer

    private static func answer(of root: JSONNode, request: CacheableRequest, line: [UInt8], created: Int) throws(WarmRecordError) -> RecordedAnswer? {
        guard var answer = root["answer"] ?? root["response"], !answer.isNull else { return nil }
        if answer["status_code"] != nil, let body = answer["body"] {
            guard answer["status_code"]?.int == 200 else { throw WarmRecordError("'response' is an error: status_code is not 200") }
            answer = body
        }
        let bytes: [UInt8]
        if answer.kind == .object {
            bytes = Array(answer.source)
        } else if answer.kind == .string, request.endpoint == .chatCompletions {
            bytes = completion(answer, model: request.model, line: line, created: created)
        } else {
            let expected = request.endpoint == .chatCompletions ? "a text or a response body" : "a response body"
            throw WarmRecordError("the answer must be \(expected), got \(answer.kind.article)")
        }
        do throws(NotStoredReason) {
            let usage = try AnswerInspection(format: request.format, choiceCount: request.choiceCount).inspectMessage(bytes)
            return RecordedAnswer(recording: .message(bytes), fields: [.contentType: "application/json"], usage: usage)
        } catch {
            throw WarmRecordError("the answer cannot be stored (\(error.rawValue))")
        }
    }

    /// A whole chat completion that says `text`. Its id comes from the line, so that reading it again gives the same answer; its usage is zero, because
    /// clients read those members without asking whether they are there.
    private static func completion(_ text: JSONNode, model: String, line: [UInt8], created: Int) -> [UInt8] {
        let hash = SHA256.hash(data: line).prefix(12).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        var bytes = Array("{\"id\":\"chatcmpl-\(hash)\",\"object\":\"chat.completion\",\"created\":\(created),\"model\":".utf8)
        JSONText.append(model, to: &bytes)
        bytes.append(raw: ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":")
        bytes += text.source
        bytes.append(raw: ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}]")
        bytes.append(raw: ",\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}")
        return bytes
    }

    // MARK: - What the cache is told

    private static func namespace(of root: JSONNode) throws(WarmRecordError) -> String? {
        guard let node = root["namespace"], !node.isNull else { return nil }
        guard let namespace = node.string, RequestControls.isNamespace(namespace) else {
            throw WarmRecordError("'namespace' must be 1 to 128 visible ASCII characters without spaces")
        }
        return namespace
    }

    private static func tags(of root: JSONNode) throws(WarmRecordError) -> [String] {
        guard let node = root["tags"], !node.isNull else { return [] }
        let tags = node.elements.compactMap(\.string)
        guard node.kind == .array, tags.count == node.count, tags.count <= 32, tags.allSatisfy({ (1...128).contains($0.count) }) else {
            throw WarmRecordError("'tags' must be an array of at most 32 strings of 1 to 128 characters")
        }
        return tags
    }

    private static func ttl(of root: JSONNode) throws(WarmRecordError) -> Duration? {
        guard let node = root["ttl"], !node.isNull else { return nil }
        if let seconds = node.int, seconds >= 0 { return min(.seconds(seconds), RequestControls.unlimited) }
        guard let text = node.string else {
            throw WarmRecordError("'ttl' must be a duration such as \"1h\" or whole seconds, got \(node.kind.article)")
        }
        do throws(DurationTextError) { return try Duration.parse(text) } catch { throw WarmRecordError("'ttl': \(error)") }
    }
}

/// Why a line is no record: what was expected and what came.
package struct WarmRecordError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
