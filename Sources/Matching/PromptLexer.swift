/// Cuts a prompt into tokens and spans in one pass over its scalars, in time linear in the prompt.
///
/// Works chunk by chunk (what stands between white space): a chunk that looks like code, a path, a flag or an address stays whole;
/// any other is cut into words and numbers. Quoted spans are noted, and their words are tokens too.
struct PromptLexer {
    private(set) var tokens: [Token] = []
    /// Code, paths, flags, addresses and operators: folded to lower case, without backticks and call brackets.
    private(set) var codes: [String] = []
    /// Quoted text, folded, without its quotation marks.
    private(set) var quotes: [String] = []
    /// Fenced blocks, white space collapsed, case kept.
    private(set) var fences: [String] = []
    /// Signs that are no words, punctuation or code: `×`, `≥`, `²`, `½`, `→`, an emoji. Signs side by side are one.
    private(set) var signs: [String] = []

    private let scalars: [Unicode.Scalar]
    private var offset = 0
    private var startsSentence = true

    private init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// Reads a whole prompt.
    static func read(_ text: String) -> PromptLexer {
        var lexer = PromptLexer(text)
        lexer.run()
        return lexer
    }

    /// The tokens of a phrase of a word list.
    static func tokens(of phrase: String) -> [Token] { read(phrase).tokens }

    private mutating func run() {
        noteQuotes()
        var index = 0
        while index < scalars.count {
            if scalars[index].isSpace {
                if scalars[index] == "\n" { startsSentence = true }
                offset += UTF8.width(scalars[index])
                index += 1
            } else if let end = fence(from: index) {
                fences.append(Self.collapsed(scalars[(index + 3)..<(end - 3)]))
                advance(from: index, to: end)
                index = end
            } else {
                var end = index
                while end < scalars.count, !scalars[end].isSpace { end += 1 }
                readChunk(index, end)
                index = end
            }
        }
    }

    private mutating func advance(from start: Int, to end: Int) {
        for index in start..<end { offset += UTF8.width(scalars[index]) }
    }

    // MARK: Spans

    private func fence(from index: Int) -> Int? {
        guard isFence(index) else { return nil }
        var end = index + 3
        while end < scalars.count {
            if isFence(end) { return end + 3 }
            end += 1
        }
        // A fence that nothing closes is none: what follows is read as words.
        return nil
    }

    private func isFence(_ index: Int) -> Bool {
        index + 2 < scalars.count && scalars[index] == "`" && scalars[index + 1] == "`" && scalars[index + 2] == "`"
    }

    /// Notes the text between matching quotation marks. A mark opens after white space or at the start and closes before white space,
    /// punctuation or the end, so that apostrophes do not count.
    private mutating func noteQuotes() {
        var index = 0
        while index < scalars.count {
            if isFence(index), let end = fence(from: index) {
                index = end
                continue
            }
            guard let closing = Self.closing(of: scalars[index]), index == 0 || !Self.isWordScalar(scalars[index - 1]) else {
                index += 1
                continue
            }
            // Bounded, so that a prompt of opening marks costs linear time.
            let limit = min(scalars.count, index + 400)
            var end = index + 1
            while end < limit, !(scalars[end] == closing && (end + 1 == scalars.count || !Self.isWordScalar(scalars[end + 1]))) { end += 1 }
            guard end < limit, end > index + 1 else {
                index += 1
                continue
            }
            let inner = Self.foldedSpan(scalars[(index + 1)..<end])
            if !inner.isEmpty {
                if scalars[index] == "`" { codes.append(Self.withoutCall(inner)) } else { quotes.append(inner) }
            }
            index = end + 1
        }
    }

    private static func closing(of scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar {
        case "\"", "'", "`": scalar
        case "“", "„": "”"
        case "‘": "’"
        case "«": "»"
        case "「": "」"
        default: nil
        }
    }

