import Embedding
import Matching
import SemanticCache
import Synchronization

/// The verifier's logits of pairs, each read once.
final class Logits: Sendable {
    private let verifier: OnnxVerifier?
    private let readsAll: Bool
    private let known = Mutex<[WordingPair: Double?]>([:])

    /// - Parameter readsAll: whether pairs that were not read before are read when they are asked for.
    init(_ verifier: OnnxVerifier?, readsAll: Bool) {
        self.verifier = verifier
        self.readsAll = readsAll
    }

    /// Reads a pair now, so that ``logit(_:_:)`` knows it.
    func read(_ asked: String, _ cached: String) {
        guard let verifier else { return }
        let pair = WordingPair(asked: asked, cached: cached)
        guard known.withLock({ $0[pair] }) == nil else { return }
        let logit = verifier.logitBlocking(of: pair).map(Double.init)
        known.withLock { $0[pair] = .some(logit) }
    }

    /// ``logit(_:_:)`` as an evaluation takes it; `nil` without a verifier.
    var verdict: (@Sendable (String, String) -> Double?)? {
        guard verifier != nil else { return nil }
        return { [self] asked, cached in logit(asked, cached) }
    }

    /// The pair's logit, or that of its weakest pair of sentences where that is better, as the proxy has it; `nil` where the verifier refused it or did not
    /// read it.
    func logit(_ asked: String, _ cached: String) -> Double? {
        if readsAll { read(asked, cached) }
        guard let whole = known.withLock({ $0[WordingPair(asked: asked, cached: cached)] }) ?? nil else { return nil }
        guard let one = try? PromptTokens(asked), let other = try? PromptTokens(cached), let pairs = Sentences.paired(one, other), !pairs.isEmpty
        else {
            return whole
        }
        var weakest = Double.infinity
        for pair in pairs {
            read(pair.asked, pair.cached)
            guard let logit = known.withLock({ $0[WordingPair(asked: pair.asked, cached: pair.cached)] }) ?? nil else { return whole }
            weakest = min(weakest, logit)
        }
        return max(whole, weakest)
    }
}
