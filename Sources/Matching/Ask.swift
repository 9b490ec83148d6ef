/// What a prompt asks for: a reason, a place, a number, a list, a translation; read from its question words and its first verbs.
///
/// Only what is sure is read. A prompt of which nothing is sure asks for nothing in particular, and agrees with every other.
package struct Ask: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case why, when, `where`, who
        /// Yes or no.
        case whether
        /// "Can I", "may we": yes or no, and as often a polite way of asking how.
        case permission
        /// How many.
        case count
        /// How much.
        case amount
        /// How long, in time or space.
        case long
        /// How large, how wide, how often.
        case degree
        case how
        case what
        /// A choice: what, and sure not to be an amount.
        case which
        case list, translate, summarise, write, explain, compare, define, rewrite
    }

    /// The kinds that the prompt may be of; empty where nothing is sure. "What place" is a what and a where.
    package let kinds: Set<Kind>

    /// Reads the last sentence of a prompt that asks anything.
    init(_ tokens: [Token]) {
        var found: Set<Kind> = []
        for sentence in Self.sentences(tokens) {
            let kinds = Self.kinds(of: tokens[sentence])
            if !kinds.isEmpty { found = kinds }
        }
        kinds = found
    }

    /// Whether two prompts certainly ask for different things.
    ///
    /// - Parameter changed: how many words of content changed: where hardly one did, the question word is what they differ in.
    func differs(from other: Ask, changed: Int) -> Bool {
        guard !kinds.isEmpty, !other.kinds.isEmpty, kinds.isDisjoint(with: other.kinds) else { return false }
        return kinds.allSatisfy { first in other.kinds.allSatisfy { Self.reach(first, $0) >= changed } }
    }

    /// Up to how many changed words two kinds are sure to be two questions.
    private static func reach(_ a: Kind, _ b: Kind) -> Int {
        let pair: Set<Kind> = [a, b]
        if pair.contains(.translate) || pair.contains(.summarise) { return pair.contains(.rewrite) ? 1 : .max }
        if pair.contains(.permission) {
            if pair.contains(.whether) { return -1 }
            return pair.contains(.why) || pair.contains(.when) ? 4 : pair.contains(.how) ? -1 : 1
        }
        // "What" asks for anything: "what are your hours" for when, "what do you charge" for how much.
        if pair.contains(.what) {
            if pair.contains(.why) { return 2 }
            return pair.isDisjoint(with: [.whether]) ? pair.isDisjoint(with: [.count, .degree, .long]) ? -1 : 1 : 0
        }
        if pair.contains(.which) {
            return pair.isDisjoint(with: [.count, .amount, .degree, .long, .why, .whether]) ? -1 : pair.contains(.whether) ? 0 : 2
        }
        if pair == [.explain, .how] || pair == [.explain, .why] || pair == [.define, .how] || pair == [.compare, .how] { return -1 }
        for task in [Kind.list, .write, .explain, .compare, .define, .rewrite] where pair.contains(task) {
            if pair.contains(.count) || pair.contains(.amount) { return task == .list ? .max : 2 }
            return pair.isDisjoint(with: [.why, .when, .where, .who]) ? 1 : task == .list ? 1 : 3
        }
        switch pair {
        case [.when, .long], [.degree, .long], [.amount, .count], [.amount, .long], [.amount, .degree]: return 1
        case [.whether, .how], [.whether, .amount], [.whether, .count], [.whether, .where], [.whether, .who], [.whether, .when], [.where, .how]:
            return 3
        case [.how, .why]: return 4
        default: return .max
        }
    }

    // MARK: Reading

    private static func sentences(_ tokens: [Token]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        for index in tokens.indices where index > start && tokens[index].startsSentence {
            ranges.append(start..<index)
            start = index
        }
        if start < tokens.count { ranges.append(start..<tokens.count) }
        return ranges
    }

    private static func kinds(of sentence: ArraySlice<Token>) -> Set<Kind> {
        let words = sentence.drop { $0.traits.contains(.courtesy) && !["question"].contains($0.text) }.prefix(64).map(\.text)
        guard let first = words.first else { return [] }
        // "Could you tell me when", "I'd like to know why", "in which year": nothing but little words before the question word.
        var index = 0
        while index < words.count, index < 12, preface.contains(words[index]), !isQuestionWord(words[index]) { index += 1 }
        if index < words.count, isQuestionWord(words[index]), index == 0 || words[index] != "that" {
            let kinds = question(Array(words[index...]), before: index > 0 ? words[index - 1] : nil)
            return words.prefix(index).contains("explain") || words.prefix(index).contains("describe") ? kinds.union([.explain]) : kinds
        }
        if words.prefix(index).contains(where: { $0 == "if" || $0 == "whether" }), words.prefix(index).contains(where: asking.contains) {
            return [.whether]
        }
        // "The telephone was invented by whom?"
        if let last = words.last, ["why", "when", "where", "whom", "how"].contains(last), words.count > 3 {
            return question([last], before: nil)
        }
        let request = words.count > 2 && polite.contains(first) && words[1] == "you"
        if !request, auxiliaries.contains(first), words.count > 2 {
            if ["can", "could", "may", "am", "might"].contains(first), ["i", "we", "you", "my", "one", "people", "they"].contains(words[1]) {
                return [.permission]
            }
            if first == "is", words[1] == "it", words[2] == "possible" { return [.permission] }
            if first == "is", words[1] == "there" { return [.permission, .whether] }
            if ["have", "do", "did", "was", "may", "need", "is", "are"].contains(first), words.count < 3 { return [] }
            // "Is it A or B": a choice.
            return words.contains("or") ? [.whether, .what] : [.whether]
        }
        // The verb of a request is its first word that is no courtesy.
        let verb = words.dropFirst(request ? 2 : 0).prefix(4).first { !["me", "to", "a", "the", "you", "i", "for", "us"].contains($0) }
        if let verb, let task = tasks[verb] { return nouns(words, or: task) }
        // "One ounce is how many grams", "If the cat chases the mouse, which of them runs away?"
        if let place = words.indices.dropLast().first(where: { words[$0] == "how" && (words[$0 + 1] == "many" || words[$0 + 1] == "much") }) {
            return question(Array(words[place...]), before: nil)
        }
        return nouns(words, or: nil)
    }

    /// "A summary of Hamlet please": the noun of a task.
    private static func nouns(_ words: [String], or task: Kind?) -> Set<Kind> {
        if words.prefix(6).contains(where: { $0 == "summary" || $0 == "tldr" }) { return [.summarise] }
        if words.prefix(6).contains("translation") { return [.translate] }
        if let number = words.prefix(6).firstIndex(of: "number"), number + 1 < words.count, words[number + 1] == "of" { return [.count, .list] }
        return task.map { [$0] } ?? []
    }

    /// The kind of a question that begins with its question word.
    private static func question(_ words: [String], before: String?) -> Set<Kind> {
        let next = words.count > 1 ? words[1] : ""
        switch words[0] {
        case "why": return [.why]
        case "when": return before == "until" || before == "since" ? [.when, .long] : [.when]
        case "where": return asksForWay(words) ? [.where, .how] : [.where]
        case "who", "whom", "whose": return [.who]
        case "how":
            switch next {
            case "many": return words.count > 2 && timeUnits.contains(words[2]) ? [.count, .long] : [.count]
            case "much": return words.count > 2 && words[2] == "time" ? [.long, .amount] : [.amount]
            case "long": return [.long]
            case "come": return [.why]
            case "soon": return [.when, .long]
            case "about", "is", "are", "was", "were": return next == "is" || next == "are" ? [.how, .what] : []
            case "often", "old", "far", "early", "late": return [.degree, .count, .when]
            default: return degrees.contains(next) ? [.degree] : [.how]
            }
        case "which": return thing(Array(words.dropFirst()), or: .which)
        default: return thing(Array(words.dropFirst()), or: .what)
        }
    }

    /// "Where can I", "where do I": a place where something is done, and as often how.
    private static func asksForWay(_ words: [String]) -> Bool {
        words.count > 2 && ["can", "could", "do", "should", "would", "to"].contains(words[1])
            && (words[1] == "to" || ["i", "we", "you", "one"].contains(words[2]))
    }

    /// What is asked for after "what" or "which".
    private static func thing(_ words: [String], or kind: Kind) -> Set<Kind> {
        guard let next = words.first else { return [kind] }
        if let kinds = heads[next] {
            // "What places did": the noun stands alone.
            let isSure = words.count > 1 && auxiliaries.contains(words[1]) && kinds.isDisjoint(with: [.degree, .amount, .count, .long])
            return isSure ? kinds : kinds.union([kind, .what])
        }
        if next == "makes" || next == "made" { return [.why] }
        if next == "causes" { return [.why, .what] }
        if ["should", "do", "can", "must", "could"].contains(next), words.contains("do") || words.contains("happen") {
            return [.how, .what, .permission]
        }
        if next == "happens" || next == "if" { return [.how, .what, .whether, .permission] }
        // "What is the best way to", "what is the reason": the noun before "of", "to", "for" or "that".
        let beginning = words.prefix(8).prefix { !["of", "to", "for", "that", "in", "on", "i"].contains($0) }
        for word in beginning.reversed() { if let kinds = heads[word] { return kinds.union([kind, .what]) } }
        return [kind]
    }

    private static func isQuestionWord(_ word: String) -> Bool {
        switch word {
        case "why", "when", "where", "who", "whom", "whose", "how", "what", "which", "whats", "hows", "wheres", "whens", "whos": true
        default: false
        }
    }

    private static let auxiliaries: Set<String> = [
        "is", "are", "was", "were", "am", "do", "does", "did", "can", "could", "will", "would", "shall", "should", "may", "might", "must", "has",
        "have", "had",
    ]
    private static let polite: Set<String> = ["can", "could", "would", "will", "do"]
    private static let asking: Set<String> = ["know", "wonder", "tell", "sure", "ask", "say", "check", "see"]
    private static let timeUnits: Set<String> = ["seconds", "minutes", "hours", "days", "weeks", "months", "years"]

    /// Little words that may stand before a question word without changing what it asks.
    private static let preface: Set<String> = [
        "can", "could", "would", "will", "you", "please", "tell", "show", "explain", "me", "us", "to", "i", "we", "want", "need", "like", "know",
        "wonder", "wondering", "if", "do", "does", "anyone", "someone", "somebody", "any", "idea", "let", "say", "am", "curious", "about", "exactly",
        "just", "so", "and", "but", "now", "ok", "also", "hi", "in", "at", "from", "by", "for", "on", "of", "with", "since", "until", "till", "under",
        "during", "within", "whether", "describe", "remind", "not", "understand", "sure", "question", "quick", "have", "a", "the", "is", "it", "my",
        "confused", "find", "out", "look", "up", "see", "ask", "pls", "be", "there", "good", "great", "trying",
    ]

    private static let tasks: [String: Kind] = [
        "translate": .translate, "summarise": .summarise, "summarize": .summarise, "sum": .summarise, "tldr": .summarise, "condense": .summarise,
        "list": .list, "name": .list, "enumerate": .list, "write": .write, "compose": .write, "draft": .write, "implement": .write, "code": .write,
        "explain": .explain, "describe": .explain, "clarify": .explain, "compare": .compare, "contrast": .compare, "define": .define,
        "rewrite": .rewrite, "rephrase": .rewrite, "paraphrase": .rewrite, "shorten": .rewrite, "proofread": .rewrite, "correct": .rewrite,
        "count": .count,
    ]

    /// Nouns that say what kind of thing is asked for.
    private static let heads: [String: Set<Kind>] = {
        var heads: [String: Set<Kind>] = [:]
        func add(_ kinds: Set<Kind>, _ words: String) { for word in words.split(separator: " ") { heads[String(word)] = kinds } }
        add([.when], "year date day month season hour century decade deadline")
        add([.when, .long], "time moment")
        add([.where], "place places city cities country countries region regions location locations town street address")
        add([.who], "person people man woman")
        add([.why], "reason reasons cause causes purpose")
        add([.how], "way ways manner method methods procedure process steps step approach trick technique command easiest simplest sql code formula")
        add([.count], "number count total population")
        add([.amount], "price cost costs fee fees charge charges amount rate percentage percent share capital salary")
        add([.long, .when], "duration period length")
        add([.degree], "height size width depth weight age distance frequency limit maximum minimum temperature speed")
        add([.compare, .how], "difference differences distinction")
        add([.define, .explain], "meaning definition")
        return heads
    }()

    private static let degrees: Set<String> = [
        "tall", "high", "wide", "large", "big", "deep", "heavy", "cold", "hot", "warm", "fast", "quickly", "small", "thick", "strong", "expensive",
        "cheap", "safe", "hard", "difficult", "loud", "bright", "dense", "rich", "dangerous", "common", "accurate", "reliable", "healthy", "good",
        "bad", "likely", "close", "near", "low", "big", "important", "popular", "frequently", "well", "busy", "clean", "spicy", "sweet", "salty",
    ]
}
