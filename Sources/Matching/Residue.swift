import SemanticCache

/// What two texts differ in that the embedder does not see.
///
/// Equal words are compared as they stand in the texts. Harmless, and why:
/// - a capital where a sentence begins, or of a little word; a text all in small letters, all in capitals or in title case, whose capitals
///   say nothing; "html" for "HTML", which can be no other word; "javascript" for "JavaScript"; in a rewording the capital of any plain word;
/// - marks that an English text left out altogether, or a hasty text in another language (two words or more, no mark anywhere, no
///   capitals); the vowel points of Arabic and Hebrew, left out altogether;
/// - more blanks for one, blanks around punctuation and arithmetic, blank lines, the ends of lines, marks that nobody sees;
/// - the style of quotation marks, marks at the end of a sentence.
///
/// Never harmless: inside code, flags, paths and identifiers, in units and single letters, in what is quoted, where both texts carry marks,
/// and in how lines are broken and indented.
struct Residue {
    let asked: ReadText
    let cached: ReadText
    let areEnglish: Bool
    /// Whether more than a word was changed, so that no single capital is what the two are about.
    let areReworded: Bool

    /// What differs, in words; `nil` where nothing does that matters.
    var finding: String? {
        if let unread { return unread }
        let (head, tail) = commonEnds()
        let isReworded = areReworded || (head + tail) * 2 < min(asked.words.count, cached.words.count)
        var marks: [(Int, Int)] = []
        func compare(_ first: Int, _ second: Int) -> String? {
            if asked.words[first].written == cached.words[second].written { return nil }
            if differsInMarks(first, second) { marks.append((first, second)) }
            return differs(first, second, isReworded)
        }
        for index in 0..<head { if let found = compare(index, index) ?? gap(index, index) { return found } }
        for offset in 0..<tail {
            let (first, second) = (asked.words.count - tail + offset, cached.words.count - tail + offset)
            // The gap before the first of them is the end of what differs.
            if let found = compare(first, second) ?? (offset > 0 ? gap(first, second) : nil) { return found }
        }
        if head < asked.words.count || head < cached.words.count {
            let (first, second) = (head..<asked.words.count - tail, head..<cached.words.count - tail)
            if let found = punctuation() ?? scattered(first, second, compare) { return found }
        }
        return lostMarks(marks)
    }

    /// Whether both texts have the same words in the same order; `false` where nothing was read.
    var hasSameWords: Bool {
        if asked.keys == cached.keys { return !asked.keys.isEmpty }
        guard hasSameLetters else { return false }
        let words = Slots(asked).words
        return !words.isEmpty && words == Slots(cached).words
    }

    /// A quick look: whether the words without marks are as long together.
    private var hasSameLetters: Bool {
        func length(_ text: ReadText) -> Int { text.keys.indices.reduce(0) { text.isMark($1) ? $0 : $0 + text.keys[$1].utf8.count } }
        return length(asked) == length(cached)
    }

    // MARK: Words without a piece

    private var unread: String? {
        func words(_ text: ReadText) -> [String] {
            text.words.filter { $0.seen == nil }.map { $0.written.lowercased() }.filter { word in
                // Digits of other scripts are compared as numbers, and a sentence may end in any script's mark.
                !word.unicodeScalars.allSatisfy { PromptLexer.isDigit($0) || ReadText.ends.contains(String($0)) }
            }
        }
        let (first, second) = (words(asked), words(cached))
        if first == second { return nil }
        if first.isEmpty && second.allSatisfy(Signs.isPictorial) || second.isEmpty && first.allSatisfy(Signs.isPictorial) { return nil }
        return "words that the embedder cannot read differ: " + PromptPair.shown(first, second)
    }

    // MARK: Alignment

    /// How many words at the beginning and at the end are the same to the embedder.
    private func commonEnds() -> (head: Int, tail: Int) {
        let (first, second) = (asked.keys, cached.keys)
        let shorter = min(first.count, second.count)
        var head = 0
        while head < shorter, first[head] == second[head] { head += 1 }
        var tail = 0
        while tail < shorter - head, first[first.count - 1 - tail] == second[second.count - 1 - tail] { tail += 1 }
        return (head, tail)
    }

