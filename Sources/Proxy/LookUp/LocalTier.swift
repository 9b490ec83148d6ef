import Cache
import Matching
import SemanticCache

/// This process's own tier: what is in memory, in the index and in the store beside it.
struct LocalTier: CacheTier {
    let cache: AnswerCache
    let lateVectors: LateVectors

    var name: Outcome.Tier { .local }
    var deadline: Duration? { nil }

    func remembered(_ key: CacheKey) -> Remembered {
        switch cache.remembered(key) {
        case .entry(let entry): .entry(entry)
        case .stored: .unknown
        case .nothing: .nothing
        }
    }

    func entry(for key: CacheKey, in scope: () -> Scope?, _ purpose: LookUpPurpose) async -> KeyAnswer {
        if case .explanation = purpose { KeyAnswer(entry: await cache.peek(key)) } else { KeyAnswer(entry: await cache.entry(for: key)) }
    }

    func reach(of scope: Scope, isKnown: Bool?, for facts: () -> StatedFacts, _ underway: Underway) async -> Reach {
        // Most new questions are the first of their scope: nothing is there or on its way, and the prompt need not be read for numbers.
        guard !lateVectors.isEmpty(scope) || cache.isSearchable(scope) else { return .empty }
        let facts = facts()
        switch underway {
        case .awaited(let limit):
            if !lateVectors.isSettled(scope, for: facts) {
                let settled: Void? = try? await withDeadline(limit) { await lateVectors.settle(scope, for: facts) }
                guard settled != nil else { return .late }
            }
        case .counted: if !lateVectors.isSettled(scope, for: facts) { return .searchable }
        case .ignored: break
        }
        guard cache.isSearchable(scope) else { return lateVectors.isEmpty(scope) ? .empty : .otherFacts }
        return cache.mayMatch(facts, in: scope) ? .searchable : .otherFacts
    }

    func nearest(to vector: UnitVector, in scope: Scope, count: Int, _ purpose: LookUpPurpose) async -> [AnswerCache.Match] {
        cache.nearest(to: vector, in: scope, count: count)
    }

    func entry(_ named: EntryMetadata, _ purpose: LookUpPurpose) async -> Entry? {
        if case .explanation = purpose { await cache.peek(named.id) } else { await cache.entry(named.id) }
    }
}
