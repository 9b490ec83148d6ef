import SemanticCache

/// Anthropic's messages.
struct MessagesFormat: WireFormat {
    var endpoint: Endpoint { .messages }

    func target(at path: RequestPath) -> WireTarget? { fixedTarget(at: path) }

    /// What runs in a container finds there what ran before, and the container is gone some time after the answer.
    func bypass(_ root: JSONNode) -> BypassReason? { root["container"].map { !$0.isNull } ?? false ? .stateful : nil }

    func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder { try QueryFinder(messagesOf: root) }

    func addInstructions(of root: JSONNode, to digest: inout InstructionsDigest) { digest.add(root["system"]) }

    func conversation(in root: JSONNode) -> Conversation? { root["messages"].map { Conversation(messages: $0) } }

    func said(_ element: JSONNode) -> String? {
        element["role"]?.isString("assistant") ?? false ? AnswerText.spoken(element["content"]) ?? "" : nil
    }

    var finishReasons: FinishReasons? { .messages }

    func check(_ message: JSONNode) throws(NotStoredReason) {
        guard let content = message["content"], content.kind == .array else { throw .unreadable }
        _ = try FinishReasons.messages.hasEnded(message)
        guard content.saysSomething else { throw .emptyAnswer }
    }

    func progress() -> (any StreamProgress)? { MessageProgress() }

    func message(from events: [SSEEvent]) -> [UInt8]? {
        var aggregation = MessageAggregation()
        for event in events {
            guard let root = AnswerInspection.object(event.data) else { return nil }
            aggregation.take(root)
        }
        return aggregation.body()
    }

    func events(from message: JSONNode, includesUsage: Bool) -> [[UInt8]]? {
        var synthesis = MessageSynthesis(message)
        return synthesis.events()
    }

    func text(of message: JSONNode) -> String { AnswerText.joined((message["content"]?.elements.compactMap { AnswerText.part($0) }) ?? []) }

    /// Anthropic's form has no place for a param or a code.
    func error(_ error: WireError) -> [UInt8] {
        var body: [UInt8] = []
        body.append(raw: "{\"type\":\"error\",\"error\":{\"type\":")
        JSONText.append(error.type, to: &body)
        body.append(raw: ",\"message\":")
        JSONText.append(error.message, to: &body)
        body.append(raw: "}}")
        return body
    }
}

/// What a messages stream has said so far.
private struct MessageProgress: StreamProgress {
    private(set) var usage: TokenUsage?
    private var hasSpoken = false

    mutating func take(_ event: JSONNode) throws(NotStoredReason) -> Bool {
        if let usage = (event["usage"] ?? event["message"]?["usage"]).flatMap({ TokenUsage($0, before: self.usage) }) { self.usage = usage }
        switch event["type"]?.string {
        case "message_start": hasSpoken = event["message"]?["content"]?.saysSomething ?? false
        case "content_block_start": hasSpoken = hasSpoken || event["content_block"]?.saysSomething ?? false
        case "content_block_delta": hasSpoken = hasSpoken || event["delta"]?.saysSomething ?? false
        case "message_delta": if let delta = event["delta"] { _ = try FinishReasons.messages.hasEnded(delta) }
        case "message_stop": return true
        default: break
        }
        return false
    }

    func finish(isDone: Bool, choiceCount: Int) throws(NotStoredReason) {
        guard isDone else { throw .truncated }
        guard hasSpoken else { throw .emptyAnswer }
    }
}
