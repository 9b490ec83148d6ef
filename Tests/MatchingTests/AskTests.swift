@testable import Matching
import SemanticCache
import Testing

@Suite struct AskTests {
    @Test(
        arguments: [
            ("Why is the sea salty?", [.why]), ("How come the sea is salty?", [.why]), ("Can you tell me why the sea is salty?", [.why]),
            ("When does the bank open?", [.when]), ("In which year did it end?", [.when]), ("Where is the exit?", [.where]),
            ("Do you know where the exit is?", [.where]), ("Who wrote it?", [.who]), ("The book was written by whom?", [.who]),
            ("How many legs has a spider?", [.count]), ("One mile is how many yards?", [.count]), ("How much is a stamp?", [.amount]),
            ("How tall is the tower?", [.degree]), ("How do I bake bread?", [.how]), ("Does the bank open on Sunday?", [.whether]),
            ("I wonder if the bank opens on Sunday", [.whether]), ("Can I pay by card?", [.permission]), ("Translate it into French", [.translate]),
            ("Could you summarise the plot?", [.summarise]), ("Give me a summary of it", [.summarise]), ("List the planets", [.list]),
            ("Please write an ode", [.write]), ("hello there", []), ("two coffees", []),
        ] as [(String, Set<Ask.Kind>)])
    func kindsAreRead(_ prompt: String, _ kinds: Set<Ask.Kind>) throws { #expect(try PromptTokens(prompt).ask.kinds == kinds) }

    @Test(arguments: [
        ("How do tides work?", "Why do tides work?"), ("Where does he live?", "When does he live?"), ("Who painted it?", "When was it painted?"),
        ("Is Jupiter hot?", "Why is Jupiter hot?"), ("List the moons of Mars", "How many moons does Mars have?"),
        ("What is the tallest tree in Peru?", "How tall is the tallest tree in Peru?"), ("Summarise Emma", "Translate Emma"),
        ("When does the zoo open?", "Does the zoo open?"), ("Did Anna leave?", "Will Anna leave?"),
        // Bounds, shares, degrees
        ("rooms for at least 4 guests", "rooms for at most 4 guests"), ("rooms with 4 beds or more", "rooms with exactly 4 beds"),
        ("10 percent of 50", "10 percent more than 50"), ("Which is the oldest bridge?", "Which is the longest bridge?"),
        ("Which is safer, A or B?", "Which is more dangerous, A or B?"),
        ("Which is healthier, rice or pasta?", "Which is less healthy, rice or pasta?"),
        ("What is the highest hill of Rome?", "What is the second highest hill of Rome?"),
        ("What is the highest hill of Rome?", "What are the highest hills of Rome?"), ("the causes of it", "the main cause of it"),
        ("pets that are cats or dogs", "pets that are both cats and dogs"),
    ])
    func fires(_ a: String, _ b: String) throws { #expect(try AskGuard().fires(a, b), "\(a) / \(b)") }

    @Test(arguments: [
        ("How do I bake bread?", "What is the best way to bake bread?"), ("Can I pay by card?", "How can I pay by card?"),
        ("When do you open?", "What time do you open?"), ("What are your opening hours?", "When are you open?"),
        ("Who won the cup in 2010?", "Which country won the cup in 2010?"), ("What do you charge?", "How much do you charge?"),
        ("List the planets", "What are the planets?"), ("Where can I see my bill?", "How can I see my bill?"),
        ("Explain gravity", "Can you explain how gravity works?"), ("What's the reason for it?", "Why is it so?"),
        ("Is A or B cheaper?", "Which is cheaper, A or B?"), ("Which is cheaper, A or B?", "Which is less expensive, A or B?"),
        ("Which is the biggest lake?", "What is the largest lake?"), ("rooms for at least 4 guests", "rooms for 4 guests or more"),
        ("How long is the flight?", "How many hours does the flight take?"), ("Tell me about Rome", "What is Rome?"),
        ("I need help, how do I pay?", "How do I pay?"),
    ])
    func staysQuiet(_ a: String, _ b: String) throws { #expect(try AskGuard().findings(a, b) == (nil, nil), "\(a) / \(b)") }

    @Test(arguments: [
        ("Can a nurse overrule a doctor?", "Can a doctor overrule a nurse?"), ("The dog kicked the man", "The dog was kicked by the man"),
        ("Was Bach inspired by Vivaldi?", "Did Bach inspire Vivaldi?"), ("What causes high inflation?", "What does high inflation cause?"),
        ("What should I lend my brother?", "What should my brother lend me?"), ("Can a tenant sue a landlord?", "Can a landlord sue a tenant?"),
    ])
    func rolesFire(_ a: String, _ b: String) throws { #expect(try OrderGuard().fires(a, b), "\(a) / \(b)") }

    @Test(arguments: [
        ("The man was kicked by the dog", "The dog kicked the man"), ("Did Bach inspire Vivaldi?", "Was Vivaldi inspired by Bach?"),
        ("Who built the tower?", "The tower was built by whom?"), ("Give me a soup recipe", "I'd like a soup recipe"),
        ("Do cats or dogs sleep more?", "Do dogs or cats sleep more?"), ("What's covered by it?", "What does it cover?"),
    ])
    func rolesStayQuiet(_ a: String, _ b: String) throws { #expect(try OrderGuard().findings(a, b) == (nil, nil), "\(a) / \(b)") }

    @Test(arguments: [
        ("Our call is at 9 in Paris. What time is that in Tokyo?", "Our call is at 9 in Tokyo. What time is that in Paris?"),
        ("The shop is open today. Can I come in?", "The shop is not open today. Can I come in?"),
        ("I found a ring. How do I sell it?", "I found a ring. Why do I sell it?"),
    ])
    func sentencesFire(_ a: String, _ b: String) throws { #expect(try SentenceGuard().fires(a, b), "\(a) / \(b)") }

    @Test(arguments: [
        ("I lost my card. How do I block it?", "My card is lost. How can I block it?"),
        ("How do I block my card? I lost it.", "I lost my card. How do I block it?"), ("Hello! Where is it?", "Where is it?"),
    ])
    func sentencesStayQuiet(_ a: String, _ b: String) throws { #expect(try SentenceGuard().findings(a, b) == (nil, nil), "\(a) / \(b)") }

    @Test func anAcronymOfASharedNameIsNoName() throws {
        #expect(try NamesGuard().findings("Who is the CEO of Zorbex?", "Who runs Zorbex?") == (nil, nil))
        #expect(try NamesGuard().findings("Who is Zorbex's CEO?", "Who runs Zorbex?") == (nil, nil))
        #expect(try NamesGuard().fires("Where is the BBC of Zorbex?", "Where is the CNN of Zorbex?") == false)
        #expect(try NamesGuard().fires("price in the US", "price in the NL"))
    }

    @Test(arguments: [
        "How do I open a current account?", "What is alternating current?", "Is my current account free?", "buy now pay later terms",
        "What happens at the end of my lease?", "What does set_epoch do?",
    ])
    func timelessPromptsStayTimeless(_ prompt: String) { #expect(TimeSensitivity.phrase(in: prompt) == nil) }

    @Test(arguments: ["What is the current price?", "Is it raining now?", "the current account balance today"])
    func timelyPromptsStayTimely(_ prompt: String) { #expect(TimeSensitivity.phrase(in: prompt) != nil) }

    @Test(arguments: ["How long", "Why why why how", "is", "can you", "which", "the most", "at least", "who did", "by whom", "in what", "?"])
    func stubsAreRead(_ prompt: String) throws {
        let pair = try PromptPair("\(prompt) 1", "what \(prompt) 2")
        for guardian in GuardProfile.strict.guards() { _ = guardian.finding(in: pair) }
    }
}
