package import SemanticCache

/// Fires when one sentence of a short message negates, reverses or asks something else than its counterpart: what the sentences around it have in
/// common hides that from the guards that look at the whole.
package struct SentenceGuard: HardGuard {
    private let guards: [any HardGuard] = [PolarityGuard(), OrderGuard(), AskGuard(), KindsGuard()]

    package init() {}

    package var name: String { "sentences" }
    package var reason: MissReason { .askDiffers }

    package func finding(in pair: PromptPair) -> String? {
        guard pair.asked.tokens.dropFirst().contains(where: \.startsSentence), pair.cached.tokens.dropFirst().contains(where: \.startsSentence) else {
            return nil
        }
        let (asked, cached) = (Sentences(pair.asked), Sentences(pair.cached))
        guard asked.all.count > 1, asked.all.count == cached.all.count else { return nil }
        let (here, there) = (asked.all.compactMap { try? PromptTokens($0) }, cached.all.compactMap { try? PromptTokens($0) })
        guard here.count == asked.all.count, there.count == cached.all.count else { return nil }
        func likeness(_ one: Int, _ other: Int) -> Double {
            // Equal places win where words do not tell.
            Double(here[one].content.count { there[other].terms.contains($0.stem) }) + (one == other ? 0.5 : 0)
        }
        guard let places = asked.counterparts(in: cached, likeness: likeness) else { return nil }
        for (one, other) in places.enumerated() where likeness(one, other) >= 1 {
            let sentences = PromptPair(asked: here[one], cached: there[other])
            for guardian in guards where !(guardian is KindsGuard) || !here[one].things.isEmpty && !there[other].things.isEmpty {
                if let found = guardian.finding(in: sentences) { return "in a sentence, \(found)" }
            }
        }
        return nil
    }
}
