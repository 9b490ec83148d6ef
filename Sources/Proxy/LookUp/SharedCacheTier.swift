import Cache
import Matching
import SemanticCache
import Sharing

/// The engine that several proxies share. It is asked for what is not here, and sees to its time limit itself; while it is away it has nothing, and costs
/// nothing.
struct SharedCacheTier: CacheTier {
    let shared: SharedCache

    var name: Outcome.Tier { .shared }
    var deadline: Duration? { nil }

    func remembered(_ key: CacheKey) -> Remembered {
        if shared.isAsked { return .unknown }
        shared.noteNotAsked()
        return .nothing
    }

    func entry(for key: CacheKey, in scope: () -> Scope?, _ purpose: LookUpPurpose) async -> KeyAnswer {
        guard shared.isAsked else { return KeyAnswer(entry: nil) }
        let glimpse = await shared.glimpse(of: key, in: scope(), isKept: purpose.changes)
        return KeyAnswer(entry: glimpse.entry, hasVectors: glimpse.hasVectors)
    }

    func reach(of scope: Scope, isKnown: Bool?, for facts: () -> StatedFacts, _ underway: Underway) async -> Reach {
        isKnown ?? false ? .searchable : .empty
    }

    func nearest(to vector: UnitVector, in scope: Scope, count: Int, _ purpose: LookUpPurpose) async -> [AnswerCache.Match] {
        await shared.nearest(to: vector, in: scope, count: count, isCounted: purpose.changes)
    }

    func entry(_ named: EntryMetadata, _ purpose: LookUpPurpose) async -> Entry? { await shared.entry(named, isKept: purpose.changes) }
}

extension LookUpPurpose {
    /// Whether what is found may be kept and counted.
    fileprivate var changes: Bool { if case .explanation = self { false } else { true } }
}
