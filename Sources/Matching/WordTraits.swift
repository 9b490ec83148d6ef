/// What the word lists say of a word, all in one, so that each word of a prompt is looked up once and not in every list.
package struct WordTraits: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Carries grammar alone.
    package static let function = WordTraits(rawValue: 1 << 0)
    package static let courtesy = WordTraits(rawValue: 1 << 1)
    package static let negator = WordTraits(rawValue: 1 << 2)
    /// Says what the thing after it is to the rest; see `Words/roles.txt`.
    package static let role = WordTraits(rawValue: 1 << 3)
    /// "to", "from": the end at which a thing stands.
    package static let direction = WordTraits(rawValue: 1 << 4)
    package static let article = WordTraits(rawValue: 1 << 5)
    /// Begins a number, or is one.
    package static let number = WordTraits(rawValue: 1 << 6)
    package static let calendar = WordTraits(rawValue: 1 << 7)
    /// One of the little words by which a language is known.
    package static let language = WordTraits(rawValue: 1 << 8)
    /// Begins another spelling of something.
    package static let alias = WordTraits(rawValue: 1 << 9)
    /// Its stem begins the name of a thing of a kind.
    package static let thing = WordTraits(rawValue: 1 << 10)
    /// Its stem is one of two opposites.
    package static let opposite = WordTraits(rawValue: 1 << 11)
    /// Its stem begins a phrase that has an opposite.
    package static let oppositePhrase = WordTraits(rawValue: 1 << 12)

    /// Those that a word has by its stem.
    static let ofStems: WordTraits = [.negator, .thing, .opposite, .oppositePhrase]
    /// Those that a word has as it is written.
    static let ofSpellings = WordTraits(rawValue: .max).subtracting([.thing, .opposite, .oppositePhrase])
}
