/// Tells prompts whose answer is tied to the moment of asking ("today", "latest", "this week").
///
/// Looked at before the search: a setting decides whether such a prompt is forwarded or its answer kept for a short time.
package enum TimeSensitivity {
    /// The first word or phrase that ties the prompt to its moment, or `nil`. Prompts over ``PromptTokens/maximumBytes`` are not read.
    package static func phrase(in prompt: String) -> String? {
        guard prompt.utf8.count <= PromptTokens.maximumBytes else { return nil }
        let tokens = PromptLexer.read(prompt).tokens
        var index = 0
        while index < tokens.count {
            guard let (isOfTheMoment, count) = WordLists.shared.timeWords.match(tokens, at: index) else {
                index += 1
                continue
            }
            if isOfTheMoment { return tokens[index..<(index + count)].map(\.text).joined(separator: " ") }
            index += count
        }
        return nil
    }
}
