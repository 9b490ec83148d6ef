package import SemanticCache

/// What a stream of one format has said so far about its end, and what it cost.
package protocol StreamProgress: Sendable {
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

/// Reads a stream as it comes, to its end: what is the same in every format, around what is not.
///
/// What it says depends on the bytes alone, and not on how they were cut: only events whose blank line has come are taken.
struct StreamReading: Sendable {
    private var parser: SSEParser
    private var progress: any StreamProgress
    private let finishReasons: FinishReasons?
    /// Why the stream cannot be kept, as soon as that is known. What follows is then read for the stream's end alone.
    private(set) var fault: NotStoredReason?
    /// The reason for which something ended, where it is one that this program does not know.
    private(set) var unknownFinish: String?
    /// Whether an event has said that nothing follows.
    private(set) var isDone = false

    /// - Parameters:
    ///   - finishReasons: the format's.
    ///   - limit: the largest event that is read, in bytes.
    init(progress: any StreamProgress, finishReasons: FinishReasons?, limit: Int) {
        self.progress = progress
        self.finishReasons = finishReasons
        parser = SSEParser(limit: limit)
    }

    /// What the stream said that the call cost, so far.
    var usage: TokenUsage? { progress.usage }

    /// Takes the next bytes.
    mutating func append(_ bytes: [UInt8]) {
        guard let events = try? parser.append(bytes) else {
            fault = fault ?? .unreadable
            return
        }
        for event in events { take(event) }
    }

    /// Ends the stream. Some servers close the connection right after the last line instead of ending it with a blank one.
    ///
    /// - Parameter choiceCount: how many choices the request asked for.
    mutating func finish(choiceCount: Int) throws(NotStoredReason) {
        if let last = parser.finish() { takeUnterminated(last) }
        if let fault { throw fault }
        try progress.finish(isDone: isDone, choiceCount: choiceCount)
    }

    private mutating func take(_ event: SSEEvent) {
        guard !isDone, !event.data.isEmpty else { return }
        if event.isDoneMarker {
            isDone = true
            return
        }
        do throws(NotStoredReason) { isDone = try read(event) } catch { fault = fault ?? error }
    }

    private mutating func read(_ event: SSEEvent) throws(NotStoredReason) -> Bool {
        guard let root = AnswerInspection.object(event.data) else { throw event.name == "error" ? .errorEvent : .unreadable }
        if event.name == "error" || root["type"]?.isString("error") ?? false { throw .errorEvent }
        if let error = root["error"], !error.isNull { throw .errorEvent }
        try root.checkStatus()
        do throws(NotStoredReason) { return try progress.take(root) } catch {
            if fault == nil, error == .unknownFinish { unknownFinish = finishReasons?.unknown(in: root) }
            throw error
        }
    }

    /// Takes an event without its blank line: harmless where it says that all is over, or is complete in itself; else the stream was cut.
    private mutating func takeUnterminated(_ event: SSEEvent) {
        guard !isDone, !event.data.isEmpty else { return }
        guard event.isDoneMarker || AnswerInspection.object(event.data) != nil else {
            fault = fault ?? .truncated
            return
        }
        take(event)
    }
}

extension SSEEvent {
    /// Whether this is OpenAI's `data: [DONE]`.
    var isDoneMarker: Bool { data.count <= 8 && data.filter { $0 > 0x20 } == Array("[DONE]".utf8) }
}
