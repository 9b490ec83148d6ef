/// A place in a tier's journal.
package struct SharedPosition: Sendable, Hashable {
    /// Drawn when the tier was made, 32 hexadecimal digits. Numbers of two lineages say nothing of each other.
    package let lineage: String
    /// Of the last event; 0 where there is none.
    package let number: Int64

    package init(lineage: String, number: Int64) {
        self.lineage = lineage
        self.number = number
    }
}

/// A part of a tier's journal.
package struct SharedEvents: Sendable {
    /// Oldest first; what each says is sealed.
    package let events: [(number: Int64, bytes: [UInt8])]
    /// Whether events between the number asked for and the first of these are gone.
    package let hasGap: Bool
    /// The end of the journal when this was read.
    package let head: SharedPosition

    package init(events: [(number: Int64, bytes: [UInt8])], hasGap: Bool, head: SharedPosition) {
        self.events = events
        self.hasGap = hasGap
        self.head = head
    }
}