    /// Words that both texts have between the common ends: as often as one stands there in a form that the other text lacks, a partner is asked for.
    private func scattered(_ first: Range<Int>, _ second: Range<Int>, _ compare: (Int, Int) -> String?) -> String? {
        // Two forms of one word cannot both be what the model sees.
        func odd(_ text: ReadText, _ range: Range<Int>) -> [String] {
            range.lazy.filter { text.keys[$0] != text.words[$0].written }.map { text.keys[$0] }
        }
        let keys = Set(odd(asked, first) + odd(cached, second))
        if keys.isEmpty { return nil }
        var places: [String: [Int]] = [:]
        for index in second where keys.contains(cached.keys[index]) && !cached.isMark(index) { places[cached.keys[index], default: []].append(index) }
        let all = places
        var left: [(Int, String)] = []
        for index in first where !asked.isMark(index) {
            let key = asked.keys[index]
            guard let others = places[key] else { continue }
            if let same = others.firstIndex(where: { cached.words[$0].written == asked.words[index].written }) {
                places[key]?.remove(at: same)
            } else {
                left.append((index, key))
            }
        }
        for (index, key) in left where places[key]?.popLast() != nil {
            // Any of the other text's will do.
            let found = all[key, default: []].prefix(8).map { compare(index, $0) }
            if let first = found.first, !found.contains(nil) { return first }
        }
        return nil
    }

    // MARK: Letters

    private func differs(_ first: Int, _ second: Int, _ isReworded: Bool) -> String? {
        let (one, other) = (visible(asked.words[first].written), visible(cached.words[second].written))
        guard one != other, one.lowercased() == other.lowercased() else { return nil }
        return isHarmlessCase(one, other, first, second, isReworded) ? nil : "capitals differ: \(one) / \(other)"
    }

    private func isHarmlessCase(_ one: String, _ other: String, _ first: Int, _ second: Int, _ isReworded: Bool) -> Bool {
        let isInitial = one.unicodeScalars.dropFirst().elementsEqual(other.unicodeScalars.dropFirst())
        let capital = one.unicodeScalars.first?.isCapital ?? false ? (asked, first) : (cached, second)
        if asked.isColour(first), cached.isColour(second) { return true }
        if asked.isCode(first) || cached.isCode(second) {
            return isReworded && isInitial && capital.0.startsSentence(capital.1) && !one.unicodeScalars.dropFirst().contains(where: \.isCapital)
        }
        // Alone, and not what is left of "is" in "what's".
        let isSingle = one.unicodeScalars.count == 1 && !(first > 0 && ["'", "’"].contains(asked.keys[first - 1]) && asked.words[first].gap.isEmpty)
        if isSingle, !["i", "a", "о", "я", "и", "в", "y", "e", "o"].contains(one.lowercased()) { return false }
        if isSingle, one.lowercased() != "i", !capital.0.startsSentence(capital.1), capital.0.style == .usual { return false }
        if asked.followsNumber(first), one.utf8.count <= 4, WordLists.units[one.lowercased()] != nil { return false }
        for text in [asked, cached] {
            switch text.style {
            case .usual: continue
            case .smallLetters, .capitals: return true
            case .title: if isInitial { return true }
            }
        }
        if isInitial, WordLists.shared.functionWords.contains(one.lowercased()) { return true }
        if isInitial, capital.0.startsSentence(capital.1) { return true }
        if isReworded, !asked.isQuoted[first], !cached.isQuoted[second] {
            // "Github" for "GitHub", and no other member than "getName".
            return !isCamelCase(one) && !isCamelCase(other) || one.unicodeScalars.first == other.unicodeScalars.first
        }
        // From here on the texts are written with care, and one of the two forms is none of a sentence's beginning.
        guard !asked.isQuoted[first], !cached.isQuoted[second] else { return false }
        let small = one.unicodeScalars.allSatisfy { !$0.isCapital } ? other : one
        guard [one, other].contains(small.lowercased()) else { return false }
        let isAbbreviation = small.unicodeScalars.count > 2 && !small.lowercased().utf8.contains { "aeiouy".utf8.contains($0) }
        return isAbbreviation || isCamelCase(small)
    }

    private func isCamelCase(_ word: String) -> Bool {
        zip(word.unicodeScalars, word.unicodeScalars.dropFirst()).contains { $0.isSmall && $1.isCapital }
    }

