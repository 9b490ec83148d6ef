package import SemanticCache

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
