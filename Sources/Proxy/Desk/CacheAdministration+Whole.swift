package import Cache
package import SemanticCache
import Sharing

// The whole cache: what is here and what the engine has that several proxies share.
//
// What the engine has comes in its order, and what it has not taken yet before it. While it is away, the whole is what is here.

extension CacheAdministration {
    /// Where a page of a listing ends.
    package enum Place: Sendable, Equatable, CustomStringConvertible {
        case here(EntryID)
        /// Behind this place of the engine's, or at its beginning where the text is empty.
        case engine(String)

        private static let mark = "shared."

        /// `nil` when no listing gave this text.
        package init?(_ text: String) {
            if text.hasPrefix(Self.mark) {
                self = .engine(String(text.dropFirst(Self.mark.count)))
            } else if let id = EntryID(text) {
                self = .here(id)
            } else {
                return nil
            }
        }

        package var description: String {
            switch self {
            case .here(let id): id.description
            case .engine(let text): Self.mark + text
            }
        }
    }

    /// One page of a listing of the whole.
    package struct WholePage: Sendable {
        package let entries: [Entry]
        /// Where the next page begins; `nil` at the end.
        package let next: Place?
    }

    /// The entry with this id; `nil` when it is not there or its time is over.
    ///
    /// - Parameter isLocal: whether only this proxy is looked at.
    package func entry(_ id: EntryID, isLocal: Bool) async -> Entry? {
        guard isLocal else { return await entry(id) }
        return await cache.entry(id).flatMap { $0.isExpired(at: clock.now()) ? nil : $0 }
    }

    /// The entries that a selector means, in the order of their ages or, where an engine is asked, in the engine's.
    ///
    /// Throws ``AdministrationError`` when the selector cannot be used, or the engine fails in the middle.
    package func list(
        _ selector: EntrySelector, _ order: EntryOrder = .oldest, after place: Place?, limit: Int, isLocal: Bool
    ) async throws(AdministrationError) -> WholePage {
        var cursor: EntryID?
        if case .here(let id) = place { cursor = id }
        guard let shared, shared.isAsked, !isLocal else {
            // A place of an engine that went away meanwhile leads nowhere.
            if case .engine = place { throw .engine(.unreachable("it went away while it was listed")) }
            let page = try await list(selector, order, after: cursor, limit: limit)
            return WholePage(entries: page.entries, next: page.next.map { .here($0) })
        }
        var selector = selector
        if selector.isEmpty { selector.all = true }
        var entries: [Entry] = []
        var from: SharedCursor?
        if case .engine(let text) = place {
            if !text.isEmpty { from = SharedCursor(text) }
        } else {
            let ids = try await waiting(selector, order, after: cursor)
            for id in ids.prefix(limit) { if let entry = await cache.entry(id) { entries.append(entry) } }
            if ids.count > limit { return WholePage(entries: entries, next: .here(ids[limit - 1])) }
        }
        let likeness = try await likeness(of: selector)
        while entries.count < limit {
            let page = try await shared.page(selector, after: from, limit: limit - entries.count)
            entries += page.records.filter { $0.isLike(likeness, of: embedder) }.map(\.entry)
            guard let next = page.next else { return WholePage(entries: entries, next: nil) }
            from = next
        }
        return WholePage(entries: entries, next: .engine(from?.text ?? ""))
    }

    /// The entries that a selector means and that the engine has not taken.
    private func waiting(
        _ selector: EntrySelector, _ order: EntryOrder = .oldest, after cursor: EntryID? = nil
    ) async throws(AdministrationError) -> [EntryID] {
        var selector = selector
        if selector.isEmpty { selector.all = true }
        return try await ids(selector, order, after: cursor, limit: .max).filter { cache.sharing($0) == .waiting }
    }

    /// All that a selector means; `nil` where only this proxy has anything, whose entries are taken out one by one.
    func outflow(_ selector: EntrySelector) async throws(AdministrationError) -> Outflow? {
        guard let shared, shared.isAsked else { return nil }
        let waiting = try await waiting(selector)
        let likeness = try await likeness(of: selector)
        let keys = Set(waiting.compactMap { cache.metadata($0)?.key })
        var whole = selector
        if whole.isEmpty { whole.all = true }
        return Outflow(
            count: await shared.count(whole, like: likeness?.vector, besides: keys), administration: self, shared: shared, selector: whole,
            likeness: likeness, known: keys, waiting: waiting[...])
    }

    /// Entries on their way out of the whole, in pieces.
    package struct Outflow: Sendable {
        private static let pieceSize = 100

        /// How many there were when it began.
        package let count: Int
        fileprivate let administration: CacheAdministration
        fileprivate let shared: SharedCache
        fileprivate let selector: EntrySelector
        fileprivate let likeness: (vector: UnitVector, threshold: Float)?
        /// What the engine had not taken when it began.
        fileprivate let known: Set<CacheKey>
        fileprivate var waiting: ArraySlice<EntryID>
        private var from: SharedCursor?
        private var isAtEnd = false

        fileprivate init(
            count: Int, administration: CacheAdministration, shared: SharedCache, selector: EntrySelector,
            likeness: (vector: UnitVector, threshold: Float)?, known: Set<CacheKey>, waiting: ArraySlice<EntryID>
        ) {
            self.count = count
            self.administration = administration
            self.shared = shared
            self.selector = selector
            self.likeness = likeness
            self.known = known
            self.waiting = waiting
        }

        /// The next of them, perhaps none; `nil` at the end. Throws when the engine fails in the middle.
        package mutating func next() async throws(AdministrationError) -> [CacheRecord]? {
            guard waiting.isEmpty else {
                let ids = waiting.prefix(Self.pieceSize)
                waiting = waiting.dropFirst(ids.count)
                var records: [CacheRecord] = []
                for id in ids { if let record = await administration.cache.record(id) { records.append(record) } }
                return records
            }
            guard !isAtEnd else { return nil }
            let page = try await shared.page(selector, after: from, limit: Self.pieceSize)
            from = page.next
            isAtEnd = page.next == nil
            return page.records.filter { !known.contains($0.entry.key) && $0.isLike(likeness, of: administration.embedder) }
        }
    }
}

extension SharedCache {
    /// A page with the answers.
    fileprivate func page(
        _ selector: EntrySelector, after cursor: SharedCursor?, limit: Int
    ) async throws(AdministrationError) -> SharedCache.Page {
        do { return try await page(selector, after: cursor, limit: limit, withAnswers: true) } catch let error as SelectorError {
            throw .selector(error)
        } catch let error as SharedTierError {
            throw .engine(error)
        } catch { throw .engine(.engine("\(error)")) }
    }
}

extension CacheRecord {
    /// Whether the question is as near as a selector's `similar_to` wants it; `true` where it wants nothing.
    fileprivate func isLike(_ likeness: (vector: UnitVector, threshold: Float)?, of embedder: (any Embedder)?) -> Bool {
        guard let likeness else { return true }
        guard let embedding, embedding.fingerprint == embedder?.fingerprint, embedding.vector.dimension == likeness.vector.dimension else {
            return false
        }
        return embedding.vector.similarity(to: likeness.vector) >= likeness.threshold
    }
}
