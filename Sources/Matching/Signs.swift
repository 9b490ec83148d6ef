/// Tells signs that carry meaning (`×`, `≥`, `²`, an emoji) from punctuation.
enum Signs {
    /// Where a run of signs that begins at `index` ends; `index` where none begins. The chunk lies in `low..<high`.
    static func end(_ scalars: [Unicode.Scalar], _ index: Int, _ low: Int, _ high: Int) -> Int {
        guard isSign(scalars, index, low, high) else { return index }
        var end = index + 1
        while end < high, isSign(scalars, end, low, high) || isJoined(scalars[end]) { end += 1 }
        return end
    }

    /// The run as it is compared: without the marks that choose between two drawings of one sign.
    static func text(_ run: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        for scalar in run where scalar.value != 0xFE0F && scalar.value != 0xFE0E { view.append(scalar == "\u{2212}" ? "-" : scalar) }
        return String(view)
    }

    /// Whether the sign may be mere decoration: an emoji, a trade mark, a dingbat.
    static func isPictorial(_ sign: String) -> Bool {
        sign.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .otherSymbol, .modifierSymbol, .nonspacingMark, .enclosingMark, .format: !scalar.isASCII
            default: false
            }
        }
    }

    private static func isSign(_ scalars: [Unicode.Scalar], _ index: Int, _ low: Int, _ high: Int) -> Bool {
        let scalar = scalars[index]
        if scalar.isASCII { return isASCIISign(scalars, index, low, high) }
        switch scalar.properties.generalCategory {
        case .mathSymbol, .otherSymbol, .otherNumber, .currencySymbol, .privateUse, .unassigned: return true
        default: return false
        }
    }

    /// `*` between operands (not as an emphasis), `!` before a name, and what is no punctuation anywhere.
    private static func isASCIISign(_ scalars: [Unicode.Scalar], _ index: Int, _ low: Int, _ high: Int) -> Bool {
        let isFollowed = index + 1 < high && PromptLexer.isWordScalar(scalars[index + 1])
        switch scalars[index] {
        case "+", "=", "<", ">", "~", "^", "|": return true
        case "*": return index > low && isFollowed && PromptLexer.isWordScalar(scalars[index - 1])
        case "-":
            return index > low && isFollowed && isOperand(scalars, index - 1, low, high, step: -1)
                && isOperand(scalars, index + 1, low, high, step: 1)
        case "!": return isFollowed && index == low
        default: return false
        }
    }

    /// Whether a letter on its own stands there: "a-b" is a difference, "well-known" a word and "1-2" a range.
    private static func isOperand(_ scalars: [Unicode.Scalar], _ index: Int, _ low: Int, _ high: Int, step: Int) -> Bool {
        let beyond = index + step
        return PromptLexer.isLetter(scalars[index]) && (beyond < low || beyond >= high || !PromptLexer.isWordScalar(scalars[beyond]))
    }

    /// What goes on with an emoji that was begun: joiners, skin tones, variation selectors, keycaps.
    private static func isJoined(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x200D, 0xFE0E, 0xFE0F, 0x20E3, 0x1F3FB...0x1F3FF, 0xE0020...0xE007F: true
        default: false
        }
    }
}
