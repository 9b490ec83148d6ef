/// The user's messages in a body's history, each with what the model said to it.
///
/// A message counts as a turn where its content has exactly one text and messages of the model's follow it at once; whatever else stands in a history
/// (instructions, results of tools, several messages of the user's in a row) is no turn and stays as it is.
package struct Conversation {
    struct Turn {
        /// The string node of the user's text.
        let text: JSONNode
        /// The user's message.
        let message: JSONNode
        /// The model's messages that follow, at least one.
        let answer: [JSONNode]
    }

    /// Who says what an element of the history holds.
    enum Speaker {
        case user(texts: [JSONNode])
        case model
        case other
    }

    /// In order, without the last message of the user's.
    private(set) var turns: [Turn] = []
    /// The last message of the user's; `nil` where there is none, or its text stands alone, as the whole of what is asked.
    private(set) var last: JSONNode?
    /// The list that holds all of them, or that text.
    let list: JSONNode

    /// A text that stands for a conversation of one message.
    init(alone text: JSONNode) { list = text }

    /// - Complexity: O(n) in the elements.
    init(_ list: JSONNode, speaker: (JSONNode) -> Speaker) {
        self.list = list
        var asked: (text: JSONNode, message: JSONNode)?
        var answer: [JSONNode] = []
        func close(_ turns: inout [Turn]) {
            if let asked, !answer.isEmpty { turns.append(Turn(text: asked.text, message: asked.message, answer: answer)) }
        }
        for element in list.elements {
            switch speaker(element) {
            case .user(let texts):
                close(&turns)
                asked = texts.count == 1 ? (texts[0], element) : nil
                answer = []
                last = element
            case .model: answer.append(element)
            case .other:
                close(&turns)
                (asked, answer) = (nil, [])
            }
        }
        // What follows the last message of the user's was said to a request that is not this one's history yet.
    }

    /// The messages of OpenAI's chats and of Anthropic's.
    init(messages list: JSONNode) {
        self.init(list) { message in
            guard let role = message["role"] else { return .other }
            if role.isString("user") { return .user(texts: QueryFinder(content: message["content"], partType: "text").texts) }
            return role.isString("assistant") ? .model : .other
        }
    }
}
