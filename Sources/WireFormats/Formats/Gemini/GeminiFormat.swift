import SemanticCache

/// Google's own API for what models say: `models/NAME:generateContent`, and `:streamGenerateContent?alt=sse` for the same as a stream.
///
/// Google's servers read members in either spelling (`systemInstruction`, `system_instruction`), and an object where a list of one is meant. Streams
/// have no last event: they end with their connection, or with the chunk that says of the last candidate why it ended.
struct GeminiFormat: WireFormat {
    var endpoint: Endpoint { .generateContent }
    var roots: [String] { GoogleRoots.all }
    var excludedMembers: [StaticString] { ["labels", "store", "serviceTier", "service_tier"] }

    func target(at path: RequestPath) -> WireTarget? {
        guard let method = GoogleMethod(path.text), let form = GoogleMethod.alternative(in: path.query) else { return nil }
        switch (method.name, form) {
        case ("generateContent", ""), ("generateContent", "json"): return WireTarget(format: self, model: method.model, streams: false)
        case ("streamGenerateContent", "sse"): return WireTarget(format: self, model: method.model, streams: true)
        // Without `alt=sse` a stream is one long array, which is passed on as it comes.
        default: return nil
        }
    }

    func path(model: String) -> String { GoogleMethod.path(endpoint, model: model) }
    func keyed(_ pathAndQuery: String) -> String { GoogleMethod.keyed(pathAndQuery) }

    // MARK: Requests

    /// Content that the provider holds may be changed or gone without the request saying so.
    func bypass(_ root: JSONNode) -> BypassReason? {
        let held = root["cachedContent"] ?? root["cached_content"]
        return held.map { !$0.isNull && $0.text?.isEmpty != true } ?? false ? .stateful : nil
    }

    func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder {
        var last: JSONNode?
        for content in root["contents"]?.listed ?? [] where content["role"].map({ $0.isNull || $0.isString("user") }) ?? true { last = content }
        return QueryFinder(texts: last?["parts"]?.listed.compactMap { $0["text"] }.filter { $0.kind == .string } ?? [])
    }

    func addInstructions(of root: JSONNode, to digest: inout InstructionsDigest) {
        digest.add(root["systemInstruction"] ?? root["system_instruction"])
    }

    func conversation(in root: JSONNode) -> Conversation? {
        guard let contents = root["contents"], contents.kind == .array else { return nil }
        return Conversation(contents) { content in
            if content["role"].map({ $0.isNull || $0.isString("user") }) ?? true {
                return .user(texts: content["parts"]?.listed.compactMap { $0["text"] }.filter { $0.kind == .string } ?? [])
            }
            return content["role"]?.isString("model") ?? false ? .model : .other
        }
    }

    func said(_ element: JSONNode) -> String? {
        element["role"]?.isString("model") ?? false ? Self.text(ofParts: element["parts"]?.listed ?? []) : nil
    }

    func choiceCount(of root: JSONNode) -> Int? {
        let settings = root["generationConfig"] ?? root["generation_config"]
        return (settings?["candidateCount"] ?? settings?["candidate_count"])?.int
    }

    // MARK: Answers

    var finishReasons: FinishReasons? { .candidates }

    func check(_ message: JSONNode) throws(NotStoredReason) {
        try GeminiProgress.checkFeedback(message)
        guard let candidates = message["candidates"], candidates.kind == .array, candidates.count > 0 else { throw .unreadable }
        for candidate in candidates.elements {
            guard candidate.kind == .object else { throw .unreadable }
            try candidate.checkError()
            _ = try FinishReasons.candidates.hasEnded(candidate)
            guard candidate.parts.contains(where: \.saysSomething) else { throw .emptyAnswer }
        }
    }

    func usage(of message: JSONNode) -> TokenUsage? { message["usageMetadata"].flatMap { TokenUsage(google: $0) } }
    func progress() -> (any StreamProgress)? { GeminiProgress() }

    func message(from events: [SSEEvent]) -> [UInt8]? {
        var aggregation = GeminiAggregation()
        for event in events {
            guard let root = AnswerInspection.object(event.data), aggregation.take(root) else { return nil }
        }
        return aggregation.body()
    }

