import SemanticCache

/// What a chat or text completion stream has said so far: which choices it has, and why they ended.
struct ChoiceProgress: StreamProgress {
    private(set) var usage: TokenUsage?
    private var seen: Set<Int> = []
    private var finished: Set<Int> = []

    mutating func take(_ chunk: JSONNode) throws(NotStoredReason) -> Bool {
        for choice in chunk["choices"]?.elements ?? chunk.elements {
            guard choice.kind == .object else { throw .unreadable }
            let index = choice["index"]?.int ?? 0
            seen.insert(index)
            guard let reason = choice["finish_reason"], !reason.isNull else { continue }
            try AnswerInspection.check(finishReason: reason)
            finished.insert(index)
        }
        if let usage = chunk["usage"].flatMap({ TokenUsage($0) }) { self.usage = usage }
        return false
    }

    func finish(isDone: Bool, choiceCount: Int) throws(NotStoredReason) {
        guard !seen.isEmpty else { throw isDone ? .unreadable : .truncated }
        guard finished == seen, isDone || finished.count >= choiceCount else { throw .truncated }
    }

    /// Refuses a plain answer without choices, or with one that was cut.
    static func check(_ message: JSONNode) throws(NotStoredReason) {
        guard let choices = message["choices"], choices.kind == .array, choices.count > 0 else { throw .unreadable }
        for choice in choices.elements {
            guard choice.kind == .object else { throw .unreadable }
            try AnswerInspection.check(finishReason: choice["finish_reason"])
        }
    }
}
