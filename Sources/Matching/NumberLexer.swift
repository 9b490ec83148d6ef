/// Reads a number with what is written against it: sign, currency, grouping, decimals, suffix, unit.
enum NumberLexer {
    /// The number that starts at `start`, and the index after it.
    static func read(_ scalars: [Unicode.Scalar], _ start: Int, _ end: Int, chunkStart: Int) -> (NumberToken, Int)? {
        var index = start
        var currency: WordLists.Unit?
        var sign = 1.0
        // A hyphen inside a chunk joins words or makes a range; at its start it is a sign.
        if index == chunkStart, index + 1 < end, scalars[index] == "-" || scalars[index] == "−" || scalars[index] == "+" {
            if scalars[index] != "+" { sign = -1 }
            index += 1
        }
        if index < end, ChunkForm.isCurrency(scalars[index]) {
            currency = WordLists.units[String(scalars[index])]
            index += 1
        }
        // "v2.10": a version.
        var isVersion = false
        if index + 1 < end, scalars[index] == "v" || scalars[index] == "V", PromptLexer.isDigit(scalars[index + 1]) {
            isVersion = true
            index += 1
        }
        guard index < end, PromptLexer.isDigit(scalars[index]) else { return nil }
        if scalars[index] == "0", index + 2 < end, scalars[index + 1] == "x" || scalars[index + 1] == "X" { return hexadecimal(scalars, index, end) }

        let digitsStart = index
        while index < end {
            if PromptLexer.isDigit(scalars[index]) {
                index += 1
            } else if ".,:/-".unicodeScalars.contains(scalars[index]), index + 1 < end, PromptLexer.isDigit(scalars[index + 1]),
                scalars[index] != "-" || isISODate(scalars, digitsStart, index, end)
            {
                index += 1
            } else {
                break
            }
        }
        let digits = String(String.UnicodeScalarView(scalars[digitsStart..<index].map(asciiDigit)))
        var suffixEnd = index
        while suffixEnd < end, PromptLexer.isWordScalar(scalars[suffixEnd]) { suffixEnd += 1 }
        var suffix = FoldedText.string(scalars[index..<suffixEnd])
        if suffix.isEmpty, index < end, scalars[index] == "%" || scalars[index] == "°" || ChunkForm.isCurrency(scalars[index]) {
            suffixEnd = index + 1
            if scalars[index] == "°", suffixEnd < end, PromptLexer.isLetter(scalars[suffixEnd]) { suffixEnd += 1 }
            suffix = FoldedText.string(scalars[index..<suffixEnd])
        }
        guard var number = plain(digits) else { return nil }
        number.value *= sign
        if sign < 0 { number.text = "-" + number.text }
        number.unit = currency
        if isVersion { number.form = digits.contains(".") ? .literal : number.form }
        return (finish(number, suffix, hasCurrency: currency != nil), suffixEnd)
    }

    private static func finish(_ number: NumberToken, _ suffix: String, hasCurrency: Bool) -> NumberToken {
        var number = number
        switch suffix {
        case "": return number
        case "st", "nd", "rd", "th":
            number.form = .ordinal
            return number
        case "am", "pm":
            return clock(number, isAfternoon: suffix == "pm") ?? number
        case "k": number.value *= 1e3
        case "mn", "mio": number.value *= 1e6
        case "m" where hasCurrency: number.value *= 1e6
        case "bn": number.value *= 1e9
        case "b" where hasCurrency: number.value *= 1e9
        default:
            if let unit = WordLists.units[suffix] {
                number.unit = unit
                return number
            }
            number.form = .literal
            number.text += suffix
            return number
        }
        number.text = "\(number.value)"
        return number
    }

    /// The hour of a twelve-hour clock as minutes after midnight.
    static func clock(_ number: NumberToken, isAfternoon: Bool) -> NumberToken? {
        var minutes: Int
        switch number.form {
        case .clock: minutes = Int(number.value)
        case .plain where number.value >= 0 && number.value <= 24:
            let parts = number.text.split(separator: ".")
            minutes = Int(number.value) * 60
            if parts.count == 2, let fraction = Int(parts[1]), fraction < 60 { minutes += fraction }
        default: return nil
        }
        let hour = minutes / 60
        if isAfternoon, hour < 12 { minutes += 720 }
        if !isAfternoon, hour == 12 { minutes -= 720 }
        return NumberToken(form: .clock, value: Double(minutes), text: number.text, unit: nil)
    }

