/// A short message of a few sentences, which people reword sentence by sentence: "I lost my card. How do I block it?"
package struct Sentences: Sendable, Equatable {
    /// The sentences without courtesy, in order.
    package let all: [String]

    /// The most sentences that are compared one by one.
    package static let most = 4

    /// The sentences of a prompt; a single one where it has more than ``most``, or holds code.
    ///
    /// - Complexity: O(n) in the prompt.
    package init(_ prompt: PromptTokens) {
        guard prompt.fences.isEmpty, prompt.tokens.count <= 80 else {
            all = [prompt.text]
            return
        }
        let bytes = Array(prompt.text.utf8)
        var starts: [Int] = []
        var isOpen = true
        for token in prompt.tokens {
            if token.startsSentence { isOpen = true }
            if isOpen, !token.traits.contains(.courtesy) {
                starts.append(token.range.lowerBound)
                isOpen = false
            }
        }
        guard starts.count > 1, starts.count <= Self.most else {
            all = [prompt.text]
            return
        }
        all = starts.indices.map { index in
            let end = index + 1 < starts.count ? starts[index + 1] : bytes.count
            return String(decoding: bytes[starts[index]..<end], as: UTF8.self)
        }
    }

    /// Pairs each sentence with one of another message's, so that the pairs are as alike as can be together.
    ///
    /// - Parameter likeness: how alike the sentence here and the one there are; more is more alike.
    /// - Returns: for each sentence here the place of its counterpart there; `nil` where the numbers of sentences differ, or there is one alone.
    /// - Complexity: 24 assignments at most.
    package func counterparts(in other: Sentences, likeness: (_ here: Int, _ there: Int) -> Double) -> [Int]? {
        guard all.count == other.all.count, all.count > 1 else { return nil }
        let alike = all.indices.map { here in other.all.indices.map { likeness(here, $0) } }
        var best: (total: Double, places: [Int])?
        for places in Self.orders(of: Array(all.indices)) {
            let total = places.enumerated().reduce(0) { $0 + alike[$1.offset][$1.element] }
            if best.map({ total > $0.total }) ?? true { best = (total, places) }
        }
        return best?.places
    }

    /// The sentences of two short messages, each with its counterpart, those that are equal left out; `nil` where they have no counterparts, or one of the
    /// messages is a single sentence.
    package static func paired(_ asked: PromptTokens, _ cached: PromptTokens) -> [(asked: String, cached: String)]? {
        guard let pairs = counterparts(asked, cached) else { return nil }
        return pairs.lazy.filter { $0.asked.folded != $0.cached.folded }.map { ($0.asked.text, $0.cached.text) }
    }

    /// The same, read, equal ones and all.
    static func counterparts(_ asked: PromptTokens, _ cached: PromptTokens) -> [(asked: PromptTokens, cached: PromptTokens, shared: Int)]? {
        guard asked.tokens.dropFirst().contains(where: \.startsSentence), cached.tokens.dropFirst().contains(where: \.startsSentence) else {
            return nil
        }
        let (one, other) = (Sentences(asked), Sentences(cached))
        guard one.all.count > 1, one.all.count == other.all.count else { return nil }
        let (here, there) = (one.all.compactMap { try? PromptTokens($0) }, other.all.compactMap { try? PromptTokens($0) })
        guard here.count == one.all.count, there.count == other.all.count else { return nil }
        func shared(_ here: PromptTokens, _ there: PromptTokens) -> Int { here.content.count { there.terms.contains($0.stem) } }
        // Equal places win where words do not tell.
        let places = one.counterparts(in: other) { Double(shared(here[$0], there[$1])) + ($0 == $1 ? 0.1 : 0) }
        return places?.enumerated().map { (here[$0], there[$1], shared(here[$0], there[$1])) }
    }

    private static func orders(of places: [Int]) -> [[Int]] {
        guard places.count > 1 else { return [places] }
        return places.flatMap { first in orders(of: places.filter { $0 != first }).map { [first] + $0 } }
    }
}
