import SemanticCache

/// The white space between two words.
struct Gap {
    /// How many lines end in it.
    private var lines = 0
    /// Blanks and tabs after the last of them.
    private var blanks = ""

    init(_ text: String) {
        var isReturn = false
        for scalar in text.unicodeScalars where !ReadText.isInvisible(scalar) {
            switch scalar {
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
                if !(scalar == "\n" && isReturn) { lines += 1 }
                blanks = ""
            case "\t": blanks += "\t"
            default: blanks += scalar.isSpace ? " " : String(scalar)
            }
            isReturn = scalar == "\r"
        }
    }

    private var isEmpty: Bool { lines == 0 && blanks.isEmpty }

    /// Whether the difference between this gap and another, before the same word and after the same word, carries no meaning.
    func isHarmless(beside other: Gap, _ text: ReadText, _ index: Int, _ otherText: ReadText, _ otherIndex: Int) -> Bool {
        if lines == other.lines, blanks == other.blanks { return true }
        guard index > 0, otherIndex > 0 else { return blanks == other.blanks || !text.hasLines && !otherText.hasLines }
        if text.isQuoted[index] || otherText.isQuoted[otherIndex] { return false }
        let (before, after) = (text.keys[index - 1], text.keys[index])
        if lines > 0, other.lines > 0 { return blanks == other.blanks }
        // A line that ends with its sentence.
        if lines > 0 || other.lines > 0 {
            return ReadText.ends.contains(before) && before != ":" && before != ";" && blanks.isEmpty == other.blanks.isEmpty
                || isIndentFree(other) && ReadText.ends.contains(before) && before != ":"
        }
        if !isEmpty, !other.isEmpty { return blanks.utf8.contains(0x09) == other.blanks.utf8.contains(0x09) }
        return isLoose(before, after, text, index) && isLoose(before, after, otherText, otherIndex)
    }

    private func isIndentFree(_ other: Gap) -> Bool { lines > 0 ? blanks.isEmpty : other.blanks.isEmpty }

    /// Whether people put a blank here or leave it out as they like.
    private func isLoose(_ before: String, _ after: String, _ text: ReadText, _ index: Int) -> Bool {
        if before == "«" || after == "»" { return true }
        let isFollowed = index + 1 < text.words.count && text.words[index + 1].gap.isEmpty
        if Self.stops.contains(after) {
            return !isFollowed || index + 1 < text.words.count && text.isMark(index + 1) && Self.stops.contains(text.keys[index + 1])
        }
        if before == "," || before == ";" {
            return !(Self.isNumber(after) && index > 1 && Self.isNumber(text.keys[index - 2])) && !Self.isNumber(after)
        }
        return Self.isNumber(before) && Self.operators.contains(after) || Self.operators.contains(before) && Self.isNumber(after)
    }

    private static let stops: Set<String> = [".", ",", "!", "?", ";", ":", "…", "。", "？", "！", "؟"]
    private static let operators: Set<String> = ["+", "*", "×", "÷", "/", "=", "<", ">", "-", "−"]

    private static func isNumber(_ key: String) -> Bool { !key.isEmpty && key.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } }
}
