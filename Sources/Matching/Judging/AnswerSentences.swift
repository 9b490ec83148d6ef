/// Cuts an answer into sentences and takes off what says nothing: headings' and lists' marks, emphasis, introductions, closings.
enum AnswerSentences {
    private static let openings = [
        "sure", "certainly", "of course", "here is", "here are", "here's", "absolutely", "great question", "thank you", "as an ai",
    ]
    private static let closings = [
        "i hope", "hope this", "hope that", "let me know", "feel free", "please let me", "if you have any", "is there anything",
    ]

    /// - Complexity: O(n) in the text.
    static func split(_ text: String) -> [String] {
        var sentences: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            var rest = bare(line)[...]
            while !rest.isEmpty {
                let end = sentenceEnd(rest)
                let sentence = rest[..<end].drop { $0 == " " }
                if !sentence.isEmpty { sentences.append(String(sentence)) }
                rest = rest[end...]
            }
        }
        let said = sentences.filter { !isFiller($0) }
        return said.isEmpty ? sentences : said
    }

    /// A line without the marks of layout.
    private static func bare(_ line: Substring) -> String {
        var text = line.drop { $0 == " " || $0 == "\t" || $0 == "#" || $0 == ">" || $0 == "•" }
        if let first = text.first, first == "-" || first == "*" || first == "+", text.dropFirst().first == " " { text = text.dropFirst(2) }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        // "1. Open", "2) Choose": but "1.5 km" and "3" are numbers.
        if !digits.isEmpty, digits.count <= 2 {
            let after = text.dropFirst(digits.count)
            if after.first == "." || after.first == ")", after.dropFirst().first == " " { text = after.dropFirst(2) }
        }
        return String(text.filter { $0 != "*" && $0 != "`" && $0 != "_" }).replacing("–", with: " - ")
    }

    /// The end of the first sentence: after a mark that closes one and before white space, but not after an initial or a title.
    private static func sentenceEnd(_ text: Substring) -> Substring.Index {
        var index = text.startIndex
        while index < text.endIndex {
            let character = text[index]
            let next = text.index(after: index)
            let isMark = character == "." || character == "!" || character == "?" || character == "。" || character == "！" || character == "？"
            if isMark, next == text.endIndex || text[next].isWhitespace || !character.isASCII, character != "." || !isAbbreviated(text[..<index]) {
                return next
            }
            index = next
        }
        return text.endIndex
    }

    private static func isAbbreviated(_ before: Substring) -> Bool {
        let word = before.ending { !$0.isWhitespace }
        let last = word.ending { $0 != "." }
        return last.count == 1 && last.first?.isUppercase == true
            || ["Dr", "Mr", "Mrs", "Ms", "St", "No", "vs", "etc", "Jr", "Sr"].contains(String(word))
    }

    private static func isFiller(_ sentence: String) -> Bool {
        let folded = sentence.lowercased()
        if closings.contains(where: { folded.hasPrefix($0) }) { return true }
        let isOpening = openings.contains { folded.hasPrefix($0) }
        return isOpening && (folded.hasSuffix(":") || folded.utf8.count <= 24 && !folded.contains { $0.isNumber })
    }
}

extension Substring {
    /// The longest end of which `holds`.
    fileprivate func ending(where holds: (Character) -> Bool) -> Substring {
        var start = endIndex
        while start > startIndex, holds(self[index(before: start)]) { start = index(before: start) }
        return self[start...]
    }
}
