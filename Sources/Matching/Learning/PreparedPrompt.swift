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
        words = tokens.terms.all.map { Word(place: WordFrequencies.place(of: $0.stem), isFunctionWord: $0.contentWords == 0) }
            .sorted { ($0.place, $0.isFunctionWord ? 1 : 0) < ($1.place, $1.isFunctionWord ? 1 : 0) }
    }

    /// The places of the words, for counting.
    package var places: [Int] { words.map(\.place) }
}

/// Prepared prompts of cached entries, so that a look-up takes only the asked prompt apart.
///
/// Two generations of at most half the capacity each: what was not used while the younger one filled up is forgotten with the older one. Bounded in
/// bytes as well, for what is made of a prompt takes some fifty times as much memory as its text.
package final class PreparedPrompts: Sendable {
    private struct Generations {
        var young: [String: PreparedPrompt] = [:]
        var old: [String: PreparedPrompt] = [:]
        /// The texts of either, in bytes.
        var youngBytes = 0
        var oldBytes = 0
    }

    /// The longest text whose preparation is held, in bytes: longer ones are past the window of a sentence model, and nothing is compared with them.
    private static let longest = 4096

    private let half: Int
    private let halfBytes: Int
    private let generations = Mutex(Generations())

    /// - Parameters:
    ///   - capacity: the most prompts.
    ///   - textBytes: the most bytes of their texts.
    package init(capacity: Int = 8192, textBytes: Int = .max) {
        half = max(1, capacity / 2)
        halfBytes = max(1, textBytes / 2)
    }

    /// The texts of what is held, in bytes.
    var heldBytes: Int { generations.withLock { $0.youngBytes + $0.oldBytes } }

    /// The prompt's preparation, made now when it is not held.
    package func prepared(_ text: String) throws(PromptTokens.Refusal) -> PreparedPrompt {
        let held = generations.withLock { generations in generations.young[text] ?? keep(generations.old[text], of: text, in: &generations) }
        if let held { return held }
        let made = try PreparedPrompt(text)
        guard text.utf8.count <= Self.longest else { return made }
        generations.withLock { _ = keep(made, of: text, in: &$0) }
        return made
    }

    private func keep(_ prompt: PreparedPrompt?, of text: String, in generations: inout Generations) -> PreparedPrompt? {
        guard let prompt else { return nil }
        if generations.young.count >= half || generations.youngBytes >= halfBytes {
            generations = Generations(old: generations.young, oldBytes: generations.youngBytes)
        }
        if generations.young.updateValue(prompt, forKey: text) == nil { generations.youngBytes += text.utf8.count }
        return prompt
    }
}
