import SemanticCache

/// OpenAI's chat completions.
struct ChatFormat: WireFormat {
    var endpoint: Endpoint { .chatCompletions }
    var streamsTellUsage: Bool { false }

    func target(at path: RequestPath) -> WireTarget? { fixedTarget(at: path) }

    func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder { try QueryFinder(messagesOf: root) }

    func addInstructions(of root: JSONNode, to digest: inout InstructionsDigest) { digest.addMessages(root["messages"]) }

    func conversation(in root: JSONNode) -> Conversation? { root["messages"].map { Conversation(messages: $0) } }

    func said(_ element: JSONNode) -> String? { element["role"]?.isString("assistant") ?? false ? Self.text(ofMessage: element) : nil }

    var finishReasons: FinishReasons? { .choices }
    func check(_ message: JSONNode) throws(NotStoredReason) { try ChoiceProgress.check(message) }
    func progress() -> (any StreamProgress)? { ChoiceProgress() }
    func message(from events: [SSEEvent]) -> [UInt8]? { ChoiceAggregation.message(from: events, isChat: true) }

    func events(from message: JSONNode, includesUsage: Bool) -> [[UInt8]]? {
        var synthesis = ChoiceSynthesis(message, isChat: true, includesUsage: includesUsage)
        return synthesis.events()
    }

    /// Its usage is zero, because clients read those members without asking whether they are there.
    func message(saying text: JSONNode, id: String, model: String, created: Int) -> [UInt8]? {
        var bytes = Array("{\"id\":\"chatcmpl-\(id)\",\"object\":\"chat.completion\",\"created\":\(created),\"model\":".utf8)
        JSONText.append(model, to: &bytes)
        bytes.append(raw: ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":")
        bytes += text.source
        bytes.append(raw: ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}]")
        bytes.append(raw: ",\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}")
        return bytes
    }

    func text(of message: JSONNode) -> String {
        message["choices"]?.first?["message"].map { Self.text(ofMessage: $0) } ?? ""
    }

    private static func text(ofMessage message: JSONNode) -> String {
        let spoken = AnswerText.spoken(message["content"]) ?? AnswerText.spoken(message["refusal"])
        let calls = message["tool_calls"]?.elements.compactMap { call in
            call["function"].map { AnswerText.called($0["name"], $0["arguments"]) }
                ?? call["custom"].map { AnswerText.called($0["name"], $0["input"]) }
        }
        return AnswerText.joined([spoken].compactMap { $0 } + (calls ?? []))
    }
}
