import SemanticCache

/// A text as an embedder reads it, with what is needed to say whether a difference in its residue is harmless.
final class ReadText {
    /// How a text is written as a whole, which takes the meaning out of single capitals.
    enum Style { case usual, smallLetters, capitals, title }

    let words: [ReadWord]
    /// What is aligned: the word as the model sees it, or as it stands where the model cannot read it.
    let keys: [String]

    // Only asked for where something differs.

    /// Whether the word is one mark and no letter or digit.
    func isMark(_ index: Int) -> Bool {
        let key = keys[index]
        guard let first = key.utf8.first else { return false }
        if first < 0x80 { return key.utf8.count == 1 && !PromptLexer.isWordScalar(Unicode.Scalar(first)) }
        guard let scalar = key.unicodeScalars.first, key.unicodeScalars.count == 1 else { return false }
        return !PromptLexer.isWordScalar(scalar)
    }

    /// Whether the word, or the gap before it, stands between quotation marks.
    private(set) lazy var isQuoted = quoted()
    private(set) lazy var style = readStyle()
    private lazy var marked = words.lazy.filter { !$0.written.utf8.allSatisfy { $0 < 0x80 } }
        .flatMap { $0.written.unicodeScalars.filter(Self.isMark) }
    /// Whether any word carries marks, and whether any carries vowel points.
    private(set) lazy var hasMarks = marked.contains { !Self.isVowelPoint($0) }
    private(set) lazy var hasVowelPoints = marked.contains(where: Self.isVowelPoint)
    private(set) lazy var hasLines = words.dropFirst().contains { $0.gap.utf8.contains { $0 == 0x0A || $0 == 0x0D } }
    /// Whether the text is about words: it quotes some, or asks what one means or how it is spelt.
    private(set) lazy var isAboutWords = isQuoted.contains(true) || keys.contains(where: Self.wordsAboutWords.contains)

    init(_ words: [ReadWord]) {
        self.words = words
        keys = words.map { $0.seen ?? $0.written.lowercased() }
    }

    private static let wordsAboutWords: Set<String> = [
        "mean", "means", "meaning", "meant", "spell", "spelled", "spelt", "spelling", "pronounce", "pronounced", "pronunciation", "translate",
        "translation", "word", "words", "letter", "letters", "character", "characters", "accent", "accents", "define", "definition", "say",
        "capital", "uppercase", "lowercase", "regex", "html", "unicode", "type",
    ]

    // MARK: Places

    /// Whether a capital at the word says only that a sentence begins.
    func startsSentence(_ index: Int) -> Bool {
        var place = index
        while place > 0 {
            if words[place].gap.utf8.contains(0x0A) { return true }
            let before = keys[place - 1]
            guard isMark(place - 1) || WordLists.shared.courtesy.contains(before) else { return false }
            if isMark(place - 1), Self.ends.contains(before) { return true }
            guard !isMark(place - 1) || Self.openings.contains(before) || before == "," else { return false }
            place -= 1
        }
        return true
    }

    /// What a sentence ends with, and what may stand before its first word.
    static let ends: Set<String> = [".", "!", "?", ":", ";", "…", "。", "！", "？", "؟", "।"]
    private static let openings: Set<String> = ["\"", "'", "(", "[", "¿", "¡", "«", "„", "“", "‘", "-", "*", "–", "—", "•"]

    /// Whether the word is a part of code, a path, a flag or an identifier: glued to a mark that prose does not glue words to.
    func isCode(_ index: Int) -> Bool {
        let written = words[index].written
        if written.utf8.contains(where: { $0 >= 48 && $0 <= 57 }), written.utf8.contains(where: { $0 | 0x20 >= 97 && $0 | 0x20 <= 122 }) {
            return true
        }
        if index > 0, isMark(index - 1), words[index].gap.isEmpty {
            let before = keys[index - 1]
            if Self.codeMarks.contains(before) { return true }
            let isGlued = index > 1 && words[index - 1].gap.isEmpty
            if before == "." || before == ":" { return isGlued && !isMark(index - 2) }
            // A flag: "-o", "--all".
            if before == "-" { return !isGlued || keys[index - 2] == "-" }
        }
        guard index + 1 < words.count, isMark(index + 1), words[index + 1].gap.isEmpty else { return false }
        let after = keys[index + 1]
        if Self.codeMarks.contains(after) || after == "(" || after == "[" { return true }
        let isGlued = index + 2 < words.count && words[index + 2].gap.isEmpty && !isMark(index + 2)
        return (after == "." || after == ":") && isGlued
    }

