package import SemanticCache

/// Fires when quoted or fenced text, identifiers, paths, flags, operators or addresses differ.
///
/// What one prompt marks as code may stand unmarked in the other: `splits` and "the splits argument" are the same.
package struct CodeGuard: HardGuard {
    package init() {}

    package var name: String { "code" }
    package var reason: MissReason { .codeDiffers }

    package func finding(in pair: PromptPair) -> String? {
        let onlyAsked = Self.missing(pair.asked, from: pair.cached)
        let onlyCached = Self.missing(pair.cached, from: pair.asked)
        guard !onlyAsked.isEmpty || !onlyCached.isEmpty else { return nil }
        return "code or quotes differ: " + PromptPair.shown(onlyAsked, onlyCached)
    }

    private static func missing(_ prompt: PromptTokens, from other: PromptTokens) -> [String] {
        if prompt.codes.isEmpty, prompt.quotes.isEmpty, prompt.fences.isEmpty { return [] }
        let spans = Set(other.codes).union(other.quotes)
        var missing: [String] = []
        for span in (prompt.codes + prompt.quotes).prefix(64) where !spans.contains(span) && !FoldedText.contains(other.folded, span) {
            if !missing.contains(span) { missing.append(span) }
        }
        // Beyond the bound, order and number decide: such a prompt is a program, not a question.
        if prompt.codes.count + prompt.quotes.count > 64, prompt.codes != other.codes || prompt.quotes != other.quotes {
            missing.append("many spans")
        }
        for fence in prompt.fences where !other.fences.contains(fence) { missing.append(fence) }
        return missing
    }
}
