// Matching: may this neighbour's answer be served for another wording?
//
// The decision, in order:
//
// 1. No candidate: forward, `empty-scope`. (An exact repeat never comes here: the exact key is looked up first.)
// 2. A prompt that cannot be compared, because it is empty or longer than the guards read: forward, `not-text` or `query-too-long`.
// 3. The best candidate's similarity is below the threshold or floor, or is not a number: forward, `below-threshold`.
// 4. A hard guard of the profile fires for the asked prompt and the best candidate's: forward with the guard's own reason.
//    All guards are asked, so that the evidence is whole; the first that fired, in the profile's order, gives the reason.
//    (`CalibratedPolicy` looks at 3 first, and where that forwards no guard is asked; `ThresholdPolicy` asks them in any case.)
// 5. `ThresholdPolicy` replays the best candidate here. `CalibratedPolicy` goes on:
// 6. `FeatureReader` makes the features of the request, `LogisticModel` their score. Below the cut that `ErrorGate` finds for the error bound:
//    forward, `below-cut`. While little has been learned, a verifier that doubts is a reason too. Where the embedder's residue was compared and the two
//    prompts have the same words in the same order, this step is passed over: such a prompt is a repeat, however it is written.
// 7. A share of what could be served is forwarded all the same (`explored`), because only forwarded requests give labels. The rest is replayed.
//
// What was learned belongs to a `Population` and begins with a `Prior`; whoever owns the population feeds it labels.
//
// Only the best candidate may be served. A guard that fires against it says that the neighbourhood holds questions that differ in just the
// way that similarity cannot see, and the next candidate is less similar still: to try it would give every trap several chances.
//
// Invariants: pure (no I/O, no clock, no chance), equal inputs give bit-identical decisions; guards are symmetric as to firing and stay
// quiet for a prompt beside itself; time is linear in the prompts, and prompts over a bound are refused before they are read.
//
// Left out here: which moments make an answer stale (`TimeSensitivity` is asked before the search), who compares answers, and where what was
// learned is kept.

/// Decides whether the best of some neighbours may answer a prompt.
package protocol DecisionPolicy: Sendable {
    /// Decides for the asked prompt. `candidates` are all of the request's scope, best first.
    func decide(query: String, candidates: [Candidate]) -> Decision

    /// The same with a verifier's logit for the asked prompt and the best candidate's; `nil` where none answered.
    func decide(query: String, candidates: [Candidate], verdict: Double?) -> Decision
}

extension DecisionPolicy {
    package func decide(query: String, candidates: [Candidate], verdict: Double?) -> Decision { decide(query: query, candidates: candidates) }
}
