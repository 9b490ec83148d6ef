@testable import Matching
import Testing

@Suite struct TextClassTests {
    @Test(arguments: [
        "How do I reset my password?", "reset password", "iphone 15 price", "Where's my parcel", "What does Schadenfreude mean?",
        "Is Curaçao a country?",
        "tell me a joke", "how to boil eggs", "Do you ship to Łódź?", "best pizza near me", "I want to cancel my order please", "who won the game",
        "What is the capital of Côte d'Ivoire?", "track my package", "Why is the sky blue?", "open a savings account",
    ])
    func englishIsKnown(_ prompt: String) throws { #expect(try PromptTokens(prompt).textClass.language == .english, "\(prompt)") }

    @Test(arguments: [
        "Wie kann ich mein Passwort zurücksetzen?", "Wo ist mein Paket", "Come posso cambiare la password in Java?", "Dov'è il mio pacco?",
        "Comment changer mon mot de passe ?", "Où est l'hôtel", "como cambio mi clave", "¿Dónde está la estación?", "Como faço para pagar a conta?",
        "Hoe kan ik mijn wachtwoord wijzigen?", "Wat is de hoofdstad van Peru?", "Hur byter jag lösenord?", "Hvordan skifter jeg adgangskode?",
        "Kuinka vaihdan salasanan?", "Jak zmienić hasło?", "Jak si změním heslo?", "Cum îmi schimb parola?", "Hogyan tudok jelszót cserélni?",
        "Şifremi nasıl değiştiririm?", "sifremi nasil degistiririm", "Làm sao để đổi mật khẩu?", "Bagaimana cara mengganti kata sandi?",
        "Paano ko papalitan ang password ko?", "Ninawezaje kubadilisha nenosiri?", "Kaip pakeisti slaptažodį?", "Kā nomainīt paroli?",
        "Kuidas ma saan parooli vahetada?", "Kako da promenim lozinku?", "Com puc canviar la contrasenya?", "Sut mae newid fy nghyfrinair?",
        "Hvernig breyti ég lykilorðinu?", "Si ta ndryshoj fjalëkalimin?", "Nola aldatu dezaket pasahitza?",
    ])
    func otherLatinLanguagesAreNot(_ prompt: String) throws { #expect(try PromptTokens(prompt).textClass.language == .otherLatin, "\(prompt)") }

    @Test(arguments: [
        ("как сменить пароль", Script.cyrillic), ("パスワードを変えたい", .kana), ("怎么重置密码", .han), ("비밀번호를 바꾸고 싶어요", .hangul),
        ("كيف أغير كلمة المرور", .arabic), ("πώς αλλάζω κωδικό", .greek), ("איך משנים סיסמה", .hebrew), ("पासवर्ड कैसे बदलें", .devanagari),
        ("เปลี่ยนรหัสผ่านอย่างไร", .thai),
    ])
    func otherScriptsAreTheirOwn(_ prompt: String, _ script: Script) throws {
        #expect(try PromptTokens(prompt).textClass.language == .script(script))
    }

    @Test func shapeAndLengthAreRead() throws {
        #expect(try PromptTokens("Hi there. How do I pay?").textClass.shape == .sentences)
        #expect(try PromptTokens("Hello! How do I pay? Thanks").textClass.shape == .ask)
        #expect(try PromptTokens("Fix it:\n```\nlet a = 1\n```").textClass.shape == .code)
        #expect(try PromptTokens(String(repeating: "how do I pay and ", count: 20)).textClass.length == .long)
    }

    @Test func theFittedClassesAreShortEnglish() throws {
        #expect(TextClass.fitted.contains(try PromptTokens("How do I pay?").textClass))
        #expect(!TextClass.fitted.contains(try PromptTokens("Wie kann ich das bezahlen?").textClass))
    }

    @Test(arguments: ["How do I pay?", "wie geht das denn", "как дела", "a `b` c\n```\nd\n```"])
    func theNameReadsBack(_ prompt: String) throws {
        let textClass = try PromptTokens(prompt).textClass
        #expect(TextClass(textClass.description) == textClass)
        #expect(TextClass("english short") == nil && TextClass("klingon short ask") == nil && TextClass("english tiny ask") == nil)
    }

    /// English evidence never opens another language, and what a population without a prior learned is its own.
    @Test func inheritedEvidenceSpeaksForItsClassesAlone() throws {
        let english = Population(prior: Prior.shipped.first)
        #expect(english.speaks(for: try PromptTokens("How do I pay?").textClass))
        #expect(!english.speaks(for: try PromptTokens("как оплатить").textClass))
        #expect(Population(prior: nil).speaks(for: try PromptTokens("как оплатить").textClass))
    }
}
