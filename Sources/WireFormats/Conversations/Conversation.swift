package import SemanticCache

/// Where the turns of a conversation stand in a request's canonical body, in bytes.
struct Conversation: Sendable {
    struct Turn: Sendable {
        /// The user's text, a JSON string with its quotes.
        let text: Range<Int>
        /// Where the user's message ends.
        let end: Int
        /// The messages of the model's that follow it, with the commas between them.
        let answer: Range<Int>
    }

    let turns: [Turn]
    /// Where the user's last message ends.
    let end: Int
    /// Where the list of messages ends.
    let rest: Int
    /// Where the text begins that stands for a list of one message; `nil` for a list.
    let bareText: Int?

    /// `nil` where a node has no place.
    init?(_ finder: ConversationFinder, places: [Int: Range<Int>]) {
        guard let list = places[finder.list.index] else { return nil }
        rest = list.upperBound
        guard let last = finder.last else {
            guard finder.list.kind == .string else { return nil }
            (turns, end, bareText) = ([], list.upperBound, list.lowerBound)
            return
        }
        guard let message = places[last.index] else { return nil }
        bareText = nil
        end = message.upperBound
        turns = finder.turns.compactMap { turn in
            guard let text = places[turn.text.index], let message = places[turn.message.index], let first = places[turn.answer.first.index],
                let last = places[turn.answer.last.index]
            else { return nil }
            return Turn(text: text, end: message.upperBound, answer: first.lowerBound..<last.upperBound)
        }
    }
}

/// A message of the user's in a request's history, and what the model said to it.
package struct EarlierTurn: Sendable {
    /// Of the request that ended with the message.
    package let mark: TurnMark
    /// The message's text.
    package let text: String
    /// ``AnswerText/check(_:)`` of what the model said.
    package let answer: UInt32
    /// Where the text stands in the canonical body.
    let place: Range<Int>
}

/// A turn with its text in other words.
package struct RewordedTurn: Sendable {
    let place: Range<Int>
    package let text: String

    package init(_ turn: EarlierTurn, as text: String) {
        place = turn.place
        self.text = text
    }
}
