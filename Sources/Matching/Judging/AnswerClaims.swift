/// What an answer says, taken apart once: its sentences as claims, without introduction, headings, list forms and emphasis.
///
/// An answer is held against many others, so this is kept beside it. Nothing is understood here: a claim is a sentence's words, numbers and names.
package struct AnswerClaims: Sendable {
    /// As much of an answer is taken apart, in bytes; the rest elaborates.
    package static let readLimit = 4000
    /// Up to this many bytes an answer is short: a fact or two, whose numbers and names must agree.
    package static let shortAnswer = 400
    /// Up to this many it is one fact, which one word turns round: its direction does not tell.
    static let oneFact = 240

    /// The length of the text in bytes.
    package let byteCount: Int
    /// Lower case, white space collapsed, closing punctuation dropped: equal texts are equal answers.
    package let normalised: String
    /// The claims in order.
    let claims: [Claim]
    /// The text as code is compared: white space collapsed, without fences and backticks, case kept.
    let plain: String
    /// Whether something in it looks like code.
    let hasCode: Bool
    /// Whether every claim is written in English, as far as its little words and letters tell.
    let isEnglish: Bool
    /// How often each content word stands in the whole answer, by stem.
    let counts: [String: Int]
    /// Every number, date and unit of the answer.
    let facts: [NumberFact]
    /// Every content word without numbers, each once, in the order in which they first stand.
    let terms: [String]

    package var isEmpty: Bool { normalised.isEmpty }
    package var isShort: Bool { byteCount <= Self.shortAnswer }
    package var isOneFact: Bool { byteCount <= Self.oneFact }

    /// - Complexity: O(n) in the first ``readLimit`` bytes.
    package init(_ text: String) {
        byteCount = text.utf8.count
        normalised = Self.normalise(text)
        let head = text.utf8.count > Self.readLimit ? String(decoding: text.utf8.prefix(Self.readLimit), as: UTF8.self) : text
        plain = CodeText.plain(head)
        hasCode = CodeText.isCode(head)
        let sentences = AnswerSentences.split(head)
        let claims = sentences.compactMap { Claim($0) }
        self.claims = claims
        isEnglish = claims.allSatisfy(\.mayBeEnglish)
        facts = claims.flatMap(\.facts)
        var counts: [String: Int] = [:]
        var terms: [String] = []
        for claim in claims {
            for term in claim.terms {
                if counts[term] == nil { terms.append(term) }
                counts[term, default: 0] += 1
            }
        }
        self.counts = counts
        self.terms = terms
    }

    /// Lower case, white space collapsed, closing punctuation dropped.
    package static func normalise(_ text: String) -> String {
        var words = text.lowercased().split { $0.isWhitespace }.joined(separator: " ")
        while let last = words.last, ".!? ".contains(last) { words.removeLast() }
        return words
    }
}

/// One sentence of an answer.
struct Claim: Sendable {
    let tokens: PromptTokens
    /// The content words by stem, in order; numbers, months and what is said of every answer are left out.
    let terms: [String]
    let facts: [NumberFact]
    /// Stems of the words that negate or restrict.
    let qualifiers: Set<String>
    /// Stems of the words that are written as names.
    let names: Set<String>
    let mayBeEnglish: Bool
    /// Whether a fraction is told in words, which no number states.
    let hasFraction: Bool
    /// Neighbouring words of an enumeration, by stem: "tilapia, corvina", "Post and Carpenter".
    let joined: [(String, String)]

    init?(_ text: String) {
        guard let tokens = try? PromptTokens(text) else { return nil }
        let consumed = NumberReader(tokens.tokens).consumed
        self.tokens = tokens
        facts = tokens.facts
        terms = tokens.content.compactMap { word in
            consumed.contains(word.token) || JudgingWords.stock.contains(word.stem) ? nil : word.stem
        }
        let restricting = tokens.tokens.indices.compactMap { index in
            tokens.tokens[index].isWord && !consumed.contains(index) && JudgingWords.qualifiers.contains(tokens.tokens[index].text)
                ? tokens.tokens[index].text : nil
        }
        qualifiers = Set(tokens.negators.map { tokens.tokens[$0].stem }).union(restricting)
        names = Set(tokens.names.map { tokens.tokens[$0].stem }).subtracting(JudgingWords.stock)
        let isWordless = !tokens.tokens.contains(where: \.isWord)
        mayBeEnglish = isWordless || tokens.dominantScript == .latin && (tokens.language ?? "en") == "en"
        hasFraction = tokens.tokens.contains { ["half", "quarter", "quarters", "third", "thirds"].contains($0.text) }
        joined = Self.enumerated(text, tokens.tokens)
    }

