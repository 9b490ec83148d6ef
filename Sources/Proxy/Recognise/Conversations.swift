import Cache
import Matching
import SemanticCache
import WireFormats

/// Reads histories as chains of entries, and remembers what was served as what.
///
/// When a turn of a history was answered from the cache in other words, with exactly the text that follows it there, its wording and the entry's were one
/// question: for the scope it counts as worded like the entry. So two histories are one where each of their turns was served by the same entries. A turn
/// that the model itself answered stands as it is, and so does one whose answer the client changed; nothing else about the scope changes.
struct Conversations: Sendable {
    let cache: AnswerCache
    let clock: any WallClock

    private var turns: ServedTurns { cache.turns }

    /// The history of a request as it counts.
    ///
    /// - Complexity: one hash over the body; nothing where no turn was served yet.
    func read(_ content: CacheableRequest, splitting: AskSplit, tenant: TenantID, namespace: String, pathAndQuery: String) -> ReadHistory {
        guard !turns.isEmpty else { return .asItStands }
        var served: [TurnMark: ServedTurns.Served] = [:]
        let earlier = content.earlierTurns(tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery) { mark in
            served[mark] = turns.find(mark)
            return served[mark] != nil
        }
        guard !earlier.isEmpty else { return .asItStands }
        let now = clock.now()
        var history = ReadHistory()
        for turn in earlier {
            // What was found in a history that no longer counts as it did then, does not count either.
            guard let found = served[turn.mark], found.answer == turn.answer, found.parent == history.last?.low,
                let entry = cache.metadata(found.entry), !entry.isExpired(at: now), entry.scope != nil
            else { continue }
            let text = Self.reword(turn.text, as: entry.query, splitting)
            history.replaced.append(ReadHistory.Turn(entry: entry.id, said: turn.text, counts: RewordedTurn(turn, as: text)))
            history.last = turn.mark
        }
        return history
    }

    /// The message with its ask in other words.
    private static func reword(_ message: String, as ask: String, _ splitting: AskSplit) -> String {
        guard splitting == .auto, let frame = FramedAsk(message).frame else { return ask }
        return frame.before + ask + frame.after
    }

    /// Notes that an entry answered a request in other words.
    func note(_ inquiry: Inquiry, servedBy entry: Entry) {
        guard let mark = inquiry.turnMark, inquiry.content.asksForOneAnswer,
            let answer = AnswerText.check(entry.answer, endpoint: entry.endpoint)
        else { return }
        turns.note(mark, servedBy: entry.id, answer: answer, after: inquiry.history.last)
    }

    /// Notes that the answer to a request was kept.
    func note(_ entry: EntryID, madeBy inquiry: Inquiry) {
        if let parent = inquiry.history.last { turns.note(entry, madeAfter: parent) }
    }
}

/// A request's history, as it counts in the scope.
struct ReadHistory: Sendable {
    /// A turn that counts as worded like the entry that answered it.
    struct Turn: Sendable {
        let entry: EntryID
        /// What the history says.
        let said: String
        let counts: RewordedTurn
    }

    var replaced: [Turn] = []
    /// Of the last of them.
    var last: TurnMark?

    static let asItStands = ReadHistory()
}
