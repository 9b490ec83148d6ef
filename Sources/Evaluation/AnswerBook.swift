package import Matching
package import SemanticCache

/// What a model says to the groups of a stream: several answers to one instruction for each group, of which every prompt draws one.
///
/// No model repeats itself word for word. Streams whose answers do are a stream for a judge that needs not judge.
package struct AnswerBook: Sendable {
    /// An answer as the judge has it: taken apart, and its vector.
    package struct Answer: Sendable {
        package let claims: AnswerClaims
        package let vector: UnitVector?

        package init(claims: AnswerClaims, vector: UnitVector?) {
            self.claims = claims
            self.vector = vector
        }
    }

    private let answers: [String: [Answer]]

    package init(answers: [String: [Answer]]) { self.answers = answers }

    /// The answer to a prompt of a group; `nil` where the book has none. Asked again, a prompt may get another one.
    package func answer(to prompt: String, group: String, round: Int = 0) -> Answer? {
        guard let choices = answers[group], !choices.isEmpty else { return nil }
        return choices[(Self.place(of: prompt) + round) % choices.count]
    }

    /// Which of a group's answers a prompt is given, modulo their number.
    package static func place(of prompt: String) -> Int { WordFrequencies.place(of: prompt) }

    /// Gives every group of a stream the answers to one instruction, and no two groups of several prompts the same. Groups of one prompt share what is left:
    /// they are asked about once.
    package static func texts(groups: [String: Int], instructions: [[String]], seed: UInt64) -> [String: [String]] {
        guard !instructions.isEmpty else { return [:] }
        var generator = SeededGenerator(seed: seed)
        let shuffled = instructions.shuffled(using: &generator)
        let ordered = groups.keys.sorted { (groups[$1] ?? 0, $0) < (groups[$0] ?? 0, $1) }
        let own = min(groups.values.count { $0 > 1 }, shuffled.count)
        let rest = own < shuffled.count ? Array(shuffled[own...]) : shuffled
        var texts: [String: [String]] = [:]
        for (place, group) in ordered.enumerated() { texts[group] = place < own ? shuffled[place] : rest[(place - own) % rest.count] }
        return texts
    }
}
