@testable import Matching
import SemanticCache
import Testing

@Suite struct HardGuardTests {
    @Test(arguments: Wordings.numbers.traps) func numbersFire(_ a: String, _ b: String) throws { #expect(try NumbersGuard().fires(a, b)) }
    @Test(arguments: Wordings.numbers.rewordings) func numbersStayQuiet(_ a: String, _ b: String) throws {
        #expect(try NumbersGuard().findings(a, b) == (nil, nil))
    }

    @Test(arguments: Wordings.signs.traps) func signsFire(_ a: String, _ b: String) throws { #expect(try SignsGuard().fires(a, b)) }
    @Test(arguments: Wordings.signs.rewordings) func signsStayQuiet(_ a: String, _ b: String) throws {
        #expect(try SignsGuard().findings(a, b) == (nil, nil))
    }

    /// An embedder without ideographs and emoji, which sees no capitals.
    private static let unreadWords = ResidueGuard { text in
        var words: [ReadWord] = []
        var word = ""
        func end() {
            if !word.isEmpty { words.append(ReadWord(seen: word.lowercased(), written: word, gap: words.isEmpty ? "" : " ")) }
            word = ""
        }
        for scalar in text.unicodeScalars {
            if Script.of(scalar) == .han || scalar.properties.isEmojiPresentation {
                end()
                words.append(ReadWord(seen: nil, written: String(scalar), gap: ""))
            } else if scalar == " " {
                end()
            } else if scalar == "?" {
                end()
                words.append(ReadWord(seen: "?", written: "?", gap: ""))
            } else {
                word.unicodeScalars.append(scalar)
            }
        }
        end()
        return words
    }

    @Test(arguments: [
        ("如何重置密码", "如何更改地址"), ("what is 猫 in english", "what is 犬 in english"), ("what is 猫 in english", "what is cat in english"),
        ("explain 🥑", "explain 🍆"), ("下上", "上下"),
    ])
    func unreadWordsFire(_ a: String, _ b: String) throws { #expect(try Self.unreadWords.fires(a, b)) }

    @Test(arguments: [("如何重置密码?", "如何重置密码"), ("thank you 🙏 where is my order", "where is my order"), ("hi", "hello")])
    func unreadWordsStayQuiet(_ a: String, _ b: String) throws { #expect(try Self.unreadWords.findings(a, b) == (nil, nil)) }

    @Test(arguments: Wordings.polarity.traps) func polarityFires(_ a: String, _ b: String) throws { #expect(try PolarityGuard().fires(a, b)) }
    @Test(arguments: Wordings.polarity.rewordings) func polarityStaysQuiet(_ a: String, _ b: String) throws {
        #expect(try PolarityGuard().findings(a, b) == (nil, nil))
    }

    @Test(arguments: Wordings.code.traps) func codeFires(_ a: String, _ b: String) throws { #expect(try CodeGuard().fires(a, b)) }
    @Test(arguments: Wordings.code.rewordings) func codeStaysQuiet(_ a: String, _ b: String) throws {
        #expect(try CodeGuard().findings(a, b) == (nil, nil))
    }

    @Test(arguments: Wordings.language.traps) func languageFires(_ a: String, _ b: String) throws { #expect(try LanguageGuard().fires(a, b)) }
    @Test(arguments: Wordings.language.rewordings) func languageStaysQuiet(_ a: String, _ b: String) throws {
        #expect(try LanguageGuard().findings(a, b) == (nil, nil))
    }

    @Test(arguments: Wordings.names.traps) func namesFire(_ a: String, _ b: String) throws { #expect(try NamesGuard().fires(a, b)) }
    @Test(arguments: Wordings.names.rewordings) func namesStayQuiet(_ a: String, _ b: String) throws {
        #expect(try NamesGuard().findings(a, b) == (nil, nil))
    }

    @Test(arguments: Wordings.kinds.traps) func kindsFire(_ a: String, _ b: String) throws { #expect(try KindsGuard().fires(a, b)) }
    @Test(arguments: Wordings.kinds.rewordings) func kindsStayQuiet(_ a: String, _ b: String) throws {
        #expect(try KindsGuard().findings(a, b) == (nil, nil))
    }

    @Test(arguments: Wordings.order.traps) func orderFires(_ a: String, _ b: String) throws { #expect(try OrderGuard().fires(a, b)) }
    @Test(arguments: Wordings.order.rewordings) func orderStaysQuiet(_ a: String, _ b: String) throws {
        #expect(try OrderGuard().findings(a, b) == (nil, nil))
    }

    @Test(arguments: Wordings.replacedWord.traps) func replacedWordFires(_ a: String, _ b: String) throws {
        #expect(try ReplacedWordGuard().fires(a, b))
    }
    @Test(arguments: Wordings.replacedWord.rewordings) func replacedWordStaysQuiet(_ a: String, _ b: String) throws {
        #expect(try ReplacedWordGuard().findings(a, b) == (nil, nil))
    }

    @Test func findingsSayWhatWasSeen() throws {
        #expect(try NumbersGuard().findings("Where is order 48213?", "Where is order 48231?").0 == "numbers differ: 48213 / 48231")
        #expect(try NumbersGuard().findings("2 and 2 and 3", "2 and 3 and 3").0 == "numbers are arranged differently: 2, 2, 3 / 2, 3, 3")
        #expect(try SignsGuard().findings("2×3", "2÷3").0 == "signs differ: × / ÷")
        #expect(try Self.unreadWords.findings("猫", "犬").0 == "words that the embedder cannot read differ: 猫 / 犬")
        #expect(try PolarityGuard().findings("enable it", "disable it").0 == "opposites: enable / disable")
        #expect(try PolarityGuard().findings("is it not included", "is it included").0 == "negation differs: not / -")
        #expect(try NamesGuard().findings("Is the Zorblat new?", "Is the Quimby new?").0 == "names differ: zorblat / quimby")
        #expect(try KindsGuard().findings("capital of Iran", "capital of Iraq").0 == "country differs: iran / iraq")
        #expect(try LanguageGuard().findings("hello you", "как дела").0 == "scripts differ: latin / cyrillic")
    }

    @Test(arguments: Wordings.allPrompts) func noGuardFiresForAPromptBesideItself(_ prompt: String) throws {
        for guardian in GuardProfile.strict.guards() { #expect(try guardian.findings(prompt, prompt) == (nil, nil)) }
    }

    @Test(arguments: Wordings.allPrompts) func courtesyChangesNothing(_ prompt: String) throws {
        for guardian in GuardProfile.strict.guards() where !(guardian is LanguageGuard) {
            #expect(try guardian.findings(prompt, prompt + " thanks!") == (nil, nil))
        }
    }

    @Test func everyGuardIsSymmetric() throws {
        for (a, _) in Wordings.allPairs.enumerated() {
            let pair = Wordings.allPairs[a]
            let other = Wordings.allPairs[(a * 7 + 3) % Wordings.allPairs.count]
            for guardian in GuardProfile.strict.guards() {
                _ = try guardian.fires(pair.0, pair.1)
                _ = try guardian.fires(pair.0, other.1)
            }
        }
    }
}
