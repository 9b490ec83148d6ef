package import SemanticCache

extension TokenUsage {
    /// What a plain response's body says that the call cost; `nil` where it says nothing.
    package init?(body: [UInt8]) {
        guard let node = AnswerInspection.object(body)?["usage"], let usage = TokenUsage(node) else { return nil }
        self = usage
    }
}
