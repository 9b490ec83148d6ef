/// What became of a request: decided once, by whoever answers it. Header fields, counters, log lines and the dashboard are made of it.
package enum Outcome: Sendable, Equatable {
    /// What of an entry was found to be the request's.
    package enum Match: Sendable, Equatable {
        case exact
        /// With the cosine similarity of the two wordings, in -1...1.
        case semantic(similarity: Float)
    }

    /// Where the answer was kept.
    package enum Tier: String, CaseIterable, Sendable {
        /// In this process's memory, or in the store beside it.
        case local
        /// In the engine that several proxies share, put there by any of them.
        case shared
    }

    /// An answer from the cache.
    package struct Hit: Sendable, Equatable {
        package let match: Match
        package let tier: Tier
        /// The entry that answered; of a batch, the first of ``parts``.
        package let entry: EntryID
        /// How many entries were put together.
        package let parts: Int
        /// Since the answer was stored; of a batch, since the oldest part was.
        package let age: Duration
        /// What is left of the time to live, below zero when it is over; of a batch, until the first part ends.
        package let remaining: Duration
        /// Whether the answer stands in for a fresh one that could not be had, or not yet.
        package let isStale: Bool

        package init(
            _ match: Match, tier: Tier = .local, entry: EntryID, parts: Int = 1, age: Duration, remaining: Duration, isStale: Bool = false
        ) {
            self.match = match
            self.tier = tier
            self.entry = entry
            self.parts = parts
            self.age = age
            self.remaining = remaining
            self.isStale = isStale
        }
    }

    /// Why there was nothing for a request that forbids asking the model.
    package enum Absence: Sendable, Equatable {
        case miss(MissReason)
        case bypass(BypassReason)
    }

    case hit(Hit)
    /// Some inputs of a batch were served, `known` of `count`, and the model was asked for the others.
    case partial(known: Int, count: Int, isStored: Bool = false, isCollapsed: Bool = false)
    /// Asked of the model after a look-up; `isStored` when the answer is kept if it ends well, `isCollapsed` when another request's call served.
    case miss(MissReason, isStored: Bool = false, isCollapsed: Bool = false)
    /// Asked of the model without a look-up.
    case bypass(BypassReason)
    /// Not answered, because the request forbids asking the model.
    case onlyIfCached(Absence)
    /// Not answered for its form, or because its sender may not ask.
    case refused
}

extension Outcome {
    /// `hit`, `stale`, `miss`, `bypass` or `refused`: the word for people, in logs and on the dashboard, and in capitals in `X-Cache`.
    package var word: String {
        switch self {
        case .hit(let hit): hit.isStale ? "stale" : "hit"
        case .partial, .miss, .onlyIfCached(.miss): "miss"
        case .bypass, .onlyIfCached(.bypass): "bypass"
        case .refused: "refused"
        }
    }

    /// What says more: of an answer from the cache what matched, of all else the reason; `nil` for a refusal.
    package var detail: String? { hit?.match.word ?? reason }

    /// The answer from the cache; `nil` when there was none.
    package var hit: Hit? { if case .hit(let hit) = self { hit } else { nil } }

    /// Why the cache did not answer; `nil` when it did, and for a refusal.
    package var reason: String? {
        switch self {
        case .hit, .refused: nil
        case .partial: MissReason.partialBatch.rawValue
        case .miss(let reason, _, _), .onlyIfCached(.miss(let reason)): reason.rawValue
        case .bypass(let reason), .onlyIfCached(.bypass(let reason)): reason.rawValue
        }
    }

    /// Whether another request's call served.
    package var isCollapsed: Bool {
        switch self {
        case .partial(_, _, _, let isCollapsed), .miss(_, _, let isCollapsed): isCollapsed
        case .hit, .bypass, .onlyIfCached, .refused: false
        }
    }

    /// Whether the answer is kept if it ends well.
    package var isStored: Bool {
        switch self {
        case .partial(_, _, let isStored, _), .miss(_, let isStored, _): isStored
        case .hit, .bypass, .onlyIfCached, .refused: false
        }
    }
}

extension Outcome.Match {
    /// `exact` or `semantic`.
    package var word: String {
        switch self {
        case .exact: "exact"
        case .semantic: "semantic"
        }
    }
}