    /// Lower case, white space collapsed, closing punctuation taken off.
    private static func foldedSpan(_ slice: ArraySlice<Unicode.Scalar>) -> String {
        var text = FoldedText.fold(slice)
        while let last = text.last, ".,!?;: ".utf8.contains(last) { text.removeLast() }
        while text.first == UInt8(ascii: " ") { text.removeFirst() }
        return String(decoding: text, as: UTF8.self)
    }

    private static func withoutCall(_ text: String) -> String {
        var text = text
        while text.hasSuffix("()") { text.removeLast(2) }
        return text
    }

    private static func collapsed(_ slice: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        var pendingSpace = false
        for scalar in slice {
            if scalar.isSpace {
                pendingSpace = !view.isEmpty
            } else {
                if pendingSpace { view.append(" ") }
                pendingSpace = false
                view.append(scalar)
            }
        }
        return String(view)
    }

    // MARK: Chunks

    private mutating func readChunk(_ start: Int, _ end: Int) {
        var low = start
        var high = end
        while low < high, Self.isOpening(scalars[low]) { low += 1 }
        while high > low, Self.isClosing(scalars[high - 1]) { high -= 1 }
        advance(from: start, to: low)
        let tail = scalars[high..<end]
        if low < high {
            if ChunkForm.isAbbreviation(scalars[low..<high]) {
                let from = offset
                advance(from: low, to: high)
                append(.word, FoldedText.string(scalars[low..<high].filter { $0 != "." }[...]), from..<offset, scalars[low..<high])
            } else if let code = ChunkForm.code(scalars[low..<high]) {
                note(operator: scalars[low..<high], code: code)
                let from = offset
                advance(from: low, to: high)
                append(.code, code, from..<offset, scalars[low..<high])
            } else {
                readPieces(low, high)
            }
        } else if start == low || end - start == 1, ChunkForm.isOperator(scalars[start..<end]) {
            note(operator: scalars[start..<end])
        }
        // "5!" is a factorial as often as it is a cry.
        if tail.first == "!", low < high, Self.isDigit(scalars[high - 1]) { signs.append("!") }
        advance(from: high, to: end)
        if tail.contains(where: { $0 == "." || $0 == "!" || $0 == "?" || $0 == ":" || $0 == "。" || $0 == "？" || $0 == "¿" }) { startsSentence = true }
    }

    /// Notes code, or an operator on its own: "7 + 8" has the sign that "7+8" has.
    private mutating func note(operator chunk: ArraySlice<Unicode.Scalar>, code: String? = nil) {
        if chunk.count == 1, let sign = chunk.first, "+*=<>".unicodeScalars.contains(sign) {
            signs.append(String(sign))
        } else {
            codes.append(code ?? Self.collapsed(chunk))
        }
    }

    private mutating func append(_ kind: Token.Kind, _ text: String, _ range: Range<Int>, _ shape: ArraySlice<Unicode.Scalar>) {
        var letters = 0
        var capitals = 0
        var script = Script.latin
        for scalar in shape where Self.isLetter(scalar) {
            if letters == 0 { script = Script.of(scalar) }
            letters += 1
            if scalar.isCapital { capitals += 1 }
        }
        let isCapitalised = shape.first?.isCapital ?? false
        tokens.append(
            Token(
                kind: kind, text: text, range: range, script: script, isCapitalised: isCapitalised,
                isUpperCase: letters > 1 && capitals == letters, startsSentence: startsSentence))
        startsSentence = false
    }

    private mutating func readPieces(_ low: Int, _ high: Int) {
        var index = low
        while index < high {
            let from = offset
            if let (number, end) = NumberLexer.read(scalars, index, high, chunkStart: low) {
                advance(from: index, to: end)
                append(.number(number), number.text, from..<offset, scalars[index..<index])
                index = end
            } else if Self.isLetter(scalars[index]) {
                index = readWord(index, high)
            } else {
                if ChunkForm.isCurrency(scalars[index]) || scalars[index] == "%" || scalars[index] == "°" {
                    let end = scalars[index] == "°" && index + 1 < high && Self.isLetter(scalars[index + 1]) ? index + 2 : index + 1
                    advance(from: index, to: end)
                    append(.word, FoldedText.string(scalars[index..<end]), from..<offset, scalars[index..<end])
                    index = end
                } else {
                    let end = Signs.end(scalars, index, low, high)
                    if end > index { signs.append(Signs.text(scalars[index..<end])) }
                    advance(from: index, to: max(end, index + 1))
                    index = max(end, index + 1)
                }
            }
        }
    }