    /// Reads digits with grouping, decimals, clock, date or version marks.
    private static func plain(_ digits: String) -> NumberToken? {
        let bytes = Array(digits.utf8)
        guard bytes.count <= 60 else { return NumberToken(form: .literal, value: 0, text: digits, unit: nil) }
        if bytes.contains(UInt8(ascii: "-")) {
            let parts = digits.split(separator: "-").compactMap { Int($0) }
            guard parts.count == 3 else { return NumberToken(form: .literal, value: 0, text: digits, unit: nil) }
            return NumberToken(form: .date(parts[0], parts[1], parts[2]), value: 0, text: digits, unit: nil)
        }
        if bytes.contains(UInt8(ascii: ":")) {
            let parts = digits.split(separator: ":").compactMap { Int($0) }
            guard parts.count == 2, parts[0] <= 24, parts[1] < 60 else { return NumberToken(form: .literal, value: 0, text: digits, unit: nil) }
            return NumberToken(form: .clock, value: Double(parts[0] * 60 + parts[1]), text: digits, unit: nil)
        }
        if bytes.contains(UInt8(ascii: "/")) { return NumberToken(form: .literal, value: 0, text: digits, unit: nil) }
        guard let text = ungrouped(digits), let value = Double(text) else { return NumberToken(form: .literal, value: 0, text: digits, unit: nil) }
        return NumberToken(form: .plain, value: value, text: text, unit: nil)
    }

    /// Digits with a point for decimals and no grouping; `nil` for what is no single number (3.10.2).
    private static func ungrouped(_ digits: String) -> String? {
        let points = digits.split(separator: ".", omittingEmptySubsequences: false)
        let commas = digits.split(separator: ",", omittingEmptySubsequences: false)
        switch (commas.count - 1, points.count - 1) {
        case (0, 0), (0, 1): return digits
        case (1..., 0...1) where isGrouped(String(points[0]), ","): return digits.filter { $0 != "," }
        case (0...1, 2...) where isGrouped(String(commas[0]), "."), (1, 1) where isGrouped(String(commas[0]), "."):
            return String(digits.filter { $0 != "." }.map { $0 == "," ? "." : $0 })
        case (1, 0): return String(digits.map { $0 == "," ? "." : $0 })
        default: return nil
        }
    }

    private static func isGrouped(_ digits: String, _ separator: Character) -> Bool {
        let groups = digits.split(separator: separator, omittingEmptySubsequences: false)
        guard groups.count > 1, let first = groups.first, (1...3).contains(first.utf8.count) else { return false }
        return groups.dropFirst().allSatisfy { $0.utf8.count == 3 }
    }

    private static func hexadecimal(_ scalars: [Unicode.Scalar], _ start: Int, _ end: Int) -> (NumberToken, Int) {
        var index = start
        while index < end, PromptLexer.isWordScalar(scalars[index]) { index += 1 }
        return (NumberToken(form: .literal, value: 0, text: FoldedText.string(scalars[start..<index]), unit: nil), index)
    }

    private static func isISODate(_ scalars: [Unicode.Scalar], _ start: Int, _ hyphen: Int, _ end: Int) -> Bool {
        guard start + 10 <= end, hyphen == start + 4 || hyphen == start + 7 else { return false }
        for offset in 0..<10 {
            let isHyphen = offset == 4 || offset == 7
            if isHyphen ? scalars[start + offset] != "-" : !PromptLexer.isDigit(scalars[start + offset]) { return false }
        }
        return start + 10 == end || !PromptLexer.isDigit(scalars[start + 10])
    }

    private static func asciiDigit(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        guard !scalar.isASCII, let value = scalar.properties.numericValue, value >= 0, value <= 9 else { return scalar }
        return Unicode.Scalar(UInt8(48 + Int(value)))
    }
}
