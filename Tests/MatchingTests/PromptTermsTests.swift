@testable import Matching
import Testing

struct PromptTermsTests {
    @Test func stemsAreNumberedAsTheyStand() throws {
        let prompt = try PromptTokens("The refund of refunds: how do refunds 2 work?")
        #expect(prompt.terms.all.map(\.stem) == ["the", "refund", "of", "how", "do", "2", "work"])
        #expect(prompt.terms.ofTokens == [0, 1, 2, 1, 3, 4, 1, 5, 6])
        #expect(prompt.terms.all.map(\.words) == [1, 3, 1, 1, 1, 0, 1])
        #expect(prompt.terms.all.map(\.contentWords) == [0, 3, 0, 0, 0, 1, 1])
    }

    @Test func eachPromptFindsItsTermsInTheOther() throws {
        let pair = PromptPair(asked: try PromptTokens("Paris or Rome"), cached: try PromptTokens("from Rome to Paris"))
        #expect(pair.asked.terms.partners(in: pair.cached.terms) == [3, nil, 1])
        #expect(pair.cached.terms.partners(from: [3, nil, 1]) == [nil, 2, nil, 0])
        #expect([0, 1, 2].map(pair.askedSide.isShared) == [true, false, true])
        #expect([0, 1, 2, 3].map(pair.cachedSide.isSurplus) == [true, false, true, false])
    }

    /// One letter, written as one scalar or as two.
    @Test func wordsThatUnicodeCallsEqualAreOneTerm() throws {
        let pair = PromptPair(asked: try PromptTokens("caf\u{E9} prices"), cached: try PromptTokens("cafe\u{301} prices"))
        #expect(pair.changedWords == 0)
    }

    /// What the lists say of a word is looked up in one table, and must be what each list says.
    @Test(arguments: ["the", "please", "not", "withouts", "from", "to", "my", "five", "monday", "france", "enable", "turned", "2", "zork"])
    func traitsAreWhatTheListsSay(_ word: String) throws {
        let lists = WordLists.shared
        let token = try #require(PromptLexer.tokens(of: word).first)
        let traits = lists.traits(of: token)
        #expect(traits.contains(.function) == lists.functionWords.contains(token.text))
        #expect(traits.contains(.courtesy) == lists.courtesy.contains(token.text))
        #expect(traits.contains(.negator) == (lists.negators.contains(token.text) || lists.negators.contains(token.stem)))
        #expect(traits.contains(.role) == lists.roles.contains(token.text))
        #expect(traits.contains(.number) == (lists.numberWords[token.text] != nil))
        #expect(traits.contains(.calendar) == (lists.calendar[token.text] != nil))
        #expect(traits.contains(.language) == (lists.languages[token.text] != nil))
        #expect(traits.contains(.opposite) == (lists.oppositesByStem[token.stem] != nil))
        #expect(traits.contains(.oppositePhrase) == (lists.oppositePhrasesByOpening[token.stem] != nil))
    }

    @Test func asciiIsClassedAsUnicodeHasIt() {
        for scalar in (UInt8(0)...0x7F).map({ Unicode.Scalar($0) }) {
            #expect(scalar.isSpace == scalar.properties.isWhitespace)
            #expect(scalar.isCapital == scalar.properties.isUppercase)
            #expect(scalar.isSmall == scalar.properties.isLowercase)
        }
    }
}
