/// Holds two answers to one question against each other by what they claim.
///
/// Three things may come of it. **Same**: all that the shorter one says beyond the question's own words, the longer one says too, in a sentence that
/// neither restricts it nor lists it among others; or both give the same names. **Different**: both give numbers, or names, and share none. Else
/// **silent**: one word may turn an answer round, and where both sides say something that the other does not, nobody can tell a reworded answer from another
/// one by its words. A detail that only one side has is no difference; neither are order of sentences, headings and lists.
///
/// Whatever is not plainly English is silent but for equal texts and numbers: the lists of little words are English.
package enum SubstanceComparison {
    package enum Finding: Sendable, Equatable {
        case same(String)
        case different(String)
        case silent(String)
    }

    /// - Parameters:
    ///   - questions: the wordings that were asked; what they say is not news in an answer.
    /// - Complexity: O(n) in the lengths of the answers, for short questions.
    package static func compare(_ first: AnswerClaims, _ second: AnswerClaims, questions: [AnswerClaims]) -> Finding {
        if first.normalised == second.normalised { return .same("equal") }
        guard !first.isEmpty, !second.isEmpty else { return .different("empty") }
        if first.hasCode || second.hasCode { return code(first, second) }
        let asked = Question(questions)
        var one = Side(first, asked)
        var other = Side(second, asked)
        let isShort = first.isShort && second.isShort
        if isShort, one.mayDiffer, other.mayDiffer, !one.facts.contains(where: { other.states($0) }) { return .different("numbers") }
        guard first.isEnglish, second.isEnglish, asked.isEnglish else { return .silent("language") }
        if one.weight > other.weight { swap(&one, &other) }
        guard !one.isBlank, !other.isBlank else { return .silent("nothing new") }
        let missing = one.terms.filter { !other.answer.counts.keys.contains($0) }
        let missingFacts = one.facts.filter { !other.states($0) }
        if missing.isEmpty, missingFacts.isEmpty { return contained(one, other, asked) }
        if missingFacts.isEmpty, let finding = named(one, other) { return finding }
        if isShort, missingFacts.isEmpty, let finding = told(one, other, asked) { return finding }
        if isShort, !one.names.isEmpty, !other.names.isEmpty, one.shared(other).isEmpty { return .different("names") }
        return .silent("words")
    }

    /// Whether two long answers turn the same thing round: one says "enable" again and again and never "disable", the other the reverse.
    package static func opposes(_ first: AnswerClaims, _ second: AnswerClaims) -> Bool {
        let lists = WordLists.shared
        for (word, count) in first.counts where count >= 2 && second.counts[word] == nil {
            for opposite in lists.oppositesByStem[word] ?? [] where second.counts[opposite, default: 0] >= 2 && first.counts[opposite] == nil {
                return true
            }
        }
        return false
    }

    /// Whether two answers of several words each have not one in common.
    static func sharesNothing(_ first: AnswerClaims, _ second: AnswerClaims) -> Bool {
        first.terms.count >= 2 && second.terms.count >= 2 && first.isEnglish && second.isEnglish
            && first.terms.allSatisfy { second.counts[$0] == nil }
            && !first.facts.contains { fact in second.facts.contains { $0.matches(fact) } }
    }

    /// Code is the same word for word or not at all; text around it may say more.
    private static func code(_ first: AnswerClaims, _ second: AnswerClaims) -> Finding {
        if first.plain == second.plain { return .same("code") }
        let isFirstLonger = first.plain.utf8.count > second.plain.utf8.count
        let (longer, shorter) = isFirstLonger ? (first.plain, second.plain) : (second.plain, first.plain)
        return CodeText.isCode(shorter) && CodeText.holds(longer, shorter) ? .same("code") : .silent("code")
    }

    /// All that the shorter answer says is in the longer one.
    private static func contained(_ one: Side, _ other: Side, _ asked: Question) -> Finding {
        let claim = other.claim(of: one)
        let own = one.claim(of: other)
        let restricting = claim.qualifiers.subtracting(asked.qualifiers).symmetricDifference(own.qualifiers.subtracting(asked.qualifiers))
        let isBare = one.isBare(asked)
        if !restricting.isSubset(of: isBare ? one.facts.isEmpty ? harmlessBesideAName : ["first"] : []) { return .silent("restricted") }
        let left = one.answer.terms.filter { other.answer.counts[$0] == nil }
        let added = claim.terms.filter { one.answer.counts[$0] == nil }
        let isReplaced = !left.isEmpty && !added.isEmpty && min(left.count, Set(added).count) <= 2
        if isReplaced, !Set(left).isSubset(of: JudgingWords.light.union(asked.terms)) || !Set(added).isSubset(of: JudgingWords.light) {
            return .silent("both say more")
        }
        let order = one.terms
        guard other.terms.filter({ order.contains($0) }) == order else { return .silent("order") }
        if isEnumerated(one, claim, asked, isBare: isBare) { return .silent("listed") }
        let more = claim.facts.filter { !asked.states($0) && !one.states($0) && !$0.isWeak }
        if !more.isEmpty, !isBare || one.terms.isEmpty { return .silent("more numbers") }
        if PolarityGuard().finding(in: PromptPair(asked: own.tokens, cached: claim.tokens)) != nil { return .silent("opposites") }
        return .same("contained")
    }

    /// The same names, no number that differs, and half of all words.
    private static func named(_ one: Side, _ other: Side) -> Finding? {
        guard !one.names.isEmpty, one.names.allSatisfy({ other.answer.counts[$0] != nil }) else { return nil }
        guard one.shared(other).count * 2 >= one.terms.count else { return nil }
        let (own, claim) = (one.claim(of: other), other.claim(of: one))
        guard own.tokens.negators.isEmpty, claim.tokens.negators.isEmpty else { return nil }
        guard other.facts.isEmpty || one.facts.isEmpty || other.facts.allSatisfy({ one.states($0) }) else { return nil }
        guard PolarityGuard().finding(in: PromptPair(asked: own.tokens, cached: claim.tokens)) == nil else { return nil }
        return .same("names")
    }

    /// The same numbers, told with such words as numbers are told with.
    private static func told(_ one: Side, _ other: Side, _ asked: Question) -> Finding? {
        guard !one.facts.isEmpty, one.facts.count == other.facts.count, other.facts.allSatisfy({ one.states($0) }) else { return nil }
        let words = Set(one.terms).symmetricDifference(other.terms)
        guard words.isSubset(of: JudgingWords.light) else { return nil }
        let (own, claim) = (one.claim(of: other), other.claim(of: one))
        guard own.qualifiers.subtracting(["am", "pm"]) == claim.qualifiers.subtracting(["am", "pm"]) else { return nil }
        return .same("told")
    }

    /// Whether the longer answer lists what the shorter one gives beside something else.
    private static func isEnumerated(_ one: Side, _ claim: Claim, _ asked: Question, isBare: Bool) -> Bool {
        let said = Set(one.answer.terms)
        return claim.joined.contains { first, second in
            guard said.contains(first) != said.contains(second) else { return false }
            let added = said.contains(first) ? second : first
            let kept = said.contains(first) ? first : second
            guard one.terms.contains(kept), !asked.terms.contains(added), claim.terms.contains(added) else { return false }
            return claim.names.contains(added) || !isBare || one.terms.count > 2
        }
    }

    /// What may stand beside a bare name without changing it.
    private static let harmlessBesideAName: Set<String> = [
        "first", "last", "second", "both", "every", "each", "all", "some", "any", "over", "after", "before", "within", "under", "above", "below",
        "up",
        "most", "more", "once", "same", "down", "part",
    ]
}

