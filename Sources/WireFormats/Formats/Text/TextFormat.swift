import SemanticCache

/// OpenAI's older text completions. Streams and answers are those of chat completions but for what a choice holds.
struct TextFormat: WireFormat {
    var endpoint: Endpoint { .completions }
    var streamsTellUsage: Bool { false }

    func target(at path: RequestPath) -> WireTarget? { fixedTarget(at: path) }

    func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder {
        guard let prompt = root["prompt"], !prompt.isNull else { return QueryFinder() }
        switch prompt.kind {
        case .string: return QueryFinder(texts: [prompt])
        case .array:
            // Several prompts have several answers, and token numbers have no text.
            guard prompt.count == 1, let only = prompt.first, only.kind == .string else { return QueryFinder() }
            return QueryFinder(texts: [only])
        default: throw RequestError.wrongType("prompt", "a string or an array", prompt)
        }
    }

    var finishReasons: FinishReasons? { .choices }
    func check(_ message: JSONNode) throws(NotStoredReason) { try ChoiceProgress.check(message) }
    func progress() -> (any StreamProgress)? { ChoiceProgress() }
    func message(from events: [SSEEvent]) -> [UInt8]? { ChoiceAggregation.message(from: events, isChat: false) }

    func events(from message: JSONNode, includesUsage: Bool) -> [[UInt8]]? {
        var synthesis = ChoiceSynthesis(message, isChat: false, includesUsage: includesUsage)
        return synthesis.events()
    }

    func text(of message: JSONNode) -> String { AnswerText.spoken(message["choices"]?.first?["text"]) ?? "" }
}
