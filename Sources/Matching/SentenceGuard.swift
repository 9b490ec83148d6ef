package import SemanticCache

/// Fires when one sentence of a short message negates, reverses or asks something else than its counterpart: what the sentences around it have in
/// common hides that from the guards that look at the whole.
package struct SentenceGuard: HardGuard {
    private let guards: [any HardGuard] = [PolarityGuard(), OrderGuard(), AskGuard(), KindsGuard()]

    package init() {}

    package var name: String { "sentences" }
    package var reason: MissReason { .askDiffers }

    package func finding(in pair: PromptPair) -> String? {
        guard let sentences = Sentences.counterparts(pair.asked, pair.cached) else { return nil }
        for sentence in sentences where sentence.shared >= 1 {
            let (asked, cached) = (sentence.asked, sentence.cached)
            let pair = PromptPair(asked: asked, cached: cached)
            for guardian in guards where !(guardian is KindsGuard) || !asked.things.isEmpty && !cached.things.isEmpty {
                if let found = guardian.finding(in: pair) { return "in a sentence, \(found)" }
            }
        }
        return nil
    }
}
