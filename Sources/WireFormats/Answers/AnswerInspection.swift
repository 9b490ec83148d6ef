import SemanticCache

/// Whether a complete body is an answer that may be kept, and what it cost.
struct AnswerInspection {
    let endpoint: Endpoint
    /// How many choices the request asked for.
    let choiceCount: Int

    /// Reads a plain body.
    func inspectMessage(_ bytes: [UInt8]) throws(NotStoredReason) -> TokenUsage? {
        guard let root = Self.object(bytes) else { throw .unreadable }
        if let error = root["error"], !error.isNull { throw .errorStatus }
        switch endpoint {
        case .chatCompletions, .completions:
            guard let choices = root["choices"], choices.kind == .array, choices.count > 0 else { throw .unreadable }
            for choice in choices.elements {
                guard choice.kind == .object else { throw .unreadable }
                try Self.check(finishReason: choice["finish_reason"])
            }
        case .messages:
            guard root["content"]?.kind == .array else { throw .unreadable }
            try Self.check(finishReason: root["stop_reason"])
        case .responses:
            guard root["output"]?.kind == .array else { throw .unreadable }
            try Self.check(response: root)
        case .embeddings:
            guard let data = root["data"], data.kind == .array, data.count > 0 else { throw .unreadable }
        }
        return root["usage"].flatMap { TokenUsage($0) }
    }

    /// Reads a stream.
    func inspectEvents(_ bytes: [UInt8]) throws(NotStoredReason) -> TokenUsage? {
        guard endpoint != .embeddings else { throw .unreadable }
        var progress = StreamProgress(endpoint: endpoint)
        var parser = SSEParser(limit: bytes.count)
        // An event cannot be larger than the stream that it is a part of.
        guard let events = try? parser.append(bytes) else { throw .unreadable }
        for event in events { try progress.take(event) }
        // Some servers close the connection right after the last line instead of ending it with a blank one.
        if let last = parser.finish() { try progress.takeUnterminated(last) }
        try progress.finish(choiceCount: choiceCount)
        return progress.usage
    }

    /// The object that `bytes` are, if they are one.
    static func object(_ bytes: [UInt8]) -> JSONNode? {
        guard let root = try? JSONDocument(bytes).root, root.kind == .object else { return nil }
        return root
    }

    /// Refuses what was cut. A reason that is missing from a plain body says nothing: some servers leave it out.
    static func check(finishReason: JSONNode?) throws(NotStoredReason) {
        switch finishReason?.string?.lowercased() {
        case "length", "max_tokens", "max_output_tokens", "model_context_window_exceeded": throw .lengthLimit
        // Anthropic stops with "refusal" where a classifier steps in, in the middle of what was being said.
        case "content_filter", "safety", "recitation", "refusal": throw .contentFilter
        case "error", "abort", "cancelled", "pause_turn": throw .truncated
        default: return
        }
    }

    /// Refuses a response object (of `/v1/responses`) that did not complete.
    static func check(response: JSONNode) throws(NotStoredReason) {
        switch response["status"]?.string {
        case "completed", nil: return
        case "failed": throw .errorStatus
        case "incomplete":
            try check(finishReason: response["incomplete_details"]?["reason"])
            throw .truncated
        default: throw .truncated
        }
    }
}

/// What a stream has said so far about its own end.
struct StreamProgress {
    let endpoint: Endpoint
    private(set) var usage: TokenUsage?
    private var isDone = false
    private var seen: Set<Int> = []
    private var finished: Set<Int> = []

    init(endpoint: Endpoint) { self.endpoint = endpoint }

    mutating func take(_ event: SSEEvent) throws(NotStoredReason) {
        guard !isDone, !event.data.isEmpty else { return }
        if event.isDoneMarker {
            isDone = true
            return
        }
        guard let root = AnswerInspection.object(event.data) else { throw event.name == "error" ? .errorEvent : .unreadable }
        if event.name == "error" || root["type"]?.isString("error") ?? false { throw .errorEvent }
        if let error = root["error"], !error.isNull { throw .errorEvent }
        switch endpoint {
        case .chatCompletions, .completions: try takeChunk(root)
        case .messages: try takeMessageEvent(root)
        case .responses: try takeResponseEvent(root)
        case .embeddings: throw .unreadable
        }
    }

