/// The word lists under `Words/`, read once from the bytes that the build put into the program.
///
/// The lists are a part of the program and are covered by its tests, so a line that cannot be read is skipped here and fails a test there.
package final class WordLists: Sendable {
    /// A unit of measure: `factor` of `base` ("week" is 604800 "second").
    package struct Unit: Hashable, Sendable {
        package let base: String
        package let factor: Double
    }

    /// How a number word counts; see `Words/numbers.txt`.
    package enum NumberWord: Hashable, Sendable { case unit(Double), ten(Double), scale(Double), ordinal(Double), weak(Double) }

    /// A month or weekday, numbered from 1. Ambiguous words ("may") need a neighbour that dates.
    package struct CalendarWord: Hashable, Sendable {
        package let isMonth: Bool
        package let number: Int
        package let isAmbiguous: Bool
    }

    /// One thing of a kind; see `Words/kinds.txt`.
    package struct KindMember: Hashable, Sendable {
        package let kind: Int
        package let thing: String
        package let needsCapital: Bool
    }

    /// A kind of things, and how the two prompts must agree in it; see `Words/kinds.txt`.
    package struct Kind: Hashable, Sendable {
        package enum Rule: String, Sendable { case equal, exclusive, near }

        package let name: String
        package let rule: Rule
    }

    /// Two opposites, each one or more words.
    package struct Antonym: Hashable, Sendable {
        package let first: String
        package let second: String
    }

    package static let shared = WordLists()

    /// Apart from the rest, because the lexer needs it while the other lists are being read.
    package static let units = readUnits(PackageResources.units_txt)

    package let functionWords: Set<String>
    package let courtesy: Set<String>
    package let negators: Set<String>
    package let roles: Set<String>
    package let antonyms: [Antonym]
    /// "form inform": pairs that only look like opposites.
    package let lookalikes: Set<String>
    package let numberWords: [String: NumberWord]
    package let calendar: [String: CalendarWord]
    /// Unambiguous words of six letters and more, sorted, as UTF-8.
    package let longCalendarWords: [([UInt8], CalendarWord)]
    package let kinds: [Kind]
    package let aliases: PhraseTable<[String]>
    package let kindMembers: PhraseTable<[KindMember]>
    /// Words that speak of the moment, and phrases with such a word that do not.
    package let timeWords: PhraseTable<Bool>
    package let languages: [String: [String]]
    package let languageNames: [String]
    package let synonyms: [String: Set<Int>]
    /// The stems of the words that say a sign; see `Words/signs.txt`.
    package let spokenSigns: [String: [String]]
    /// Opposites by the stem of a single word, and by phrase.
    package let oppositesByStem: [String: [String]]
    package let oppositePhrases: [OppositePhrase]
    /// Places in ``oppositePhrases`` by the first word of either side.
    let oppositePhrasesByOpening: [String: [Int]]
    private let traits: [String: WordTraits]

    private init() {
        courtesy = Set(Self.lines(PackageResources.courtesy_txt).flatMap { Self.split($0, " ") })
        functionWords = Set(Self.lines(PackageResources.function_txt).flatMap { Self.split($0, " ") }).union(courtesy)
        negators = Set(Self.lines(PackageResources.negators_txt))
        roles = Set(Self.lines(PackageResources.roles_txt))
        antonyms = Self.readAntonyms(PackageResources.antonyms_txt)
        lookalikes = Set(Self.readAntonyms(PackageResources.lookalikes_txt).map { "\($0.first) \($0.second)" })
        numberWords = Self.readNumberWords(PackageResources.numbers_txt)
        calendar = Self.readCalendar(PackageResources.calendar_txt)
        longCalendarWords = calendar.filter { !$0.value.isAmbiguous && $0.key.utf8.count >= 6 }.sorted { $0.key < $1.key }.map {
            (Array($0.key.utf8), $0.value)
        }
        aliases = Self.readAliases(PackageResources.aliases_txt)
        (kinds, kindMembers) = Self.readKinds(PackageResources.kinds_txt)
        var times = PhraseTable<Bool>(folding: .exact)
        for line in Self.lines(PackageResources.times_txt) { times.insert(line, true) }
        for line in Self.lines(PackageResources.timeless_txt) { times.insert(line, false) }
        timeWords = times
        (languages, languageNames) = Self.readLanguages(PackageResources.languages_txt)
        synonyms = Self.readSynonyms(PackageResources.synonyms_txt)
        spokenSigns = Self.readSigns(PackageResources.signs_txt)
        (oppositesByStem, oppositePhrases) = OppositePhrase.index(antonyms)
        oppositePhrasesByOpening = oppositePhrases.enumerated().reduce(into: [:]) { places, phrase in
            for opening in phrase.element.openings { places[opening, default: []].append(phrase.offset) }
        }

        var traits: [String: WordTraits] = [:]
        func mark(_ words: some Sequence<String>, _ trait: WordTraits) { for word in words { traits[word, default: []].insert(trait) } }
        mark(functionWords, .function)
        mark(courtesy, .courtesy)
        mark(negators, .negator)
        mark(roles, .role)
        mark(OrderGuard.opposite.keys, .direction)
        mark(OrderGuard.articles, .article)
        mark(numberWords.keys, .number)
        mark(calendar.keys, .calendar)
        mark(languages.keys, .language)
        mark(aliases.openings, .alias)
        mark(kindMembers.openings, .thing)
        mark(oppositesByStem.keys, .opposite)
        mark(oppositePhrasesByOpening.keys, .oppositePhrase)
        self.traits = traits
    }

    /// What the lists say of a token.
    func traits(of token: Token) -> WordTraits {
        let written = traits[token.text] ?? []
        let stem = token.stem == token.text ? written : traits[token.stem] ?? []
        return written.intersection(.ofSpellings).union(stem.intersection(.ofStems))
    }

    /// The lines of a list without comments and blanks.
    static func lines(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { trimmed($0) }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }

    static func split(_ text: String, _ separator: Character) -> [String] {
        text.split(separator: separator).map { trimmed($0) }.filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " || text.last == "\r" { text.removeLast() }
        return String(text)
    }

    private static func readAntonyms(_ bytes: [UInt8]) -> [Antonym] {
        lines(bytes).compactMap { line in
            let sides = split(line, "/")
            return sides.count == 2 ? Antonym(first: sides[0], second: sides[1]) : nil
        }
    }

    private static func readNumberWords(_ bytes: [UInt8]) -> [String: NumberWord] {
        var words: [String: NumberWord] = [:]
        for line in lines(bytes) {
            let parts = split(line, " ")
            guard parts.count == 3, let value = Double(parts[2]) else { continue }
            switch parts[0] {
            case "unit": words[parts[1]] = .unit(value)
            case "ten": words[parts[1]] = .ten(value)
            case "scale": words[parts[1]] = .scale(value)
            case "ordinal": words[parts[1]] = .ordinal(value)
            case "weak": words[parts[1]] = .weak(value)
            default: continue
            }
        }
        return words
    }

    private static func readUnits(_ bytes: [UInt8]) -> [String: Unit] {
        var units: [String: Unit] = [:]
        for line in lines(bytes) {
            let sides = split(line, "=")
            let head = sides.first.map { split($0, " ") } ?? []
            guard sides.count == 2, head.count == 2, let factor = Double(head[1]) else { continue }
            for spelling in split(sides[1], " ") { units[spelling] = Unit(base: head[0], factor: factor) }
        }
        return units
    }

    private static func readCalendar(_ bytes: [UInt8]) -> [String: CalendarWord] {
        var words: [String: CalendarWord] = [:]
        for line in lines(bytes) {
            let sides = split(line, "=")
            let head = sides.first.map { split($0, " ") } ?? []
            guard sides.count == 2, head.count == 2, let number = Int(head[1]) else { continue }
            for word in split(sides[1], " ") {
                let isAmbiguous = word.hasSuffix("?")
                words[isAmbiguous ? String(word.dropLast()) : word] =
                    CalendarWord(isMonth: head[0] == "month", number: number, isAmbiguous: isAmbiguous)
            }
        }
        return words
    }

    private static func readAliases(_ bytes: [UInt8]) -> PhraseTable<[String]> {
        var table = PhraseTable<[String]>(folding: .exact)
        for line in lines(bytes) {
            let sides = split(line, "=")
            guard sides.count == 2 else { continue }
            let canonical = split(sides[0], " ")
            for spelling in split(sides[1], ",") { table.insert(spelling, canonical) }
        }
        return table
    }

    private static func readKinds(_ bytes: [UInt8]) -> ([Kind], PhraseTable<[KindMember]>) {
        var kinds: [Kind] = []
        var table = PhraseTable<[KindMember]>(folding: .stems)
        for line in lines(bytes) {
            if line.hasPrefix("@") {
                let rule = line.dropFirst().prefix { $0 != " " }
                guard let rule = Kind.Rule(rawValue: String(rule)) else { continue }
                kinds.append(Kind(name: String(line.drop { $0 != " " }.dropFirst()), rule: rule))
                continue
            }
            guard !kinds.isEmpty else { continue }
            for thing in split(line, ",") {
                let names = split(thing, "|")
                let canonical = names[0].hasSuffix("?") ? String(names[0].dropLast()) : names[0]
                for name in names {
                    let needsCapital = name.hasSuffix("?")
                    let spelling = needsCapital ? String(name.dropLast()) : name
                    table.merge(spelling, [KindMember(kind: kinds.count - 1, thing: canonical, needsCapital: needsCapital)]) { $0 + $1 }
                }
            }
        }
        return (kinds, table)
    }

    private static func readLanguages(_ bytes: [UInt8]) -> ([String: [String]], [String]) {
        var languages: [String: [String]] = [:]
        var names: [String] = []
        for line in lines(bytes) {
            let sides = split(line, "=")
            guard sides.count == 2 else { continue }
            names.append(sides[0])
            for word in Set(split(sides[1], " ")) { languages[word, default: []].append(sides[0]) }
        }
        return (languages, names)
    }

    private static func readSigns(_ bytes: [UInt8]) -> [String: [String]] {
        var signs: [String: [String]] = [:]
        for line in lines(bytes) {
            let words = split(line, " ")
            for sign in words.first.map({ split($0, ",") }) ?? [] { signs[sign] = words.dropFirst().map(Stem.of) }
        }
        return signs
    }

    private static func readSynonyms(_ bytes: [UInt8]) -> [String: Set<Int>] {
        var groups: [String: Set<Int>] = [:]
        for (number, line) in lines(bytes).enumerated() {
            for word in split(line, " ") { groups[Stem.of(word), default: []].insert(number) }
        }
        return groups
    }
}
