package import SemanticCache

/// A cached wording near the asked prompt.
package struct Candidate: Hashable, Sendable {
    /// The wording's own id: an entry's, or an alias's.
    package let id: EntryID
    /// The entry whose answer would be served; several wordings may share one.
    package let answer: EntryID
    /// The cached prompt: the text of its last user message.
    package let query: String
    /// Cosine similarity in -1...1.
    package let similarity: Float
    /// How often the answer was found right for another wording, and how often wrong.
    package let right: Int
    package let wrong: Int

    package init(id: EntryID, answer: EntryID? = nil, query: String, similarity: Float, right: Int = 0, wrong: Int = 0) {
        self.id = id
        self.answer = answer ?? id
        self.query = query
        self.similarity = similarity
        self.right = right
        self.wrong = wrong
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
        /// The learned part; `nil` where none was asked, or it was not come to.
        package let calibration: Calibration?

        package init(
            best: EntryID?, similarity: Float?, threshold: Float, profile: GuardProfile, guards: [GuardVerdict], calibration: Calibration? = nil
        ) {
            self.best = best
            self.similarity = similarity
            self.threshold = threshold
            self.profile = profile
            self.guards = guards
            self.calibration = calibration
        }

        /// What the guards that fired saw.
        package var findings: [String] { guards.compactMap(\.finding) }
    }

    /// What was learned about pairs such as this one, and how sure that is.
    package struct Calibration: Hashable, Sendable {
        package let features: FeatureVector
        /// The logit of the probability that the cached answer is right.
        package let score: Double
        /// From which score answers are served, with the estimated share of wrong ones and its upper bound.
        package let cut: ErrorGate.Cut
        package let errorBound: Double
        /// How many labels the population has learned from.
        package let observations: Int
        /// Whether the answer would have been served, and was forwarded to learn from.
        package let isExplored: Bool
    }

    package let verdict: Verdict
    package let evidence: Evidence

    /// Whether an entry's answer is to be served.
    package var isReplay: Bool { if case .replay = verdict { true } else { false } }

    package init(verdict: Verdict, evidence: Evidence) {
        self.verdict = verdict
        self.evidence = evidence
    }
}
