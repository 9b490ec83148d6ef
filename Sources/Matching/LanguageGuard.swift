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
}