    // MARK: Marks

    private func differsInMarks(_ first: Int, _ second: Int) -> Bool {
        let (one, other) = (asked.words[first].written, cached.words[second].written)
        if one.utf8.elementsEqual(other.utf8) || one.utf8.allSatisfy({ $0 < 0x80 }) && other.utf8.allSatisfy({ $0 < 0x80 }) { return false }
        return visible(one).lowercased() != visible(other).lowercased()
    }

    /// What is lost of words in which only marks differ.
    private func lostMarks(_ places: [(Int, Int)]) -> String? {
        guard !places.isEmpty else { return nil }
        for (first, second) in places {
            let (one, other) = (visible(asked.words[first].written), visible(cached.words[second].written))
            if isHarmlessMark(one, other, first, second, count: places.count) { continue }
            return "marks differ: \(one) / \(other)"
        }
        return nil
    }

    private func isHarmlessMark(_ one: String, _ other: String, _ first: Int, _ second: Int, count: Int) -> Bool {
        func isBare(_ word: String) -> Bool { !word.unicodeScalars.contains(where: ReadText.isMark) }
        func unpointed(_ word: String) -> String {
            String(String.UnicodeScalarView(word.lowercased().unicodeScalars.filter { !ReadText.isVowelPoint($0) }))
        }
        if unpointed(one) == unpointed(other) { return !(asked.hasVowelPoints && cached.hasVowelPoints) }
        guard isBare(one) != isBare(other), one.unicodeScalars.count > 1, other.count > 1 else { return false }
        let (bare, isCode) = isBare(one) ? (asked, cached.isCode(second)) : (cached, asked.isCode(first))
        guard !bare.hasMarks, !isCode, !asked.isQuoted[first], !cached.isQuoted[second] else { return false }
        if areEnglish { return !asked.isAboutWords && !cached.isAboutWords }
        return count > 1 && (bare.style == .smallLetters || bare.style == .capitals)
    }

    // MARK: White space

    /// The gaps before two words that follow the same word.
    private func gap(_ first: Int, _ second: Int) -> String? {
        let (one, other) = (asked.words[first].gap, cached.words[second].gap)
        if one == other { return nil }
        return Gap(one).isHarmless(beside: Gap(other), asked, first, cached, second)
            ? nil
            : "white space differs before: \(asked.words[first].written)"
    }

    // MARK: Punctuation

    /// Where both texts have the same words, their punctuation, which no word list reads; and words that one text writes in one.
    private func punctuation() -> String? {
        guard hasSameLetters else { return nil }
        let (one, other) = (Slots(asked), Slots(cached))
        guard one.words == other.words else {
            let areJoined = one.words.joined() == other.words.joined() && !one.words.joined().isEmpty
            return areJoined && (asked.isAboutWords || cached.isAboutWords || one.words.joined().utf8.contains { $0 >= 48 && $0 <= 57 })
                ? "words are written in one or in two" : nil
        }
        for (slot, pair) in zip(one.slots, other.slots).enumerated() where pair.0 != pair.1 {
            let (before, after) = (slot > 0 ? one.words[slot - 1] : nil, slot < one.words.count ? one.words[slot] : nil)
            let isCourtesy = [before, after].contains { $0.map { WordLists.shared.courtesy.contains($0) || Self.greetings.contains($0) } ?? false }
            if isCourtesy, pair.0.isProse, pair.1.isProse { continue }
            if !pair.0.isHarmless(beside: pair.1, isLast: slot == one.words.count) { return "punctuation differs: \(pair.0.text) / \(pair.1.text)" }
        }
        return nil
    }

    /// Greetings of other languages, after which any mark may stand.
    private static let greetings: Set<String> = [
        "hola", "bonjour", "bonsoir", "salut", "hallo", "guten", "ciao", "buongiorno", "ola", "oi", "hej", "moi", "czesc", "ahoj", "salve", "merhaba",
        "selam", "привет", "здравствуите", "halo", "xin", "chao",
    ]

    private func visible(_ word: String) -> String {
        word.utf8.allSatisfy { $0 < 0x80 } ? word : String(String.UnicodeScalarView(word.unicodeScalars.filter { !ReadText.isInvisible($0) }))
    }
}