    private static let codeMarks: Set<String> = ["_", "$", "\\", "/", "@", "#", "=", "<", ">", "{", "}", "~", "^", "|", "&", "`", "%", "+"]

    /// A colour as hexadecimal digits: "#ff8800".
    func isColour(_ index: Int) -> Bool {
        guard index > 0, keys[index - 1] == "#", words[index].gap.isEmpty, [3, 4, 6, 8].contains(keys[index].utf8.count) else { return false }
        return keys[index].utf8.allSatisfy { $0 >= 48 && $0 <= 57 || $0 >= 97 && $0 <= 102 }
    }

    /// Whether a number stands before the word, so that it may be a unit.
    func followsNumber(_ index: Int) -> Bool { index > 0 && keys[index - 1].utf8.allSatisfy { $0 >= 48 && $0 <= 57 } && !keys[index - 1].isEmpty }

    // MARK: Scalars

    static func isMark(_ scalar: Unicode.Scalar) -> Bool { !scalar.isASCII && scalar.properties.generalCategory == .nonspacingMark }

    /// The points of Arabic and Hebrew, which everyday writing leaves out.
    static func isVowelPoint(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x591...0x5C7, 0x64B...0x652, 0x670: true
        default: false
        }
    }

    /// What nobody sees wherever it stands: spaces of no width, soft hyphens, marks of direction, selectors of a drawing.
    static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xAD, 0x200B, 0x200E, 0x200F, 0x202A...0x202E, 0x2060...0x2064, 0x2066...0x2069, 0xFE00...0xFE0F, 0xFEFF: true
        default: false
        }
    }

    // MARK: Reading

    private func quoted() -> [Bool] {
        var quoted = [Bool](repeating: false, count: words.count)
        guard keys.contains(where: { Self.quotes[$0] != nil }) else { return quoted }
        var opened: [String: Int] = [:]
        for index in words.indices {
            guard let kind = Self.quotes[keys[index]] else { continue }
            // An apostrophe stands inside a word.
            let isGluedBefore = index > 0 && words[index].gap.isEmpty && keys[index - 1].unicodeScalars.last.map(PromptLexer.isWordScalar) ?? false
            let isGluedAfter =
                index + 1 < words.count && words[index + 1].gap.isEmpty
                && keys[index + 1].unicodeScalars.first.map(PromptLexer.isWordScalar) ?? false
            if kind == "'", isGluedBefore, isGluedAfter { continue }
            if let start = opened[kind] {
                for place in start + 1...index { quoted[place] = true }
                opened[kind] = nil
            } else if !(kind == "'" && isGluedBefore) {
                opened[kind] = index
            }
        }
        return quoted
    }

    /// The marks of quotation, by what closes what.
    static let quotes: [String: String] = [
        "\"": "\"", "“": "\"", "”": "\"", "„": "\"", "'": "'", "‘": "'", "’": "'", "`": "`", "「": "「", "」": "「",
    ]

    private func readStyle() -> Style {
        var letters = 0
        var capitalised = 0
        var upper = 0
        var long = 0
        var isSmall = true
        var capitalFunction = 0
        for (index, word) in words.enumerated() where !isMark(index) {
            let scalars = word.written.unicodeScalars
            guard let first = scalars.first, PromptLexer.isLetter(first) else { continue }
            letters += 1
            let capitals = scalars.count { $0.isCapital }
            if capitals > 0 { isSmall = false }
            if first.isCapital {
                capitalised += 1
                if index > 0, WordLists.shared.functionWords.contains(word.written.lowercased()), scalars.count > 1 { capitalFunction += 1 }
            }
            if scalars.count > 1 {
                long += 1
                if capitals == scalars.count(where: { PromptLexer.isLetter($0) && !ReadText.isMark($0) }) { upper += 1 }
            }
        }
        if isSmall { return .smallLetters }
        if long > 1, upper * 5 > long * 3 { return .capitals }
        if letters > 3, capitalised * 3 >= letters * 2, capitalFunction > 0 { return .title }
        return .usual
    }
}