    private mutating func readWord(_ start: Int, _ high: Int) -> Int {
        let script = Script.of(scalars[start])
        let from = offset
        // Scripts without spaces: one letter, one token.
        if script == .han || script == .kana || script == .thai {
            advance(from: start, to: start + 1)
            append(.word, FoldedText.string(scalars[start...start]), from..<offset, scalars[start...start])
            return start + 1
        }
        var end = start
        var apostrophe: Int?
        while end < high {
            if Self.isLetter(scalars[end]) {
                if Self.breaksWord(Script.of(scalars[end])) { break }
            } else if Self.isApostrophe(scalars[end]), end + 1 < high, Self.isLetter(scalars[end + 1]) {
                if apostrophe == nil { apostrophe = end }
            } else if !Self.isMark(scalars[end]) {
                break
            }
            end += 1
        }
        if let identifierEnd = identifierEnd(start, end, high) {
            advance(from: start, to: identifierEnd)
            let text = FoldedText.string(scalars[start..<identifierEnd].filter { $0 != "-" }[...])
            append(.identifier, text, from..<offset, scalars[start..<end])
            return identifierEnd
        }
        advance(from: start, to: end)
        for word in Contraction.words(scalars[start..<end], apostrophe: apostrophe) {
            append(.word, word, from..<offset, scalars[start..<(apostrophe ?? end)])
        }
        return end
    }

    private static func breaksWord(_ script: Script) -> Bool { script == .han || script == .kana || script == .thai }

    /// `A1234`, `mp3`, and one letter with a hyphen (`A-1234`); `GPT-4` is the word and the number.
    private func identifierEnd(_ start: Int, _ wordEnd: Int, _ high: Int) -> Int? {
        guard wordEnd < high else { return nil }
        var index = wordEnd
        let isVersion = wordEnd == start + 1 && (scalars[start] == "v" || scalars[start] == "V")
        if scalars[index] == "-", wordEnd == start + 1, index + 1 < high, Self.isDigit(scalars[index + 1]) { index += 1 }
        guard Self.isDigit(scalars[index]), !isVersion else { return nil }
        while index < high, Self.isDigit(scalars[index]) || Self.isLetter(scalars[index]) { index += 1 }
        return index
    }

    // MARK: Scalars

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII ? scalar.value >= 48 && scalar.value <= 57 : scalar.properties.numericType == .decimal
    }

    static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            ? scalar.value >= 97 && scalar.value <= 122 || scalar.value >= 65 && scalar.value <= 90
            : scalar.properties.isAlphabetic && scalar.properties.numericType != .decimal
    }

    static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        guard !scalar.isASCII else { return false }
        let category = scalar.properties.generalCategory
        return category == .nonspacingMark || category == .spacingMark
    }

    static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool { isLetter(scalar) || isDigit(scalar) }

    static func isApostrophe(_ scalar: Unicode.Scalar) -> Bool { scalar == "'" || scalar == "’" || scalar == "ʼ" || scalar == "`" }

    private static func isOpening(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "(", "[", "{", "\"", "'", "“", "„", "‘", "«", "「", "`", "*", "¿", "¡": true
        default: false
        }
    }

    private static func isClosing(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case ")", "]", "}", "\"", "'", "”", "“", "’", "»", "」", "`", "*", ".", ",", "!", "?", ";", ":", "…", "。", "，", "？", "！": true
        default: false
        }
    }
}
