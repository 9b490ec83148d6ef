/// A word of a text as an embedder reads it, and as it stands there: what differs between the two is what the model cannot see.
package struct ReadWord: Hashable, Sendable {
    /// What the model gets: without capitals and marks where it knows none. `nil` where it has no piece for the word.
    package let seen: String?
    /// As it stands in the text, decomposed (NFD), with capitals, marks and invisible characters.
    package let written: String
    /// The white space and invisible characters before it.
    package let gap: String

    package init(seen: String?, written: String, gap: String) {
        self.seen = seen
        self.written = written
        self.gap = gap
    }
}
