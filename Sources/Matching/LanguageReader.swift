/// Tells English from other languages in the Latin script, by little words, elisions, letters and the words of the lists; cheap and by rule alone.
///
/// English has to be seen: a text without any evidence, such as a name alone, is in no known language.
enum LanguageReader {
    /// The language of the little words among the tokens: at least two, and more than of any other; `nil` where they do not tell.
    static func language(of tokens: [Token]) -> String? {
        let counts = counts(tokens, weigh: { _ in 1 })
        var best: (name: String, count: Int)?
        var isTied = false
        for name in WordLists.shared.languageNames {
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

    /// Whether the words are English ones, as far as words can tell.
    static func isEnglish(_ tokens: [Token]) -> Bool {
        var english = 0
        var words = 0
        var foreign = 0
        for token in tokens where token.kind == .word {
            guard token.script == .latin else {
                foreign += 2
                words += 1
                continue
            }
            // Names say nothing; "Paris", "PayPal".
            let isName = token.isCapitalised && !token.startsSentence
            if isEnglishWord(token) {
                english += token.traits.contains(.function) && !ambiguous.contains(token.text) ? 2 : 1
                words += 1
            } else if !isName {
                words += 1
                if token.text.utf8.contains(where: { $0 >= 0x80 && $0 != 0xE2 }) { foreign += 1 }
                if isElided(token.text) { foreign += 2 }
            }
        }
        // A little word that two languages have is half a witness for each.
        let others = counts(tokens.filter { !$0.traits.contains(.function) || $0.traits.contains(.language) }, weigh: { $0 > 1 ? 1 : 2 })
        let best = others.lazy.filter { $0.key != "en" }.map(\.value).max() ?? 0
        return english >= min(2, (words + 1) / 2) && english > best + foreign && english * 4 >= words
    }

    private static func isEnglishWord(_ token: Token) -> Bool {
        let lists = WordLists.shared
        if !token.traits.subtracting([.language, .alias]).isEmpty { return true }
        if token.traits.contains(.language), lists.languages[token.text]?.contains("en") ?? false { return true }
        if lists.synonyms[token.stem] != nil { return true }
        return endings.contains { token.text.utf8.count > $0.utf8.count + 2 && token.text.hasSuffix($0) }
    }

    /// Little words of English that are words of several other languages as well.
    private static let ambiguous: Set<String> = [
        "a", "i", "in", "on", "is", "do", "me", "so", "no", "an", "as", "am", "was", "to", "of", "we", "her", "all", "also", "for", "per", "via",
        "at",
        "he", "or", "up", "be", "by", "it", "die", "war", "den", "man", "come", "over", "under", "will", "want", "has", "plus", "son", "tu", "se",
    ]

    /// Endings that other languages in the Latin script hardly have.
    private static let endings = ["ing", "ness", "ship", "tion", "ght", "ful", "less", "ould", "ly", "ck", "sh", "th"]

    /// "l'eau", "qu'il", "dell'ora": a little word that lost its vowel.
    private static func isElided(_ word: String) -> Bool {
        guard let apostrophe = word.firstIndex(of: "'") else { return false }
        return elisions.contains(String(word[..<apostrophe]))
    }

    private static let elisions: Set<String> = [
        "l", "d", "j", "m", "n", "s", "t", "c", "qu", "dell", "nell", "all", "un", "quest", "dov", "com", "cos",
    ]

    private static func counts(_ tokens: [Token], weigh: (Int) -> Int) -> [String: Int] {
        var counts: [String: Int] = [:]
        for token in tokens where token.isWord && token.traits.contains(.language) {
            guard let languages = WordLists.shared.languages[token.text] else { continue }
            for language in languages { counts[language, default: 0] += weigh(languages.count) }
        }
        return counts
    }
}