    /// One chunk: a stream is a sequence of answers of which each says a part, and the whole is such a part.
    func events(from message: JSONNode, includesUsage: Bool) -> [[UInt8]]? {
        guard message["candidates"]?.kind == .array else { return nil }
        var chunk = Array("data: ".utf8)
        chunk.appendOneLine(message)
        chunk.append(raw: "\r\n\r\n")
        return [chunk]
    }

    func message(saying text: JSONNode, id: String, model: String, created: Int) -> [UInt8]? {
        var bytes = Array("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":".utf8)
        bytes += text.source
        bytes.append(raw: "}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"modelVersion\":")
        JSONText.append(model, to: &bytes)
        return bytes + Array(",\"responseId\":\"\(id)\"}".utf8)
    }

    func text(of message: JSONNode) -> String { Self.text(ofParts: message["candidates"]?.first?.parts ?? []) }

    private static func text(ofParts parts: [JSONNode]) -> String {
        AnswerText.joined(
            parts.lazy.filter { $0["thought"]?.bool != true }.compactMap { part in
                part["text"]?.string ?? part["executableCode"]?["code"]?.string ?? part["functionCall"].map(called)
            })
    }

    /// Google writes answers over many lines, which a listing has no room for.
    private static func called(_ call: JSONNode) -> String {
        var arguments = CanonicalJSON()
        if let given = call["args"] { arguments.append(given) }
        return "\(call["name"]?.string ?? "?")(\(String(decoding: arguments.output, as: UTF8.self)))"
    }

    func error(_ error: WireError) -> [UInt8] { error.google }
}

/// What a stream of answers has said so far: which candidates there are, and why they ended.
struct GeminiProgress: StreamProgress {
    private(set) var usage: TokenUsage?
    private var seen: Set<Int> = []
    private var spoken: Set<Int> = []
    private var finished: Set<Int> = []

    mutating func take(_ chunk: JSONNode) throws(NotStoredReason) -> Bool {
        if let usage = chunk["usageMetadata"].flatMap({ TokenUsage(google: $0) }) { self.usage = usage }
        try Self.checkFeedback(chunk)
        for candidate in chunk["candidates"]?.elements ?? chunk.elements {
            guard candidate.kind == .object else { throw .unreadable }
            let index = candidate["index"]?.int ?? 0
            seen.insert(index)
            try candidate.checkError()
            if candidate.parts.contains(where: \.saysSomething) { spoken.insert(index) }
            if try FinishReasons.candidates.hasEnded(candidate) { finished.insert(index) }
        }
        return false
    }

    func finish(isDone: Bool, choiceCount: Int) throws(NotStoredReason) {
        guard !seen.isEmpty, finished == seen, finished.count >= choiceCount else { throw .truncated }
        guard spoken == seen else { throw .emptyAnswer }
    }

    /// Refuses what answers nothing, because the prompt was blocked.
    static func checkFeedback(_ message: JSONNode) throws(NotStoredReason) {
        guard let reason = message["promptFeedback"]?["blockReason"], !reason.isNull, !reason.isString("BLOCK_REASON_UNSPECIFIED") else { return }
        throw .contentFilter
    }
}

extension JSONNode {
    /// The elements of a list; an object stands for the list of itself.
    var listed: [JSONNode] { kind == .object ? [self] : Array(elements) }

    /// The parts of a candidate's content.
    var parts: [JSONNode] { self["content"]?["parts"]?.listed ?? [] }
}

extension TokenUsage {
    /// Reads Google's `usageMetadata`; `nil` where it counts nothing. What a model thought is paid for as what it said.
    init?(google node: JSONNode) {
        guard let prompt = node["promptTokenCount"]?.int else { return nil }
        func sum(_ counts: Int?...) -> Int { counts.reduce(0) { $0.addingReportingOverflow($1 ?? 0).partialValue } }
        self.init(
            prompt: sum(prompt, node["toolUsePromptTokenCount"]?.int),
            completion: sum(node["candidatesTokenCount"]?.int, node["responseTokenCount"]?.int, node["thoughtsTokenCount"]?.int),
            cachedPrompt: node["cachedContentTokenCount"]?.int ?? 0)
    }
}
