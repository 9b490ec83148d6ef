@testable import Matching
import Testing

/// What answers claim, held against each other.
struct SubstanceTests {
    private func compare(_ question: String, _ first: String, _ second: String) -> SubstanceComparison.Finding {
        let (one, other, asked) = (AnswerClaims(first), AnswerClaims(second), [AnswerClaims(question)])
        let finding = SubstanceComparison.compare(one, other, questions: asked)
        #expect(SubstanceComparison.compare(other, one, questions: asked) == finding, "the order of the two changes nothing")
        return finding
    }

    private enum Kind { case same, different, silent }

    private func kind(_ finding: SubstanceComparison.Finding) -> Kind {
        switch finding {
        case .same: .same
        case .different: .different
        case .silent: .silent
        }
    }

    @Test(arguments: [
        ("How long is the warranty?", "24 months.", "The warranty lasts two years."),
        ("How much is the deposit?", "€250", "You pay 250 euros for it."),
        ("When is the post office open?", "The post office is open from 8:00 to 20:00.", "It opens at 8 am and closes at 8 pm."),
        ("Who wrote the song about the river?", "Nora Lindqvist", "The song about the river was written by Nora Lindqvist and released in 1987."),
        ("How far is it to the station?", "1.5 km", "The station is 1,500 metres away."),
        ("Where do I change my password?", "**Answer:** In the settings.", "Sure! Here is how:\n\n- You can change your password in the settings."),
        (
            "How do I undo the last commit?", "git reset --soft HEAD~1",
            "You can use a soft reset: `git reset --soft HEAD~1`. Your changes stay staged."
        ),
        ("Is it open?", "Yes.", "yes"),
    ]) func rewordingsAreTheSame(_ question: String, _ first: String, _ second: String) {
        #expect(kind(compare(question, first, second)) == .same)
    }

    @Test(arguments: [
        ("How much is the deposit?", "The deposit costs 250 euros.", "€249"),
        ("How long is the warranty?", "Two years.", "The warranty lasts 12 months."),
        ("When is the meeting?", "On 4 May at 3 pm.", "On 5 June at 4 pm."),
        ("Who wrote the song about the river?", "Nora Lindqvist", "The song about the river was written by Tom Okafor."),
        ("Where does he live?", "He lives in Porto.", "He lives in Bergen."),
    ]) func otherNumbersAndNamesAreDifferent(_ question: String, _ first: String, _ second: String) {
        #expect(kind(compare(question, first, second)) == .different)
    }

    /// One word may turn an answer round: no rule vouches for any of these.
    @Test(arguments: [
        ("Who pays for small repairs?", "The tenant pays for small repairs up to 100 euros.", "The landlord pays for small repairs up to 100 euros."),
        ("Who pays for small repairs?", "The tenant pays for small repairs up to 100 euros.", "The tenant pays for small repairs above 100 euros."),
        ("When does the shop close?", "The shop closes at 8 pm.", "The shop opens at 8 pm."),
        ("How much may an adult take?", "At most 4 grams.", "At least 4 grams."),
        ("Are dogs allowed?", "Dogs are allowed.", "Dogs are not allowed."),
        ("Are dogs allowed?", "Yes, dogs are welcome.", "Dogs are allowed only in the garden."),
        ("Which documents do I need?", "You need a passport, a photo and the form.", "You need a passport and the form."),
        ("Which documents do I need?", "Bring the form, your passport and a photo.", "Bring the form, your passport and two photos."),
        ("Who is older?", "Anna is older than Bernd.", "Bernd is older than Anna."),
        ("How do I undo it?", "git reset --soft HEAD~1", "git reset --hard HEAD~1"),
        ("How do I sort it?", "xs.sort()", "Use `xs.sort(reverse=True)`."),
        ("How far is it?", "It's one and a half kilometres.", "It's half a kilometre."),
        ("¿A qué hora cierra la tienda?", "La tienda cierra a las 20:00.", "La tienda abre a las 20:00."),
        ("किसने किसको पैसे दिए?", "राम ने श्याम को पैसे दिए।", "राम ने श्याम को पैसे नहीं दिए।"),
        ("Do kiedy muszę zapłacić?", "Do 15 maja.", "Płatność może wpłynąć najwcześniej 15 maja."),
    ]) func whatOneWordTurnsRoundIsNeverTheSame(_ question: String, _ first: String, _ second: String) {
        #expect(kind(compare(question, first, second)) != .same)
    }

    @Test func layoutIntroductionsAndClosingsSayNothing() {
        let plain = AnswerSentences.split("Open the settings. Choose security.")
        #expect(plain == ["Open the settings.", "Choose security."])
        let dressed =
            "Sure! Here is how to do it:\n\n## Steps\n1. **Open** the settings.\n2. Choose `security`.\n\nI hope this helps! Let me know if it does not."
        #expect(AnswerSentences.split(dressed) == ["Steps", "Open the settings.", "Choose security."])
        #expect(AnswerSentences.split("1.5 km. By J. M. Synge, see Dr. Low.") == ["1.5 km.", "By J. M. Synge, see Dr. Low."])
        #expect(AnswerSentences.split("I hope this helps!") == ["I hope this helps!"], "something is left of every answer")
        #expect(AnswerSentences.split(" \n ").isEmpty)
    }

    @Test func longAnswersThatTurnOneThingRoundAreOpposed() {
        let on = AnswerClaims("Enable the second factor. To enable it, open the settings. Scan the code.")
        let off = AnswerClaims("Disable the second factor. To disable it, open the settings. Enter the code.")
        #expect(SubstanceComparison.opposes(on, off) && SubstanceComparison.opposes(off, on))
        #expect(!SubstanceComparison.opposes(on, on))
        #expect(!SubstanceComparison.opposes(on, AnswerClaims("Enable it. You can disable it later, and disable it again.")))
    }

    @Test(arguments: ["", "   ", "?!", "—", "`", "1.", "\u{200B}", "和"]) func nothingIsReadOutOfHardlyAnything(_ text: String) {
        #expect(kind(compare("What is it?", text, text)) == .same)
        #expect(kind(compare("What is it?", text, "It is a large red house with three doors.")) != .same)
    }

    @Test func aLongAnswerIsReadInPart() {
        let long = String(repeating: "The quick brown fox jumps over the lazy dog. ", count: 4000)
        #expect(AnswerClaims(long).terms.count < 20 && AnswerClaims(long).byteCount == long.utf8.count)
    }
}
