package import Cache
package import Learning
package import SemanticCache
package import Sharing
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

    let cache: AnswerCache
    let embedder: (any Embedder)?
    private let learner: MatchLearner?
    let shared: SharedCache?
    let clock: any WallClock

    /// - Parameters:
    ///   - learner: forgets the prompts it remembers beside what is removed.
    ///   - shared: what several proxies share: what is done here is done for all of them.
    package init(
        cache: AnswerCache, embedder: (any Embedder)?, learner: MatchLearner? = nil, shared: SharedCache? = nil, clock: any WallClock
    ) {
        self.shared = shared
        self.cache = cache
        self.embedder = embedder
        self.learner = learner
        self.clock = clock
    }

    /// The entry with this id; `nil` when it is not there or its time is over.
    package func entry(_ id: EntryID) async -> Entry? {
        if let entry = await cache.entry(id) { return entry.isExpired(at: clock.now()) ? nil : entry }
        return await shared?.entry(id)
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
        let ids = try await ids(selector, order, after: cursor, limit: limit + 1)
        var page: [Entry] = []
        for id in ids.prefix(limit) { if let entry = await cache.entry(id) { page.append(entry) } }
        return Page(entries: page, next: ids.count > limit ? ids[limit - 1] : nil)
    }

    /// Removes the entries that a selector means, durably, and sees to it that none comes back with a call that is under way; only counts them on a
    /// dry run.
    ///
    /// Throws ``AdministrationError`` when the selector cannot be used, or selects nothing by its form.
    ///
    /// - Parameter isLocal: whether what several proxies share is left as it is: what is removed here may then come back from there.
    package func flush(_ selector: EntrySelector, isDryRun: Bool, isLocal: Bool = false) async throws(AdministrationError) -> FlushResult {
        guard !selector.isEmpty else { throw .emptySelector }
        // What has not been read from the store yet cannot be selected.
        await cache.restored()
        if let shared, !isLocal { return try await flush(selector, isDryRun: isDryRun, of: shared) }
        if !selector.hasConditions {
            guard !isDryRun else { return FlushResult(matched: cache.keptCount, removed: 0) }
            let count = cache.removeAll()
            learner?.forget()
            await cache.persist()
            return FlushResult(matched: count, removed: count)
        }
        let likeness = try await likeness(of: selector)
        if isDryRun { return FlushResult(matched: try meant(by: selector, likeness).count, removed: 0) }
        do throws(SelectorError) {
            let flushed = try cache.flush(selector, at: clock.now(), likeness: likeness) { learner?.forget($0) }
            await cache.persist()
            return FlushResult(matched: flushed.entries.count, removed: flushed.removed)
        } catch { throw .selector(error) }
    }

    /// The same for all proxies.
    private func flush(_ selector: EntrySelector, isDryRun: Bool, of shared: SharedCache) async throws(AdministrationError) -> FlushResult {
        let likeness = try await likeness(of: selector)
        let known = try meant(by: selector, likeness)
        if isDryRun {
            let keys = Set(known.compactMap { cache.metadata($0)?.key })
            return FlushResult(matched: await shared.count(selector, like: likeness?.vector, besides: keys), removed: 0)
        }
        let outcome = await shared.flush(selector, like: likeness?.vector)
        return FlushResult(matched: outcome.removed, removed: outcome.removed)
    }

    /// The entries here that a selector means, those included that are kept for the upstream's failures.
    private func meant(
        by selector: EntrySelector, _ likeness: (vector: UnitVector, threshold: Float)?
    ) throws(AdministrationError) -> [EntryID] {
        let compiled: CompiledSelector
        do throws(SelectorError) { compiled = try CompiledSelector(selector) } catch { throw .selector(error) }
        return cache.ids(meantBy: compiled, at: clock.now(), likeness: likeness)
    }

    /// The ids of the entries that a selector means, oldest first; all of them for a selector without conditions.
    func ids(_ selector: EntrySelector, after cursor: EntryID?) async throws(AdministrationError) -> [EntryID] {
        var selector = selector
        if selector.isEmpty { selector.all = true }
        return try await ids(selector, after: cursor, limit: .max)
    }

    func ids(_ selector: EntrySelector, _ order: EntryOrder = .oldest, after cursor: EntryID?, limit: Int)
        async throws(AdministrationError) -> [EntryID]
    {
        let compiled: CompiledSelector
        do throws(SelectorError) { compiled = try CompiledSelector(selector) } catch { throw .selector(error) }
        let now = clock.now()
        let near = try await likeness(of: selector).map { cache.ids(like: $0.vector, atLeast: $0.threshold) }
        return cache.ids(order, after: cursor, limit: limit) {
            near?.contains($0.id) ?? true && !$0.isExpired(at: now) && compiled.selects($0, at: now)
        }
    }

    /// What a selector's `similar_to` comes to; `nil` where it has none.
    func likeness(of selector: EntrySelector) async throws(AdministrationError) -> (vector: UnitVector, threshold: Float)? {
        guard let text = selector.similarTo else { return nil }
        return (try await vector(of: text), selector.threshold ?? EntrySelector.defaultThreshold)
    }

    private func vector(of text: String) async throws(AdministrationError) -> UnitVector {
        guard let embedder else { throw .noEmbedder }
        let outcome: Result<UnitVector, ModelRefusal>?
        do throws(ModelError) { outcome = try await embedder.embed([text]).first } catch { throw .embedder(error) }
        guard case .success(let vector)? = outcome else { throw .unusableText }
        return vector
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
    /// The shared tier's engine failed while it was read.
    case engine(SharedTierError)

    package var description: String {
        switch self {
        case .emptySelector:
            "expected at least one of all, id, tenant, namespace, model, tag, older_than, matching, similar_to; use {\"all\": true} to remove everything"
        case .selector(let error): error.description
        case .noEmbedder: "similar_to needs an embedding model, and none is loaded"
        case .embedder(let error): error.description
        case .engine(let error): "the shared tier \(error)"
        case .unusableText: "the text of similar_to is empty or too long to be embedded"
        }
    }
}
