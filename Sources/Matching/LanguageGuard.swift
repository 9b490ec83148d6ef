package import SemanticCache

/// Fires when the prompts are written in different scripts, or in different languages of the Latin script.
package struct LanguageGuard: HardGuard {
    package init() {}

    package var name: String { "language" }
    package var reason: MissReason { .languageDiffers }

    package func finding(in pair: PromptPair) -> String? {
        let asked = pair.asked.dominantScript
        let cached = pair.cached.dominantScript
        if asked != cached { return "scripts differ: \(asked.rawValue) / \(cached.rawValue)" }
        guard asked == .latin, let first = pair.asked.language, let second = pair.cached.language, first != second else { return nil }
        return "languages differ: \(first) / \(second)"
    }

    /// The language whose little words stand most often among the tokens: at least two, and more than of any other.
    static func language(of tokens: [Token]) -> String? {
        let lists = WordLists.shared
        var counts: [String: Int] = [:]
        for token in tokens where token.isWord && token.traits.contains(.language) {
            guard let languages = lists.languages[token.text] else { continue }
            for language in languages { counts[language, default: 0] += 1 }
        }
        var best: (name: String, count: Int)?
        var isTied = false
        for name in lists.languageNames {
            guard let count = counts[name] else { continue }
            if count > best?.count ?? 1 {
                best = (name, count)
                isTied = false
            } else if count == best?.count {
                isTied = true
            }
        }
        return isTied ? nil : best?.name
    }
}
