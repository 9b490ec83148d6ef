package import Cache
package import Learning
package import SemanticCache
import Telemetry

/// What an operator may do with the cache: look into it and take things out.
package struct CacheAdministration: Sendable {
    /// One page of a listing.
    package struct Page: Sendable {
        package let entries: [Entry]
        /// Where the next page begins; `nil` at the end.
        package let next: EntryID?
    }

    /// What a flush did.
    package struct FlushResult: Sendable {
        package let matched: Int
        package let removed: Int
    }

    private let cache: AnswerCache
    private let embedder: (any Embedder)?
    private let learner: MatchLearner?
    private let clock: any WallClock

    /// - Parameter learner: forgets the prompts it remembers beside what is removed.
    package init(cache: AnswerCache, embedder: (any Embedder)?, learner: MatchLearner? = nil, clock: any WallClock) {
        self.cache = cache
        self.embedder = embedder
        self.learner = learner
        self.clock = clock
    }

    /// The entry with this id; `nil` when it is not there or its time is over.
    package func entry(_ id: EntryID) async -> Entry? {
        await cache.entry(id).flatMap { $0.isExpired(at: clock.now()) ? nil : $0 }
    }

    /// How often the entry was served since the start.
    package func hits(_ id: EntryID) -> UInt64 { cache.hits(id) }

    /// The entries that a selector means, in order; a selector without conditions lists all.
    ///
    /// Throws ``AdministrationError`` when the selector cannot be used.
    package func list(_ selector: EntrySelector, _ order: EntryOrder = .oldest, after cursor: EntryID?, limit: Int)
        async throws(AdministrationError) -> Page
    {
        var selector = selector
        if selector.isEmpty { selector.all = true }
        let ids = try await ids(selector, order, after: cursor, limit: limit + 1, includesExpired: false)
        var page: [Entry] = []
        for id in ids.prefix(limit) { if let entry = await cache.entry(id) { page.append(entry) } }
        return Page(entries: page, next: ids.count > limit ? ids[limit - 1] : nil)
    }

    /// Removes the entries that a selector means, durably, and sees to it that none comes back with a call that is under way; only counts them on a
    /// dry run.
    ///
    /// Throws ``AdministrationError`` when the selector cannot be used, or selects nothing by its form.
    package func flush(_ selector: EntrySelector, isDryRun: Bool) async throws(AdministrationError) -> FlushResult {
        guard !selector.isEmpty else { throw .emptySelector }
        // What has not been read from the store yet cannot be selected.
        await cache.restored()
        if !selector.hasConditions {
            guard !isDryRun else { return FlushResult(matched: cache.keptCount, removed: 0) }
            let count = cache.removeAll()
            learner?.forget()
            await cache.persist()
            return FlushResult(matched: count, removed: count)
        }
        // Before they are looked for: what comes in after that is not found, and must not stay.
        if !isDryRun { cache.noteFlush(of: selector) }
        // Entries kept for the upstream's failures go too: what was flushed must not come back when the upstream fails.
        let ids = try await ids(selector, after: nil, limit: .max, includesExpired: true)
        guard !isDryRun else { return FlushResult(matched: ids.count, removed: 0) }
        learner?.forget(ids.compactMap { cache.metadata($0) })
        let removed = cache.remove(ids, as: .flushed)
        await cache.persist()
        return FlushResult(matched: ids.count, removed: removed)
    }

    /// The ids of the entries that a selector means, oldest first; all of them for a selector without conditions.
    func ids(_ selector: EntrySelector, after cursor: EntryID?) async throws(AdministrationError) -> [EntryID] {
        var selector = selector
        if selector.isEmpty { selector.all = true }
        return try await ids(selector, after: cursor, limit: .max, includesExpired: false)
    }

    private func ids(_ selector: EntrySelector, _ order: EntryOrder = .oldest, after cursor: EntryID?, limit: Int, includesExpired: Bool)
        async throws(AdministrationError) -> [EntryID]
    {
        let compiled: CompiledSelector
        do throws(SelectorError) { compiled = try CompiledSelector(selector) } catch { throw .selector(error) }
        let now = clock.now()
        guard let text = selector.similarTo else {
            return cache.ids(order, after: cursor, limit: limit) { (includesExpired || !$0.isExpired(at: now)) && compiled.selects($0, at: now) }
        }
        let near = try await idsSimilar(to: text, threshold: selector.threshold ?? EntrySelector.defaultThreshold)
        return cache.ids(order, after: cursor, limit: limit) {
            near.contains($0.id) && (includesExpired || !$0.isExpired(at: now)) && compiled.selects($0, at: now)
        }
    }

    /// The ids of all entries, of whatever scope, whose query is at least `threshold` similar to `text`.
    private func idsSimilar(to text: String, threshold: Float) async throws(AdministrationError) -> Set<EntryID> {
        guard let embedder else { throw .noEmbedder }
        let outcome: Result<UnitVector, ModelRefusal>?
        do throws(ModelError) { outcome = try await embedder.embed([text]).first } catch { throw .embedder(error) }
        guard case .success(let vector)? = outcome else { throw .unusableText }
        let scopes = Set(cache.all.compactMap(\.scope))
        var result: Set<EntryID> = []
        for scope in scopes { result.formUnion(cache.ids(atLeast: threshold, similarTo: vector, in: scope)) }
        return result
    }
}

/// Why an administrative call was refused. Nothing was changed.
package enum AdministrationError: Error, Sendable, CustomStringConvertible {
    /// The selector names nothing.
    case emptySelector
    case selector(SelectorError)
    /// `similar_to` needs a model, and none is loaded.
    case noEmbedder
    case embedder(ModelError)
    /// The text of `similar_to` has no vector.
    case unusableText

    package var description: String {
        switch self {
        case .emptySelector:
            "expected at least one of all, id, tenant, namespace, model, tag, older_than, matching, similar_to; use {\"all\": true} to remove everything"
        case .selector(let error): error.description
        case .noEmbedder: "similar_to needs an embedding model, and none is loaded"
        case .embedder(let error): error.description
        case .unusableText: "the text of similar_to is empty or too long to be embedded"
        }
    }
}
