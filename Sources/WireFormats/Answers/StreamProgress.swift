package import SemanticCache

/// What a stream of one format has said so far about its end, and what it cost.
package protocol StreamProgress {
    /// What the stream said that the call cost, so far.
    var usage: TokenUsage? { get }

    /// Takes the next event that is an object and no error; whether nothing follows it.
    mutating func take(_ event: JSONNode) throws(NotStoredReason) -> Bool

    /// Refuses a stream that was cut.
    /// - Parameters:
    ///   - isDone: whether the stream said that nothing follows, by `[DONE]` or in its format's own words.
    ///   - choiceCount: how many choices the request asked for.
    func finish(isDone: Bool, choiceCount: Int) throws(NotStoredReason)
}

extension StreamProgress {
    package func finish(isDone: Bool, choiceCount: Int) throws(NotStoredReason) {
        guard isDone else { throw .truncated }
    }
}

/// Reads a stream's events to its end: what is the same in every format, around what is not.
struct StreamReading {
    private var progress: any StreamProgress
    private var isDone = false

    init(progress: any StreamProgress) { self.progress = progress }

    var usage: TokenUsage? { progress.usage }

    mutating func take(_ event: SSEEvent) throws(NotStoredReason) {
        guard !isDone, !event.data.isEmpty else { return }
        if event.isDoneMarker {
            isDone = true
            return
        }
        guard let root = AnswerInspection.object(event.data) else { throw event.name == "error" ? .errorEvent : .unreadable }
        if event.name == "error" || root["type"]?.isString("error") ?? false { throw .errorEvent }
        if let error = root["error"], !error.isNull { throw .errorEvent }
        isDone = try progress.take(root)
    }

    /// Takes an event without its blank line: harmless where it says that all is over, or is complete in itself; else the stream was cut.
    mutating func takeUnterminated(_ event: SSEEvent) throws(NotStoredReason) {
        guard !isDone, !event.data.isEmpty else { return }
        guard event.isDoneMarker || AnswerInspection.object(event.data) != nil else { throw .truncated }
        try take(event)
    }

    func finish(choiceCount: Int) throws(NotStoredReason) { try progress.finish(isDone: isDone, choiceCount: choiceCount) }
}

extension SSEEvent {
    /// Whether this is OpenAI's `data: [DONE]`.
    var isDoneMarker: Bool { data.count <= 8 && data.filter { $0 > 0x20 } == Array("[DONE]".utf8) }
}
