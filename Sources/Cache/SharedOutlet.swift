package import SemanticCache
import Synchronization
import Telemetry

/// Where a cache that several proxies share says what comes in and goes, for the others to know.
package protocol SharedOutlet: AnyObject, Sendable {
    /// An entry was made here, or came by its vector. Never waits.
    func added(_ record: CacheRecord)

    /// Leaves an entry to exact repeats alone, on all proxies.
    func unreach(_ entry: EntryMetadata) async

    /// What is known of an entry that is not here; `nil` when nobody has it, or that cannot be told now.
    func metadata(_ id: EntryID) async -> EntryMetadata?
}

extension AnswerCache {
    /// Holds the outlet no longer than whoever made it: it holds the cache.
    struct Outlet {
        weak var outlet: (any SharedOutlet)?
    }

    /// Tells `outlet` of everything from now on.
    package func share(through outlet: any SharedOutlet) { self.outlet.withLock { $0.outlet = outlet } }

    /// What is known of an entry, here or elsewhere, without looking into the store.
    package func metadata(anywhere id: EntryID) async -> EntryMetadata? {
        if let known = metadata(id) { return known }
        return await outlet.withLock { $0.outlet }?.metadata(id)
    }

    /// Whether an entry was flushed here since `mark`.
    package func isFlushed(_ entry: EntryMetadata, since mark: Flushes.Mark) -> Bool { flushes.cover(entry, since: mark) }

    /// What the shared tier has of the entry; `nil` when it is not here, or it is not certain yet that it stays.
    package func sharing(_ id: EntryID) -> EntrySharing? { resident.withLock { $0.sharing(id) } }

    /// Whether a rewording can find the entry.
    package func isSearchable(_ id: EntryID) -> Bool {
        guard let scope = metadata(id)?.scope else { return false }
        return index.contains(id, in: scope)
    }

    /// The entries that the shared tier has not taken.
    package var waitingCount: Int { resident.withLock { $0.waitingCount } }

    /// Notes that the shared tier has taken these entries, each with its vector or without. One that came by a vector since goes on waiting.
    package func noteTaken(_ entries: [EntryID: Bool]) {
        resident.withLock { resident in
            for id in entries.keys where resident.sharing(id) == .waiting { resident.setSharing(.taken, of: id) }
        }
        writer.noteTaken(entries)
    }

    /// Notes that the shared tier has nothing any more: what was made here waits again.
    package func forgetTaken() {
        resident.withLock { $0.forgetTaken() }
        writer.forgetTaken()
    }

    /// The ids of the entries of which the shared tier has that, about the youngest first, in parts; `nil` when there are no more parts.
    package func ids(_ sharing: EntrySharing, part: Int) -> [EntryID]? {
        resident.withLock { resident in resident.ids(ofPart: resident.partCount - 1 - part, sharing) }?.sorted(by: >)
    }

    /// Removes what came from other proxies, also from what has not been read from the store yet. Returns how many were here.
    @discardableResult
    package func removeFetched() -> Int {
        restoring.withLock { $0?.refusesFetched = true }
        var (count, part) = (0, 0)
        while let ids = ids(.fetched, part: part) {
            count += remove(ids, as: .flushed)
            part += 1
        }
        return count
    }
}
