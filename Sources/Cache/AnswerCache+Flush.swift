package import SemanticCache
import Synchronization
import Telemetry

extension AnswerCache {
    /// What a flush removed.
    package struct Flushed: Sendable {
        package let entries: [EntryMetadata]
        /// How many of them were there still when their turn came.
        package let removed: Int
        /// How many of them the shared tier did not have.
        package let waiting: Int
    }

    /// Removes what a selector means, and sees to it that nothing of it that is on its way is kept. Entries that are only kept for the upstream's
    /// failures go too: what was flushed must not come back when the upstream fails.
    ///
    /// Throws ``SelectorError`` when the selector cannot be made ready; nothing is removed then.
    ///
    /// - Parameters:
    ///   - moment: when it was said, which ages are counted from.
    ///   - likeness: what `similar_to` came to, where the selector has it.
    ///   - willRemove: told of the entries before they go.
    package func flush(
        _ selector: EntrySelector, at moment: Timestamp, likeness: (vector: UnitVector, threshold: Float)? = nil,
        willRemove: ([EntryMetadata]) -> Void = { _ in }
    ) throws(SelectorError) -> Flushed {
        let compiled = try CompiledSelector(selector)
        // Before they are looked for: what comes in after that is not found, and must not stay.
        flushes.note(selector, at: moment)
        let meant = ids(meantBy: compiled, at: moment, likeness: likeness)
        let entries = meant.compactMap { metadata($0) }
        willRemove(entries)
        let waiting = resident.withLock { resident in meant.count { resident.sharing($0) == .waiting } }
        return Flushed(entries: entries, removed: remove(meant, as: .flushed), waiting: waiting)
    }

    /// The entries that a selector means, those included that are kept for the upstream's failures, oldest first.
    package func ids(
        meantBy selector: CompiledSelector, at moment: Timestamp, likeness: (vector: UnitVector, threshold: Float)?
    ) -> [EntryID] {
        let near = likeness.map { self.ids(like: $0.vector, atLeast: $0.threshold) }
        return self.ids(after: nil, limit: .max) { near?.contains($0.id) ?? true && selector.selects($0, at: moment) }
    }

    /// The ids of all entries, of whatever scope, whose query is at least so similar.
    package func ids(like vector: UnitVector, atLeast threshold: Float) -> Set<EntryID> {
        guard vector.dimension == index.dimension else { return [] }
        let scopes = Set(all.compactMap(\.scope))
        return scopes.reduce(into: []) { $0.formUnion(ids(atLeast: threshold, similarTo: vector, in: $1)) }
    }
}
