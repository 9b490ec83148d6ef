import SemanticCache

/// Anthropic's messages.
struct MessagesFormat: WireFormat {
    var endpoint: Endpoint { .messages }

    func target(at path: RequestPath) -> WireTarget? { fixedTarget(at: path) }

    /// What runs in a container finds there what ran before, and the container is gone some time after the answer.
    func bypass(_ root: JSONNode) -> BypassReason? { root["container"].map { !$0.isNull } ?? false ? .stateful : nil }

    func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder { try QueryFinder(messagesOf: root) }

    func addInstructions(of root: JSONNode, to digest: inout InstructionsDigest) { digest.add(root["system"]) }

    func check(_ message: JSONNode) throws(NotStoredReason) {
        guard message["content"]?.kind == .array else { throw .unreadable }
        try AnswerInspection.check(finishReason: message["stop_reason"])
    }

    func progress() -> (any StreamProgress)? { MessageProgress() }

    func isEnd(of stream: [UInt8]) -> Bool {
        let last: StaticString = "event: message_stop"
        let tail = stream.suffix(160)
        return last.withUTF8Buffer { last in
            guard tail.count >= last.count else { return false }
            return tail.indices.dropLast(last.count - 1).contains { tail[$0..<$0 + last.count].elementsEqual(last) }
        }
    }

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

    mutating func take(_ event: JSONNode) throws(NotStoredReason) -> Bool {
        if let usage = (event["usage"] ?? event["message"]?["usage"]).flatMap({ TokenUsage($0, before: self.usage) }) { self.usage = usage }
        if event["type"]?.isString("message_delta") ?? false { try AnswerInspection.check(finishReason: event["delta"]?["stop_reason"]) }
        return event["type"]?.isString("message_stop") ?? false
    }
}