    /// Takes an event without its blank line: harmless where it says that all is over, or is complete in itself; else the stream was cut.
    mutating func takeUnterminated(_ event: SSEEvent) throws(NotStoredReason) {
        guard !isDone, !event.data.isEmpty else { return }
        guard event.isDoneMarker || AnswerInspection.object(event.data) != nil else { throw .truncated }
        try take(event)
    }

    func finish(choiceCount: Int) throws(NotStoredReason) {
        switch endpoint {
        case .chatCompletions, .completions:
            guard !seen.isEmpty else { throw isDone ? .unreadable : .truncated }
            guard finished == seen, isDone || finished.count >= choiceCount else { throw .truncated }
        case .messages, .responses, .embeddings:
            guard isDone else { throw .truncated }
        }
    }

    private mutating func takeChunk(_ root: JSONNode) throws(NotStoredReason) {
        for choice in root["choices"]?.elements ?? root.elements {
            guard choice.kind == .object else { throw .unreadable }
            let index = choice["index"]?.int ?? 0
            seen.insert(index)
            guard let reason = choice["finish_reason"], !reason.isNull else { continue }
            try AnswerInspection.check(finishReason: reason)
            finished.insert(index)
        }
        if let usage = root["usage"].flatMap({ TokenUsage($0) }) { self.usage = usage }
    }

    private mutating func takeMessageEvent(_ root: JSONNode) throws(NotStoredReason) {
        if let usage = (root["usage"] ?? root["message"]?["usage"]).flatMap({ TokenUsage($0, before: self.usage) }) { self.usage = usage }
        if root["type"]?.isString("message_delta") ?? false { try AnswerInspection.check(finishReason: root["delta"]?["stop_reason"]) }
        if root["type"]?.isString("message_stop") ?? false { isDone = true }
    }

    private mutating func takeResponseEvent(_ root: JSONNode) throws(NotStoredReason) {
        switch root["type"]?.string {
        case "response.completed":
            guard let response = root["response"], response.kind == .object else { throw .unreadable }
            try AnswerInspection.check(response: response)
            usage = response["usage"].flatMap { TokenUsage($0) }
            isDone = true
        case "response.incomplete":
            if let response = root["response"] { try AnswerInspection.check(response: response) }
            throw .truncated
        case "response.failed": throw .errorEvent
        case "response.cancelled": throw .truncated
        default: return
        }
    }
}

extension SSEEvent {
    /// Whether this is OpenAI's `data: [DONE]`.
    var isDoneMarker: Bool { data.count <= 8 && data.filter { $0 > 0x20 } == Array("[DONE]".utf8) }
}

extension TokenUsage {
    /// Reads a usage object of either vendor; `nil` where it counts nothing.
    /// - Parameter before: what an earlier event of the same stream said, for the numbers that this one leaves out.
    init?(_ node: JSONNode, before: TokenUsage? = nil) {
        guard node.kind == .object else { return nil }
        var prompt = node["prompt_tokens"]?.int ?? node["input_tokens"]?.int
        // Anthropic counts the tokens read from and written to its own prompt cache apart.
        if let input = node["input_tokens"]?.int, node["input_tokens_details"] == nil {
            prompt = [node["cache_creation_input_tokens"]?.int, node["cache_read_input_tokens"]?.int].reduce(input) { sum, more in
                sum.addingReportingOverflow(more ?? 0).partialValue
            }
        }
        let completion = node["completion_tokens"]?.int ?? node["output_tokens"]?.int
        guard prompt != nil || completion != nil else { return nil }
        let cached =
            node["prompt_tokens_details"]?["cached_tokens"]?.int ?? node["input_tokens_details"]?["cached_tokens"]?.int
            ?? node["cache_read_input_tokens"]?.int
        self.init(
            prompt: prompt ?? before?.prompt ?? 0, completion: completion ?? before?.completion ?? 0,
            cachedPrompt: cached ?? before?.cachedPrompt ?? 0)
    }
}
