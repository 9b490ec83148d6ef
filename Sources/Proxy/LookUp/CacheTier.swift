import Cache
import Matching
import SemanticCache

/// A place where answers are kept, asked by key and then by meaning: this process's memory and store, or an engine that several proxies share.
///
/// The tiers of a cache are asked one after the other, the nearest first, and what the first of them has is served. A tier never throws: what it cannot
/// say in time it does not have.
protocol CacheTier: Sendable {
    var name: Outcome.Tier { get }

    /// How long one question may take before the tier counts as having nothing; `nil` where no network stands between, or the tier sees to it itself.
    var deadline: Duration? { get }

    /// What the tier knows of a key without waiting. Counts as a request for it, unless it must be waited for.
    func remembered(_ key: CacheKey) -> Remembered

    /// The entry under this key, expired or not.
    ///
    /// - Parameter scope: where the question is looked up by meaning when nothing is under its key; asked for only where one trip tells of both.
    func entry(for key: CacheKey, in scope: () -> Scope?, _ purpose: LookUpPurpose) async -> KeyAnswer

    /// Whether a search of `scope` could find what may answer a prompt.
    ///
    /// - Parameters:
    ///   - isKnown: what the look-up by key told of the scope, if it did.
    ///   - facts: what the prompt states; asked for only where something is there that it could be held against.
    ///   - underway: what is to be made of entries that are on their way into the scope.
    func reach(of scope: Scope, isKnown: Bool?, for facts: () -> StatedFacts, _ underway: Underway) async -> Reach

    /// At most `count` entries of `scope`, and of no other, nearest first.
    func nearest(to vector: UnitVector, in scope: Scope, count: Int, _ purpose: LookUpPurpose) async -> [AnswerCache.Match]

    /// The entry that a search named, expired or not; `nil` when it has left meanwhile.
    func entry(_ named: EntryMetadata, _ purpose: LookUpPurpose) async -> Entry?
}

/// What a tier has under a key.
struct KeyAnswer: Sendable {
    let entry: Entry?
    /// Whether the scope has anything to be found by meaning, where that was told along with it.
    var hasVectors: Bool?
}

/// What memory knows of a key.
enum Remembered: Sendable {
    case entry(Entry)
    case nothing
    /// The answer, or word of it, can only be had by waiting.
    case unknown
}

/// Entries whose vectors are still being made.
enum Underway: Sendable {
    /// They are waited for, at most so long.
    case awaited(atMost: Duration)
    /// They count as there.
    case counted
    /// They count as not there.
    case ignored
}

/// Whether it is worth searching a scope.
enum Reach: Sendable {
    /// Nothing is there.
    case empty
    /// Nothing is there that states what the prompt requires.
    case otherFacts
    case searchable
    /// It was not known in time.
    case late
}
