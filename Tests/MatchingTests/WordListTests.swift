@testable import Matching
import SemanticCache
import Testing

/// Every entry of every list, read from the list itself.
@Suite struct WordListTests {
    private static let lists = WordLists.shared
    private static func lines(_ bytes: [UInt8]) -> [String] { WordLists.lines(bytes) }

    @Test(arguments: lists.antonyms.map { ($0.first, $0.second) })
    func oppositesFire(_ first: String, _ second: String) throws {
        #expect(try PolarityGuard().fires("our \(first) widget", "our \(second) widget"))
    }

    @Test func everyLineOfOppositesIsAPair() {
        #expect(Self.lines(PackageResources.antonyms_txt).count == Self.lists.antonyms.count)
        #expect(Self.lines(PackageResources.lookalikes_txt).count == Self.lists.lookalikes.count)
    }

    @Test(arguments: lists.negators.sorted()) func negatorsFire(_ word: String) throws {
        #expect(try PolarityGuard().fires("do you \(word) deliver widgets", "do you deliver widgets"))
    }

    @Test(arguments: lists.lookalikes.sorted()) func lookalikesStayQuiet(_ pair: String) {
        let words = pair.split(separator: " ").map(String.init)
        #expect(words.count == 2 && !Affix.oppose(words[0], words[1]))
    }

    @Test(arguments: WordLists.units.keys.sorted()) func unitsAreRead(_ spelling: String) throws {
        let unit = try #require(WordLists.units[spelling])
        // Currency signs stand before the digits, all others after.
        let isSign = spelling.unicodeScalars.first.map(ChunkForm.isCurrency) ?? false
        let facts = try PromptTokens(isSign ? "about \(spelling)37" : "about 37\(spelling)").facts
        #expect(facts.first?.unit == unit.base)
        #expect(try NumbersGuard().fires("about 37 \(spelling.count > 1 ? spelling : "km")", "about 37 zorkmids and 4"))
    }

    @Test(arguments: lists.numberWords.keys.sorted()) func numberWordsAreRead(_ word: String) throws {
        #expect(try PromptTokens("about \(word) zorks").facts.count == 1)
        #expect(try NumbersGuard().fires("about \(word) zorks", "about 37 zorks"))
    }

    @Test func everyLineOfNumbersUnitsAndCalendarIsRead() {
        #expect(Self.lines(PackageResources.numbers_txt).count == Self.lists.numberWords.count)
        let spellings = Self.lines(PackageResources.units_txt).flatMap { WordLists.split(WordLists.split($0, "=")[1], " ") }
        #expect(Set(spellings) == Set(WordLists.units.keys))
        #expect(Self.lines(PackageResources.calendar_txt).allSatisfy { $0.contains("=") })
    }

    @Test(arguments: lists.calendar.keys.sorted()) func calendarWordsAreRead(_ word: String) throws {
        let entry = try #require(Self.lists.calendar[word])
        let capital = word.prefix(1).uppercased() + word.dropFirst()
        let facts = try PromptTokens("open until \(capital)").facts
        #expect(facts.first?.kind == (entry.isMonth ? .month : .weekday))
        #expect(facts.first?.value == Double(entry.number))
    }

    @Test(arguments: lines(PackageResources.aliases_txt)) func aliasesAreOneThing(_ line: String) throws {
        let sides = WordLists.split(line, "=")
        try #require(sides.count == 2)
        for spelling in WordLists.split(sides[1], ",") {
            let pair = try PromptPair("ask: \(spelling)", "ask: \(sides[0])")
            #expect(pair.changedWords == 0, "\(spelling) is not \(sides[0])")
        }
    }

    @Test(arguments: lines(PackageResources.signs_txt)) func signsAreSignsAndCanBeSaid(_ line: String) throws {
        let words = WordLists.split(line, " ")
        for sign in WordLists.split(words[0], ",") {
            #expect(try PromptTokens("is 5\(sign)5 right").signs == [sign] || sign == "-" || sign == "*")
            if sign != "-" { #expect(try SignsGuard().fires("is 5\(sign)5 right", "is 5 5 right") != Signs.isPictorial(sign)) }
            for word in words.dropFirst() { #expect(try SignsGuard().findings("is 5\(sign)5 right", "is 5 \(word) 5 right") == (nil, nil)) }
        }
    }

    @Test(arguments: kindLines()) func kindMembersAreKnown(_ kind: String, _ members: [String]) throws {
        #expect(members.count > 1)
        for member in members {
            for name in WordLists.split(member, "|") {
                let isCapital = name.hasSuffix("?")
                let word = isCapital ? String(name.dropLast()) : name
                let shown = isCapital ? word.prefix(1).uppercased() + word.dropFirst() : word
                let things = try PromptTokens("about \(shown) here").things
                #expect(things.contains { Self.lists.kinds[$0.kind].name == kind }, "\(name) is not a \(kind)")
            }
        }
    }

    @Test(arguments: kindLines()) func otherMembersOfAKindFire(_ kind: String, _ members: [String]) throws {
        let plain = members.filter { !$0.contains("?") }.compactMap { WordLists.split($0, "|").first }
        let first = try #require(plain.first)
        let stems = Set(PromptLexer.tokens(of: first).map(\.stem))
        for other in plain.dropFirst() where stems.isDisjoint(with: PromptLexer.tokens(of: other).map(\.stem)) {
            #expect(try KindsGuard().fires("about \(first) here", "about \(other) here"), "\(first) / \(other)")
        }
    }

    @Test(arguments: lists.roles.sorted()) func directionWordsFire(_ word: String) throws {
        #expect(try OrderGuard().fires("zork \(word) blat", "blat \(word) zork"))
    }

    @Test(arguments: lists.functionWords.subtracting(lists.negators).sorted()) func functionWordsAreNoContent(_ word: String) throws {
        #expect(try PromptTokens("widgets \(word) gadgets").content.count == 2)
    }

    @Test(arguments: lines(PackageResources.synonyms_txt)) func synonymsStayQuiet(_ line: String) throws {
        let words = WordLists.split(line, " ")
        for word in words.dropFirst() {
            #expect(try !ReplacedWordGuard().fires("zork \(words[0]) blat", "zork \(word) blat"), "\(words[0]) / \(word)")
        }
    }

    @Test(arguments: lines(PackageResources.times_txt)) func timeWordsAreSeen(_ phrase: String) {
        #expect(TimeSensitivity.phrase(in: "what is it \(phrase), please") != nil)
        #expect(TimeSensitivity.phrase(in: "What is it \(phrase.uppercased())") != nil)
    }

    @Test(arguments: lists.languageNames) func languagesAreGuessed(_ name: String) throws {
        let words = Self.lists.languages.filter { $0.value == [name] }.keys.sorted().prefix(4)
        try #require(words.count >= 2)
        #expect(try PromptTokens(words.joined(separator: " ")).language == name)
    }

    private static func kindLines() -> [(String, [String])] {
        var kinds: [(String, [String])] = []
        for line in lines(PackageResources.kinds_txt) {
            if line.hasPrefix("@") {
                kinds.append((String(line.drop { $0 != " " }.dropFirst()), []))
            } else {
                kinds[kinds.count - 1].1 += WordLists.split(line, ",")
            }
        }
        return kinds
    }
}
