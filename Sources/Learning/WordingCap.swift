package import SemanticCache
import Synchronization

/// Bounds how many distinct wordings one entry answers before the model is asked again.
///
/// One wrong or planted answer would otherwise serve ever more questions that are somewhat like its own. The wording that is one too many is
/// forwarded, gets a fresh answer of its own, and the count begins anew. Repeats of a wording do not count here: how often an answer is served before
/// its evidence is renewed is for the learner to bound.
package final class WordingCap: Sendable {
    /// Counts are forgotten altogether beyond this many entries, which only allows some wordings more.
    private static let maximumEntries = 50_000

    let wordings = Mutex<[EntryID: Set<Int>]>([:])

    package init() {}

    /// Whether the entry may answer this wording: one that it answered before, or one of the first `limit`; any when `limit` is zero. Changes nothing.
    package func admits(_ query: String, of id: EntryID, limit: Int) -> Bool {
        guard limit > 0 else { return true }
        let wording = query.hashValue
        return wordings.withLock { $0[id].map { $0.count < limit || $0.contains(wording) } ?? true }
    }

    /// Notes that the entry answered this wording.
    package func note(_ query: String, of id: EntryID, limit: Int) {
        guard limit > 0 else { return }
        let wording = query.hashValue
        wordings.withLock { wordings in
            if wordings.count > Self.maximumEntries { wordings.removeAll() }
            wordings[id, default: []].insert(wording)
        }
    }

    /// Notes that the model is asked again: the count begins anew.
    package func noteVerified(_ id: EntryID) { _ = wordings.withLock { $0.removeValue(forKey: id) } }
}
