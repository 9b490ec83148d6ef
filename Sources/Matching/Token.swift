/// One word, number, identifier or piece of code of a prompt.
package struct Token: Sendable {
    package enum Kind: Hashable, Sendable {
        case word
        /// Digits with what is written against them: `50`, `£50`, `10GB`, `3rd`.
        indirect case number(NumberToken)
        /// Letters and digits mixed: `2fa`, `A-1234`.
        case identifier
        /// A path, flag, URL, operator or name from a program.
        case code
    }

    package let kind: Kind
    /// Lower case, without possessive and contraction endings.
    package let text: String
    /// ``Stem`` of `text`, without its marks where the script is Latin: "Málaga" and "Malaga" are one name, and whether the marks may be
    /// missing is for ``ResidueGuard`` to say.
    package let stem: String
    /// UTF-8 offsets in the prompt.
    package let range: Range<Int>
    package let script: Script
    package let isCapitalised: Bool
    /// Two or more letters, all capitals.
    package let isUpperCase: Bool
    package let startsSentence: Bool
    /// What the word lists say of it; empty until ``PromptTokens`` asks, for the lists themselves are read as tokens.
    package internal(set) var traits: WordTraits = []

    package var isWord: Bool { if case .word = kind { true } else { false } }

    package init(
        kind: Kind, text: String, range: Range<Int>, script: Script = .latin, isCapitalised: Bool = false, isUpperCase: Bool = false,
        startsSentence: Bool = false
    ) {
        self.kind = kind
        self.text = text
        self.stem = kind == .word ? Stem.of(script == .latin ? FoldedText.withoutMarks(text) : text) : text
        self.range = range
        self.script = script
        self.isCapitalised = isCapitalised
        self.isUpperCase = isUpperCase
        self.startsSentence = startsSentence
    }

    /// The same place in the prompt, read as another word.
    package func reading(_ text: String) -> Token {
        Token(
            kind: text.utf8.contains { $0 >= 48 && $0 <= 57 } ? .identifier : .word, text: text, range: range, script: script,
            isCapitalised: isCapitalised, isUpperCase: isUpperCase,
            startsSentence: startsSentence)
    }
}

/// A number as it is written in digits, before the words around it are read.
package struct NumberToken: Hashable, Sendable {
    package enum Form: Hashable, Sendable {
        case plain, ordinal
        /// Minutes after midnight.
        case clock
        /// Year, month, day.
        case date(Int, Int, Int)
        /// Compared as text: versions, addresses, `2025/26`, `01/02/2024`.
        case literal
    }

    package var form: Form
    package var value: Double
    /// Digits without grouping; trailing zeros kept, because 3.10 is another version than 3.1.
    package var text: String
    package var unit: WordLists.Unit?
}

/// Writing systems that are told apart.
package enum Script: String, Sendable, CaseIterable {
    case latin, greek, cyrillic, armenian, hebrew, arabic, devanagari, bengali, tamil, thai, georgian, hangul, kana, han, other

    /// The script of a letter.
    package static func of(_ scalar: Unicode.Scalar) -> Script {
        switch scalar.value {
        case 0...0x24F, 0x1E00...0x1EFF, 0x300...0x36F, 0x2C60...0x2C7F, 0xFB00...0xFB06, 0xFF21...0xFF5A: .latin
        case 0x370...0x3FF, 0x1F00...0x1FFF: .greek
        case 0x400...0x52F: .cyrillic
        case 0x530...0x58F: .armenian
        case 0x590...0x5FF: .hebrew
        case 0x600...0x6FF, 0x750...0x77F, 0x8A0...0x8FF, 0xFB50...0xFDFF, 0xFE70...0xFEFF: .arabic
        case 0x900...0x97F: .devanagari
        case 0x980...0x9FF: .bengali
        case 0xB80...0xBFF: .tamil
        case 0xE00...0xE7F: .thai
        case 0x10A0...0x10FF: .georgian
        case 0x1100...0x11FF, 0xAC00...0xD7AF, 0x3130...0x318F: .hangul
        case 0x3040...0x30FF, 0x31F0...0x31FF: .kana
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x323AF: .han
        default: .other
        }
    }
}
