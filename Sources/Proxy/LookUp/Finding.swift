import Learning
import Matching
import SemanticCache

/// What a look-up is for.
enum LookUpPurpose: Sendable {
    /// A request that wants an answer, and waits for the look-up as long as that is worth it.
    case answer
    /// A request that has gone to the model. Vectors underway are not waited for, for the request's own may be among them; who waits for it raises
    /// the urgency.
    case behind(Urgency)
    /// Somebody who wants to know. Chance decides nothing, nothing is counted, and no tier loads or drops anything.
    case explanation
}

/// An answer that a look-up found, and may be served.
struct Found: Sendable {
    let entry: Entry
    let match: Outcome.Match
    let tier: Outcome.Tier
}

/// What the look-up by key came to.
enum KeyFinding: Sendable {
    case found(Found)
    /// Nothing is kept under the key.
    case nothing
    /// Something is, and may not be served for this reason; or the request does not want what is kept.
    case unusable(MissReason)
    /// Memory does not tell; some tier must be asked and waited for.
    case unknown
}

/// A look-up by key, and what it told of the look-up by meaning that may follow.
struct KeyLookUp: Sendable {
    var finding: KeyFinding
    /// Whether the question's scope has anything to be found by meaning, by the tiers that told so.
    var hasVectors: [Outcome.Tier: Bool] = [:]

    static let nothing = KeyLookUp(finding: .nothing)
}

/// What became of the look-up of a request that had no exact hit. Whoever acts on it tells those who learn from it.
struct Finding: Sendable {
    enum Verdict: Sendable {
        case serve(Found)
        case forward(MissReason)
    }

    var verdict: Verdict
    /// The look-up by meaning; `nil` when it did not come to one.
    var meaning: MeaningFinding?
}

/// What a look-up by meaning came to.
struct MeaningFinding: Sendable {
    /// What may be served, whether it was or not: chance, a limit or the mode may have forwarded the request all the same.
    var found: Found?
    var reason = MissReason.emptyScope
    /// The query's vector, when it could be made. Kept for the insertion that follows a miss.
    var vector: UnitVector?
    /// What was decided, when it came to that.
    var decision: Decision?
    /// What was decided about, the best first.
    var candidates: [Candidate] = []
    /// Whether all of it is left to be done behind the request.
    var isPutOff = false
    /// What is known of it then: see ``KeyLookUp/hasVectors``.
    var hasVectors: [Outcome.Tier: Bool] = [:]
    /// The entry that has answered as many wordings as one may, where that is why nothing was served.
    var overworded: EntryID?
    var times = Times()

    /// How long the parts took; `nil` for what was not done, or was not waited for.
    struct Times: Sendable {
        var embedding: Duration?
        var search: Duration?
        var decision: Duration?
    }

    /// Whether an answer was found that could be served, be it served or not; `nil` when nothing was searched.
    var isFind: Bool? {
        guard vector != nil else { return nil }
        return decision.map { $0.verdict == .forward(.explored) || $0.isReplay } ?? false
    }

    /// The entries of the nearest distinct answers, the best first, at most three.
    var near: [EntryID] {
        var (answers, near): ([EntryID], [EntryID]) = ([], [])
        for candidate in candidates where near.count < 3 && !answers.contains(candidate.answer) {
            answers.append(candidate.answer)
            near.append(candidate.id)
        }
        return near
    }
}
