import SemanticCache

/// The words in which the answers of one format say why they ended, and what each means.
///
/// The lists are closed: only a word that is known to mean a whole answer lets it be kept. Neither case nor what follows a colon
/// (`content_filter: RECITATION`) counts. A member that is missing, null or empty says nothing.
package struct FinishReasons: Sendable {
    /// The member that holds the word.
    let member: StaticString
    /// The words of answers that were said to their end.
    private let whole: Set<String>

    /// Choices of chat and text completions: OpenAI's words, and those of the many servers that speak its protocol.
    static let choices = FinishReasons(
        member: "finish_reason",
        whole: [
            "stop", "tool_calls", "function_call",
            // Mistral's and Cohere's; Text Generation Inference's, Together's and watsonx's; Baidu's; Titan's and Jurassic's; Anthropic's behind a gateway.
            "tool_call", "complete", "eos", "eos_token", "stop_sequence", "normal", "finish", "endoftext", "end_turn", "tool_use",
        ])
    static let messages = FinishReasons(member: "stop_reason", whole: ["end_turn", "tool_use", "stop_sequence"])
    static let responses = FinishReasons(member: "status", whole: ["completed"])
    static let candidates = FinishReasons(member: "finishReason", whole: ["stop"])

    /// Words that say that there is no reason yet.
    private static let open: Set<String> = ["", "null", "finish_reason_unspecified"]

    /// What cuts an answer, in the words of every provider.
    private static let cut: [String: NotStoredReason] = {
        let words: [(NotStoredReason, [String])] = [
            (
                .lengthLimit,
                [
                    "length", "max_tokens", "max_output_tokens", "model_length", "max_length", "max_len", "token_limit", "error_limit", "context",
                    "model_context_window_exceeded", "context_length_exceeded",
                ]
            ),
            (
                .contentFilter,
                [
                    // Anthropic stops with "refusal" where a classifier steps in, in the middle of what was being said.
                    "content_filter", "content_filtered", "refusal", "sensitive", "blacklist", "guardrail_intervened", "error_toxic",
                    "safety", "recitation", "language", "blocklist", "prohibited_content", "spii", "model_armor",
                    "image_safety", "image_prohibited_content", "image_recitation", "image_other", "no_image",
                ]
            ),
            (
                .truncated,
                [
                    "error", "abort", "aborted", "cancelled", "canceled", "user_cancel", "timeout", "time_limit", "not_finished", "pause_turn",
                    "other", "network_error", "insufficient_system_resource", "function_call_filter", "malformed_function_call", "malformed_response",
                    "unexpected_tool_call", "too_many_tool_calls", "missing_thought_signature", "queued", "in_progress", "incomplete",
                ]
            ),
            (.errorStatus, ["failed"]),
        ]
        return Dictionary(words.flatMap { reason, words in words.map { ($0, reason) } }, uniquingKeysWith: { first, _ in first })
    }()

    /// Whether `holder` says that all was said; refuses what was cut, and what ended in a way that this program does not know.
    func hasEnded(_ holder: JSONNode) throws(NotStoredReason) -> Bool {
        guard let reason = holder[member], !reason.isNull else { return false }
        guard let word = Self.word(of: reason) else { throw .unknownFinish }
        if whole.contains(word) { return true }
        if Self.open.contains(word) { return false }
        throw Self.cut[word] ?? .unknownFinish
    }

    /// Why something ended that is known not to be whole.
    static func cause(_ reason: JSONNode?) -> NotStoredReason { reason.flatMap(word).flatMap { cut[$0] } ?? .truncated }

    /// The first reason in an answer, or in an event of a stream, that this program does not know: as it was written, less what follows a colon, and not
    /// more of it than is worth a line in a log.
    func unknown(in root: JSONNode) -> String? {
        let lists = ["choices", "candidates"].flatMap { (name: StaticString) in root[name].map { Array($0.elements) } ?? [] }
        let holders = [root, root["delta"], root["response"]].compactMap { $0 } + lists + root.elements
        return holders.lazy.compactMap { holder -> String? in
            do throws(NotStoredReason) { _ = try hasEnded(holder) } catch {
                guard error == .unknownFinish, let reason = holder[member] else { return nil }
                return String((reason.string ?? String(decoding: reason.source, as: UTF8.self)).prefix(while: { $0 != ":" }).prefix(80))
            }
            return nil
        }.first
    }

    private static func word(of reason: JSONNode) -> String? {
        reason.string.map { String($0.lowercased().prefix(while: { $0 != ":" }).filter { !$0.isWhitespace }) }
    }
}
