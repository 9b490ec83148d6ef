/// Tells code, addresses, paths, flags and operators from words.
enum ChunkForm {
    /// The chunk as code, folded, or `nil` when it is made of words and numbers.
    static func code(_ chunk: ArraySlice<Unicode.Scalar>) -> String? {
        var chunk = chunk
        // "PayPal's" is "PayPal".
        if chunk.count > 2, let last = chunk.last, last == "s", PromptLexer.isApostrophe(chunk[chunk.endIndex - 2]) { chunk = chunk.dropLast(2) }
        guard let first = chunk.first, chunk.contains(where: { PromptLexer.isLetter($0) || !$0.isASCII }) || isOperator(chunk) else { return nil }
        if isOperator(chunk) { return String(String.UnicodeScalarView(chunk)) }
        if isFlag(chunk) {
            // "-v" and "-V" are two flags; longer ones are never told apart by case alone.
            return chunk.count <= 2 ? String(String.UnicodeScalarView(chunk)) : FoldedText.string(chunk)
        }
        let shape = Shape(chunk)
        if shape.isCode || first == "/" && chunk.count > 1 || shape.startsLikePath {
            while let last = chunk.last, last == "(" || last == ")" || last == "/" { chunk = chunk.dropLast() }
            return chunk.isEmpty ? nil : FoldedText.string(chunk)
        }
        return nil
    }

    /// "a.m", "U.S": single letters with points, which read as one word.
    static func isAbbreviation(_ chunk: ArraySlice<Unicode.Scalar>) -> Bool {
        guard chunk.count >= 3, chunk.count <= 9, chunk.count % 2 == 1 else { return false }
        return zip(0..., chunk).allSatisfy { offset, scalar in offset % 2 == 0 ? PromptLexer.isLetter(scalar) : scalar == "." }
    }

    private static func isFlag(_ chunk: ArraySlice<Unicode.Scalar>) -> Bool {
        let dashes = chunk.prefix { $0 == "-" }.count
        guard dashes == 1 || dashes == 2, chunk.count > dashes else { return false }
        return PromptLexer.isLetter(chunk[chunk.startIndex + dashes])
    }

    /// Operators that change what an expression means. A lone hyphen, slash or ampersand is punctuation.
    static func isOperator(_ chunk: ArraySlice<Unicode.Scalar>) -> Bool {
        guard chunk.count <= 3, let first = chunk.first else { return false }
        guard chunk.allSatisfy({ "=!<>+-*/%&|^~?:".unicodeScalars.contains($0) }) else { return false }
        if chunk.count == 1 { return "=<>+*^|%".unicodeScalars.contains(first) }
        return operators.contains(String(String.UnicodeScalarView(chunk)))
    }

    private static let operators: Set<String> = [
        "==", "!=", "<=", ">=", "->", "=>", "<-", "&&", "||", "++", "+=", "-=", "*=", "/=", "%=", "**", "<<", ">>", "===", "!==",
        "::", ":=", "..<", "<=>", "|>", "=~",
    ]

    static func isCurrency(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "$", "£", "€", "¥", "₹", "₩": true
        default: false
        }
    }

    /// What stands in a chunk that marks it as code.
    private struct Shape {
        private(set) var isCode = false
        private(set) var startsLikePath = false

        init(_ chunk: ArraySlice<Unicode.Scalar>) {
            var slashes = 0
            var letters = 0
            var capitals = 0
            var humps = 0
            var previous: Unicode.Scalar = " "
            var dots = 0
            var longDotted = false
            var segment = 0
            for (position, scalar) in zip(chunk.indices, chunk) {
                let next: Unicode.Scalar = position + 1 < chunk.endIndex ? chunk[position + 1] : " "
                let isLetter = PromptLexer.isLetter(scalar)
                if isLetter {
                    letters += 1
                    segment += 1
                    if scalar.isCapital {
                        capitals += 1
                        if previous.isSmall { humps += 1 }
                    }
                }
                switch scalar {
                case "_": if PromptLexer.isWordScalar(previous) || PromptLexer.isWordScalar(next) { isCode = true }
                case "/", "\\":
                    slashes += 1
                    if scalar == "\\" { isCode = true }
                case "@": if PromptLexer.isWordScalar(next) { isCode = true }
                case "#": if PromptLexer.isWordScalar(next) || PromptLexer.isLetter(previous) && next == " " { isCode = true }
                case "+": if PromptLexer.isLetter(previous), next == "+" || next == " " { isCode = true }
                case "(", "[", "{", "=", "<", ">", "|", "~", "^": isCode = true
                case "$": if PromptLexer.isLetter(next) { isCode = true }
                case ":": if next == "/" || next == ":" { isCode = true }
                case ".":
                    dots += 1
                    if PromptLexer.isLetter(previous), PromptLexer.isLetter(next), segment > 1 { longDotted = true }
                    segment = 0
                default: break
                }
                if previous == ".", slashes > 0, isLetter { isCode = true }
                previous = scalar
            }
            if longDotted { isCode = true }
            if slashes > 1, letters > 0 { isCode = true }
            // camelCase and PayPal, but not the plural of an acronym (APIs).
            if humps > 0, let first = chunk.first, !PromptLexer.isDigit(first) { isCode = true }
            let head = chunk.prefix(2)
            startsLikePath = letters > 0 && chunk.count > 2 && (head.elementsEqual("./".unicodeScalars) || head.elementsEqual("..".unicodeScalars))
        }
    }
}
