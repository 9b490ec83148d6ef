import Synchronization

/// A prompt taken apart once: what the guards and the features need of it.
package final class PreparedPrompt: Sendable {
    /// A word of the prompt: its place in ``WordFrequencies``, and whether it carries grammar alone.
    struct Word: Hashable, Sendable {
        let place: Int
        let isFunctionWord: Bool
    }

    package let tokens: PromptTokens
    /// Every word once, ascending by place.
    let words: [Word]

    /// - Complexity: O(n) in the prompt's length, and a sort of its words.
    package init(_ text: String) throws(PromptTokens.Refusal) {
        tokens = try PromptTokens(text)
        let content = Set(tokens.content.map(\.stem))
        words = tokens.stems.map { Word(place: WordFrequencies.place(of: $0), isFunctionWord: !content.contains($0)) }
            .sorted { ($0.place, $0.isFunctionWord ? 1 : 0) < ($1.place, $1.isFunctionWord ? 1 : 0) }
    }

    /// The places of the words, for counting.
    package var places: [Int] { words.map(\.place) }
}

/// Prepared prompts of cached entries, so that a look-up takes only the asked prompt apart.
///
/// Two generations of at most half the capacity each: what was not used while the younger one filled up is forgotten with the older one.
package final class PreparedPrompts: Sendable {
    private struct Generations {
        var young: [String: PreparedPrompt] = [:]
        var old: [String: PreparedPrompt] = [:]
    }

    private let half: Int
    private let generations = Mutex(Generations())

    package init(capacity: Int = 8192) { half = max(1, capacity / 2) }

    /// The prompt's preparation, made now when it is not held.
    package func prepared(_ text: String) throws(PromptTokens.Refusal) -> PreparedPrompt {
        let held = generations.withLock { generations in generations.young[text] ?? keep(generations.old[text], of: text, in: &generations) }
        if let held { return held }
        let made = try PreparedPrompt(text)
        generations.withLock { _ = keep(made, of: text, in: &$0) }
        return made
    }

    private func keep(_ prompt: PreparedPrompt?, of text: String, in generations: inout Generations) -> PreparedPrompt? {
        guard let prompt else { return nil }
        if generations.young.count >= half { generations = Generations(old: generations.young) }
        generations.young[text] = prompt
        return prompt
    }
}
