package import SemanticCache

/// A cached entry near the asked prompt.
package struct Candidate: Hashable, Sendable {
    package let id: EntryID
    /// The cached prompt: the text of its last user message.
    package let query: String
    /// Cosine similarity in -1...1.
    package let similarity: Float

    package init(id: EntryID, query: String, similarity: Float) {
        self.id = id
        self.query = query
        self.similarity = similarity
    }
}

/// What a policy decided, and why.
package struct Decision: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        /// Serve this entry's answer.
        case replay(EntryID)
        /// Ask the model.
        case forward(MissReason)
    }

    /// All that led to the verdict; logged, explained, never needed to act on it.
    package struct Evidence: Hashable, Sendable {
        /// The best candidate, whether it was served or not.
        package let best: EntryID?
        /// Its similarity as it was given; `nil` without a candidate.
        package let similarity: Float?
        /// What the similarity had to reach.
        package let threshold: Float
        package let profile: GuardProfile
        /// One verdict for each guard of the profile, in the order in which they count; empty when no prompts could be compared.
        package let guards: [GuardVerdict]

        package init(best: EntryID?, similarity: Float?, threshold: Float, profile: GuardProfile, guards: [GuardVerdict]) {
            self.best = best
            self.similarity = similarity
            self.threshold = threshold
            self.profile = profile
            self.guards = guards
        }

        /// What the guards that fired saw.
        package var findings: [String] { guards.compactMap(\.finding) }
    }

    package let verdict: Verdict
    package let evidence: Evidence

    package init(verdict: Verdict, evidence: Evidence) {
        self.verdict = verdict
        self.evidence = evidence
    }
}
