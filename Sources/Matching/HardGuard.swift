package import SemanticCache

/// One reason why a near neighbour's answer must not be served, found in the wording alone.
///
/// A guard is symmetric in the two prompts as to whether it fires, and never fires for a prompt beside itself.
package protocol HardGuard: Sendable {
    /// What the guard looks at; stands in the evidence.
    var name: String { get }
    /// Why the request is forwarded when the guard fires.
    var reason: MissReason { get }
    /// What differs, in words ("numbers differ: 48213 / 48231": asked, then cached), or `nil` when the guard stays quiet.
    func finding(in pair: PromptPair) -> String?
}

/// What one guard said of a pair of prompts.
package struct GuardVerdict: Hashable, Sendable {
    package let guardName: String
    package let reason: MissReason
    /// What differs, in words; `nil` when the guard did not fire.
    package let finding: String?

    package init(guardName: String, reason: MissReason, finding: String?) {
        self.guardName = guardName
        self.reason = reason
        self.finding = finding
    }

    package var isFired: Bool { finding != nil }
}

extension GuardProfile {
    /// The guards in the order in which they give the reason.
    ///
    /// - Parameter residue: compares what the embedder cannot see, which no list knows; `nil` where it sees everything.
    package func guards(_ residue: ResidueGuard? = nil) -> [any HardGuard] {
        wordingGuards + (residue.map { [$0] } ?? [])
    }

    private var wordingGuards: [any HardGuard] {
        switch self {
        case .faq: [NumbersGuard(), SignsGuard(), PolarityGuard()]
        case .default:
            [
                NumbersGuard(), SignsGuard(), PolarityGuard(), CodeGuard(), LanguageGuard(), NamesGuard(), KindsGuard(), OrderGuard(), AskGuard(),
                SentenceGuard(),
            ]
        case .strict: GuardProfile.default.wordingGuards + [ReplacedWordGuard()]
        }
    }
}