    private static func enumerated(_ text: String, _ tokens: [Token]) -> [(String, String)] {
        let bytes = Array(text.utf8)
        var pairs: [(String, String)] = []
        for index in tokens.indices.dropFirst() {
            let (before, after) = (tokens[index - 1], tokens[index])
            let start = min(before.range.upperBound, after.range.lowerBound)
            guard after.range.lowerBound <= bytes.count else { continue }
            let gap = bytes[start..<after.range.lowerBound].filter { $0 != UInt8(ascii: " ") }
            if after.text == "and" || after.text == "or" {
                if let next = tokens[(index + 1)...].first(where: { !$0.traits.contains(.article) && !$0.traits.contains(.function) }) {
                    pairs.append((before.stem, next.stem))
                }
            } else if gap == [UInt8(ascii: ",")] || gap == [UInt8(ascii: "&")] {
                pairs.append((before.stem, after.stem))
            }
        }
        return pairs
    }
}

/// Small lists that are about answers and not about prompts.
enum JudgingWords {
    /// What is said of any answer.
    static let stock: Set<String> = Set(
        ["called", "known", "named", "name", "refers", "referred", "referring", "answer", "answers", "sure", "certainly", "definitely", "course"]
            .map { Stem.of($0) })
    /// Words that restrict or shift what they stand beside, negators aside.
    static let qualifiers: Set<String> = [
        "only", "except", "but", "however", "although", "though", "unless", "if", "instead", "rather", "otherwise", "least", "most", "more", "less",
        "fewer", "over", "under", "above", "below", "before", "after", "until", "within", "outside", "up", "down", "part", "partly", "sometimes",
        "usually", "rarely", "once", "twice", "half", "per", "last", "first", "second", "both", "either", "every", "each", "all", "some", "any",
        "same",
        "am", "pm", "unknown", "unclear", "unable", "incorrect", "false", "wrong", "untrue", "likely", "unlikely", "possibly", "doubt", "no", "yes",
    ]
    /// What prices, hours and durations are told with, whichever of them is used.
    static let light: Set<String> = Set(
        ["open", "close", "opening", "hours", "cost", "costs", "price", "pay", "takes", "lasts", "job", "go", "located", "people", "person"].map {
            Stem.of($0)
        })
}

/// Program text as it is compared.
enum CodeText {
    /// The text without fences and backticks, white space collapsed.
    static func plain(_ text: String) -> String {
        text.split { $0 == "`" || $0.isWhitespace }.joined(separator: " ")
    }

    /// Whether something looks like code: brackets of calls, braces, operators, flags, names with underscores.
    static func isCode(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.contains { index in
            switch bytes[index] {
            case UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "="), UInt8(ascii: "<"), UInt8(ascii: ">"): true
            case UInt8(ascii: "("): index > 0 && isWord(bytes[index - 1])
            case UInt8(ascii: "-"): index + 2 < bytes.count && bytes[index + 1] == UInt8(ascii: "-") && isWord(bytes[index + 2])
            case UInt8(ascii: "_"): index > 0 && index + 1 < bytes.count && isWord(bytes[index - 1]) && isWord(bytes[index + 1])
            default: false
            }
        }
    }

    /// Whether the longer text holds the shorter one whole: what goes on right after it would be other code.
    static func holds(_ longer: String, _ shorter: String) -> Bool {
        let (text, part) = (Array(longer.utf8), Array(shorter.utf8))
        guard part.count >= 8, part.count <= text.count else { return false }
        for start in 0...(text.count - part.count) where text[start..<(start + part.count)].elementsEqual(part) {
            let end = start + part.count
            let isOpen = start == 0 || text[start - 1] == UInt8(ascii: " ")
            let rest = text[end...].prefix(2)
            let isClosed =
                rest.isEmpty || rest.elementsEqual([UInt8(ascii: "."), UInt8(ascii: " ")]) || rest.elementsEqual(".".utf8)
                || rest.elementsEqual(" .".utf8)
            if isOpen, isClosed { return true }
        }
        return false
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122
    }
}
