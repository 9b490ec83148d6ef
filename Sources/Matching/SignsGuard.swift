package import SemanticCache

/// Fires when signs differ that are neither words nor punctuation: "2×3" and "2÷3", "x²" and "x³", one emoji and another.
///
/// A sign may be spoken in the other prompt ("2+3", "2 plus 3"; `Words/signs.txt`), and a picture that only one prompt has may be decoration.
package struct SignsGuard: HardGuard {
    package init() {}

    package var name: String { "signs" }
    package var reason: MissReason { .codeDiffers }

    package func finding(in pair: PromptPair) -> String? {
        let asked = pair.asked.signs
        let cached = pair.cached.signs
        if asked == cached { return nil }
        let onlyAsked = Self.missing(asked, from: cached, pair.cached)
        let onlyCached = Self.missing(cached, from: asked, pair.asked)
        let isDecoration =
            onlyAsked.isEmpty && onlyCached.allSatisfy(Signs.isPictorial) || onlyCached.isEmpty && onlyAsked.allSatisfy(Signs.isPictorial)
        if !isDecoration { return "signs differ: " + PromptPair.shown(onlyAsked, onlyCached) }
        // The same signs in another order, as "∩, ∪" and "∪, ∩".
        return asked.count == cached.count && onlyAsked.isEmpty && onlyCached.isEmpty && asked.sorted() == cached.sorted()
            ? "signs differ in their order: " + PromptPair.shown(asked, cached) : nil
    }

    /// The signs without a partner in the other prompt, those aside that it has in words.
    private static func missing(_ signs: [String], from others: [String], _ other: PromptTokens) -> [String] {
        var left: [String: Int] = [:]
        for sign in others { left[sign, default: 0] += 1 }
        return signs.filter { sign in
            if let count = left[sign], count > 0 {
                left[sign] = count - 1
                return false
            }
            return !(WordLists.shared.spokenSigns[sign] ?? []).contains { other.terms.contains($0) }
        }
    }
}
