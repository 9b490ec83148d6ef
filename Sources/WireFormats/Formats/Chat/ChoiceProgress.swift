import SemanticCache

/// What a chat or text completion stream has said so far: which choices it has, and why they ended.
struct ChoiceProgress: StreamProgress {
    private(set) var usage: TokenUsage?
    private var seen: Set<Int> = []
    private var spoken: Set<Int> = []
    private var finished: Set<Int> = []

    mutating func take(_ chunk: JSONNode) throws(NotStoredReason) -> Bool {
        for choice in chunk["choices"]?.elements ?? chunk.elements {
            guard choice.kind == .object else { throw .unreadable }
            let index = choice["index"]?.int ?? 0
            seen.insert(index)
            try choice.checkError()
            if !spoken.contains(index), Self.saysSomething(choice) { spoken.insert(index) }
            if try FinishReasons.choices.hasEnded(choice) { finished.insert(index) }
        }
        if let usage = chunk["usage"].flatMap({ TokenUsage($0) }) { self.usage = usage }
        return false
    }

    func finish(isDone: Bool, choiceCount: Int) throws(NotStoredReason) {
        guard !seen.isEmpty else { throw isDone ? .unreadable : .truncated }
        guard finished == seen, isDone || finished.count >= choiceCount else { throw .truncated }
        guard spoken == seen else { throw .emptyAnswer }
    }

    /// Refuses a plain answer without choices, or with one that was cut or is empty. A reason that is missing says nothing: some servers leave it out.
    static func check(_ message: JSONNode) throws(NotStoredReason) {
        guard let choices = message["choices"], choices.kind == .array, choices.count > 0 else { throw .unreadable }
        for choice in choices.elements {
            guard choice.kind == .object else { throw .unreadable }
            try choice.checkError()
            _ = try FinishReasons.choices.hasEnded(choice)
            guard saysSomething(choice) else { throw .emptyAnswer }
        }
    }

    /// Whether there is anything in a choice, or in a piece of one. Some servers name who speaks in every message.
    private static func saysSomething(_ choice: JSONNode) -> Bool {
        for name in ["delta", "message", "text", "logprobs", "prompt_logprobs"] as [StaticString] {
            guard let said = choice[name] else { continue }
            if said.kind == .object ? said.saysSomething(besides: ["name", "sender_name", "sender_type"]) : said.saysSomething { return true }
        }
        return false
    }
}
