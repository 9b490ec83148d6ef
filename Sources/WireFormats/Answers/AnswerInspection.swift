import SemanticCache

/// Whether a complete plain body is an answer that may be kept, and what it cost.
struct AnswerInspection {
    let format: any WireFormat

    /// Reads a plain body.
    func inspectMessage(_ bytes: [UInt8]) throws(NotStoredReason) -> TokenUsage? {
        guard let root = Self.object(bytes) else { throw .unreadable }
        if let error = root["error"], !error.isNull { throw .errorStatus }
        try root.checkStatus()
        try format.check(root)
        return format.usage(of: root)
    }

    /// The reason for which a body ended, where it is one that this program does not know.
    func unknownFinish(in bytes: [UInt8]) -> String? { Self.object(bytes).flatMap { format.finishReasons?.unknown(in: $0) } }

    /// The object that `bytes` are, if they are one.
    static func object(_ bytes: [UInt8]) -> JSONNode? {
        guard let root = try? JSONDocument(bytes).root, root.kind == .object else { return nil }
        return root
    }
}

extension TokenUsage {
    /// Reads a usage object of either vendor; `nil` where it counts nothing.
    /// - Parameter before: what an earlier event of the same stream said, for the numbers that this one leaves out.
    init?(_ node: JSONNode, before: TokenUsage? = nil) {
        guard node.kind == .object else { return nil }
        var prompt = node["prompt_tokens"]?.int ?? node["input_tokens"]?.int
        // Anthropic counts the tokens read from and written to its own prompt cache apart.
        if let input = node["input_tokens"]?.int, node["input_tokens_details"] == nil {
            prompt = [node["cache_creation_input_tokens"]?.int, node["cache_read_input_tokens"]?.int].reduce(input) { sum, more in
                sum.addingReportingOverflow(more ?? 0).partialValue
            }
        }
        let completion = node["completion_tokens"]?.int ?? node["output_tokens"]?.int
        guard prompt != nil || completion != nil else { return nil }
        let cached =
            node["prompt_tokens_details"]?["cached_tokens"]?.int ?? node["input_tokens_details"]?["cached_tokens"]?.int
            ?? node["cache_read_input_tokens"]?.int
        self.init(
            prompt: prompt ?? before?.prompt ?? 0, completion: completion ?? before?.completion ?? 0,
            cachedPrompt: cached ?? before?.cachedPrompt ?? 0)
    }
}
