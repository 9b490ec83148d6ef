/// Which words of a prompt are written as names, told from capitals and script alone.
extension PromptTokens {
    /// Words with a capital inside a sentence, acronyms, and words in another script than the prompt's.
    static func names(in tokens: [Token], consumed: Set<Int>, dominant: Script) -> [Int] {
        var words = 0
        var capitalised = 0
        var inside = 0
        for token in tokens where token.kind == .word && !token.traits.contains(.function) {
            words += 1
            if token.isCapitalised { capitalised += 1 }
            if !token.isCapitalised { inside += 1 }
        }
        // A heading, or a prompt typed in capitals: capitals say nothing there. "Who Is The CEO Of Apple" has no small content word.
        let isTitle =
            words > 2 && inside == 0
            && tokens.contains { $0.isCapitalised && $0.traits.contains(.function) && !$0.startsSentence && $0.text != "i" }
        let isShouted = isShouted(tokens)
        var isOpening = true
        return tokens.indices.filter { index in
            let token = tokens[index]
            // "Hi, Translate ...": the word after a greeting starts the sentence proper.
            if token.startsSentence { isOpening = true }
            let startsSentence = isOpening
            if !token.traits.contains(.courtesy) { isOpening = false }
            guard token.kind == .word || token.kind == .identifier, !consumed.contains(index), !token.traits.contains(.courtesy) else {
                return false
            }
            if token.script != dominant, token.kind == .word { return true }
            if isShouted { return false }
            if token.isUpperCase { return true }
            // "solve for y", "vitamin c", "drive d": a letter on its own is a name, but for the words of one letter.
            if token.text.unicodeScalars.count == 1, token.script == .latin, token.kind == .word,
                !["a", "i", "s", "t", "o", "u", "n"].contains(token.text)
            {
                return true
            }
            return token.isCapitalised && !startsSentence && !isTitle && !token.traits.contains(.function) && token.text.utf8.count > 1
        }
    }

    /// Whether most of the prompt is in capitals, which then say nothing.
    static func isShouted(_ tokens: [Token]) -> Bool {
        var words = 0
        var upper = 0
        for token in tokens where token.kind == .word && token.text.utf8.count > 1 {
            words += 1
            if token.isUpperCase { upper += 1 }
        }
        return words > 1 && upper * 5 > words * 3
    }
}