/// What was asked, in however many wordings.
private struct Question {
    let terms: Set<String>
    let facts: [NumberFact]
    let qualifiers: Set<String>
    let isEnglish: Bool

    init(_ questions: [AnswerClaims]) {
        terms = Set(questions.flatMap(\.terms))
        facts = questions.flatMap(\.facts)
        qualifiers = questions.reduce(into: []) { all, question in for claim in question.claims { all.formUnion(claim.qualifiers) } }
        isEnglish = questions.allSatisfy { question in
            question.claims.allSatisfy { claim in
                let words = claim.tokens.tokens.filter(\.isWord)
                let little = words.count { WordLists.shared.languages[$0.text]?.contains("en") ?? false }
                let foreign = words.contains { !$0.isCapitalised && !$0.text.utf8.allSatisfy { $0 < 0x80 } }
                return claim.mayBeEnglish && !foreign && little * 10 >= words.count && little > 0
            }
        }
    }

    func states(_ fact: NumberFact) -> Bool { facts.contains { $0.matches(fact) } }
}

/// One of the two answers, seen beside its question.
private struct Side {
    let answer: AnswerClaims
    /// What it says beyond the question's words, each stem once.
    let terms: [String]
    let facts: [NumberFact]
    let names: Set<String>

    init(_ answer: AnswerClaims, _ asked: Question) {
        self.answer = answer
        terms = answer.terms.filter { !asked.terms.contains($0) }
        facts = answer.facts.filter { !asked.states($0) }
        var names = answer.claims.reduce(into: Set<String>()) { all, claim in all.formUnion(claim.names) }.subtracting(asked.terms).intersection(
            terms)
        // A capital at the start says nothing, but for an answer that is nothing else.
        if terms.count <= 4, answer.terms.count == terms.count, answer.claims.count == 1, let first = answer.claims[0].tokens.tokens.first,
            first.isCapitalised, terms.contains(first.stem)
        {
            names.insert(first.stem)
        }
        self.names = names
    }

    var weight: Int { terms.count + facts.count }
    var isBlank: Bool { terms.isEmpty && facts.isEmpty }

    func states(_ fact: NumberFact) -> Bool { answer.facts.contains { $0.matches(fact) } }

    func shared(_ other: Side) -> [String] { terms.filter { other.answer.counts[$0] != nil } }

    /// Whether its numbers can be told from others'.
    var mayDiffer: Bool {
        !facts.isEmpty && answer.claims.allSatisfy { !$0.hasFraction && ($0.mayBeEnglish || $0.tokens.dominantScript == .latin) }
    }

    /// A few words, none of the question's, and no list: "Joanna Moskawa".
    func isBare(_ asked: Question) -> Bool {
        answer.terms.count <= 5 && asked.terms.isDisjoint(with: answer.terms) && answer.claims.allSatisfy(\.joined.isEmpty)
    }

    /// The sentence that says most of what the other side says.
    func claim(of other: Side) -> Claim {
        answer.claims.max { score($0, other) < score($1, other) } ?? answer.claims[0]
    }

    private func score(_ claim: Claim, _ other: Side) -> Int {
        Set(claim.terms).intersection(other.terms).count + claim.facts.count { other.states($0) }
    }
}
