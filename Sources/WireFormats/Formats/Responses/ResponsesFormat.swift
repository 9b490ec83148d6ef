import SemanticCache

/// OpenAI's responses.
struct ResponsesFormat: WireFormat {
    var endpoint: Endpoint { .responses }

    /// `store` decides whether `previous_response_id` may name the answer.
    var excludedMembers: [StaticString] { RequestReader.excludedButStore }

    func target(at path: RequestPath) -> WireTarget? { fixedTarget(at: path) }

    /// The answer may depend on state that the provider holds, or be fetched later.
    func bypass(_ root: JSONNode) -> BypassReason? {
        if root["background"]?.bool == true { return .stateful }
        for name in ["previous_response_id", "conversation"] as [StaticString] where root[name].map({ !$0.isNull }) ?? false { return .stateful }
        return nil
    }

    func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder {
        // A request may do without `input` where it names a stored prompt.
        guard let input = root["input"], !input.isNull else { return QueryFinder() }
        if input.kind == .string { return QueryFinder(texts: [input]) }
        guard input.kind == .array else { throw RequestError.wrongType("input", "a string or an array", input) }
        var last: JSONNode?
        for item in input.elements where item["role"]?.isString("user") ?? false { last = item }
        return QueryFinder(content: last?["content"], partType: "input_text")
    }

    func addInstructions(of root: JSONNode, to digest: inout InstructionsDigest) {
        digest.add(root["instructions"])
        digest.addMessages(root["input"])
    }

    func conversation(in root: JSONNode) -> Conversation? {
        guard let input = root["input"] else { return nil }
        if input.kind == .string { return Conversation(alone: input) }
        return Conversation(input) { item in
            if item["role"]?.isString("user") ?? false {
                return .user(texts: QueryFinder(content: item["content"], partType: "input_text").texts)
            }
            return said(item) == nil ? .other : .model
        }
    }

    /// The model's are its messages, and what it did on its way to them; what came of that is not.
    func said(_ element: JSONNode) -> String? {
        if let role = element["role"] { return role.isString("assistant") ? AnswerText.spoken(element["content"]) ?? "" : nil }
        guard let type = element["type"]?.string, !type.hasSuffix("_output") else { return nil }
        return AnswerText.part(element) ?? ""
    }

    var finishReasons: FinishReasons? { .responses }

    func check(_ message: JSONNode) throws(NotStoredReason) {
        guard let output = message["output"], output.kind == .array else { throw .unreadable }
        try ResponseProgress.check(message)
        guard output.saysSomething else { throw .emptyAnswer }
    }

    func progress() -> (any StreamProgress)? { ResponseProgress() }

    func message(from events: [SSEEvent]) -> [UInt8]? {
        var aggregation = ResponseAggregation()
        for event in events {
            // What is no object is no event of the format, such as a `[DONE]` that some servers send here, too.
            if let root = AnswerInspection.object(event.data) { aggregation.take(root) }
        }
        return aggregation.body()
    }

    func events(from message: JSONNode, includesUsage: Bool) -> [[UInt8]]? {
        var synthesis = ResponseSynthesis(message)
        return synthesis.events()
    }

    func text(of message: JSONNode) -> String {
        let items = message["output"]?.elements.compactMap { item in
            item["type"]?.isString("message") ?? false ? AnswerText.spoken(item["content"]) : AnswerText.part(item)
        }
        return AnswerText.joined(items ?? [])
    }
}

/// What a stream of `/v1/responses` has said so far.
private struct ResponseProgress: StreamProgress {
    private(set) var usage: TokenUsage?
    private var hasSpoken = false

    mutating func take(_ event: JSONNode) throws(NotStoredReason) -> Bool {
        switch event["type"]?.string {
        case "response.completed":
            guard let response = event["response"], response.kind == .object else { throw .unreadable }
            try Self.check(response)
            usage = response["usage"].flatMap { TokenUsage($0) }
            // Some servers leave out of the closing event what came before it.
            hasSpoken = hasSpoken || response["output"]?.saysSomething ?? false
            return true
        case "response.incomplete":
            if let response = event["response"] { try Self.check(response) }
            throw .truncated
        case "response.failed": throw .errorEvent
        case "response.cancelled": throw .truncated
        default:
            hasSpoken = hasSpoken || event["item"]?.saysSomething ?? false
            return false
        }
    }

    func finish(isDone: Bool, choiceCount: Int) throws(NotStoredReason) {
        guard isDone else { throw .truncated }
        guard hasSpoken else { throw .emptyAnswer }
    }

    /// Refuses a response object that did not complete.
    static func check(_ response: JSONNode) throws(NotStoredReason) {
        if response["status"]?.isString("incomplete") ?? false { throw FinishReasons.cause(response["incomplete_details"]?["reason"]) }
        _ = try FinishReasons.responses.hasEnded(response)
    }
}
