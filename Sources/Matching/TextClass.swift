/// The kind of text a prompt is: what a prior, a verifier or other traffic's labels were fitted on says nothing about texts of another kind.
///
/// Coarse on purpose: each class is a population of its own and has to learn from its own labels.
package struct TextClass: Hashable, Sendable, CustomStringConvertible {
    /// What the words are written in.
    package enum Language: Hashable, Sendable {
        case english
        /// A language in the Latin script that is not known to be English.
        case otherLatin
        case script(Script)
    }

    package enum Length: String, Hashable, Sendable, CaseIterable {
        case short
        /// More words than a question has; sentence models see less of each.
        case long
    }

    package enum Shape: String, Hashable, Sendable, CaseIterable {
        /// One question or request, with or without greetings.
        case ask
        /// Several sentences.
        case sentences
        /// Fenced code, or lines that are code.
        case code
    }

    package let language: Language
    package let length: Length
    package let shape: Shape

    /// The most words of a short text.
    private static let shortest = 80

    package init(language: Language, length: Length, shape: Shape) {
        self.language = language
        self.length = length
        self.shape = shape
    }

    /// The class of a prompt that was read.
    ///
    /// - Complexity: O(n) in its tokens.
    package init(_ prompt: PromptTokens) {
        switch prompt.dominantScript {
        case .latin: language = prompt.isEnglish ? .english : .otherLatin
        case let script: language = .script(script)
        }
        length = prompt.tokens.count > Self.shortest ? .long : .short
        let codes = prompt.tokens.count { $0.kind == .code }
        if !prompt.fences.isEmpty || codes > 4 && codes * 3 > prompt.tokens.count {
            shape = .code
        } else {
            shape = Self.sentences(prompt.tokens) > 1 ? .sentences : .ask
        }
    }

    /// What the shipped priors and verifier were fitted on: short English questions, in one sentence or a few.
    package static let fitted: Set<TextClass> = [
        TextClass(language: .english, length: .short, shape: .ask), TextClass(language: .english, length: .short, shape: .sentences),
    ]

    /// A word for the keys of populations and for people: "english short ask".
    package var description: String {
        let name =
            switch language {
            case .english: "english"
            case .otherLatin: "latin"
            case .script(let script): script.rawValue
            }
        return "\(name) \(length.rawValue) \(shape.rawValue)"
    }

    /// Reads what ``description`` wrote.
    package init?(_ description: String) {
        let parts = description.split(separator: " ").map(String.init)
        guard parts.count == 3, let length = Length(rawValue: parts[1]), let shape = Shape(rawValue: parts[2]) else { return nil }
        let language: Language
        switch parts[0] {
        case "english": language = .english
        case "latin": language = .otherLatin
        default:
            guard let script = Script(rawValue: parts[0]) else { return nil }
            language = .script(script)
        }
        self.init(language: language, length: length, shape: shape)
    }

    /// How many sentences hold more than courtesy.
    private static func sentences(_ tokens: [Token]) -> Int {
        var count = 0
        var isOpen = true
        for token in tokens {
            if token.startsSentence { isOpen = true }
            if isOpen, !token.traits.contains(.courtesy) {
                count += 1
                isOpen = false
            }
        }
        return count
    }
}
