import DequeModule
import SemanticCache
import Synchronization

/// What was flushed of late, told to answers that were on their way meanwhile.
///
/// An answer whose call began before a flush may say what was flushed because it is wrong. It is not kept, as an HTTP cache keeps nothing that was asked
/// for before a purge. Whoever inserts asks twice, before and once everything is in its place: so memory, index and store are told the same whichever
/// of the two came first in each of them.
package final class Flushes: Sendable {
    /// A moment between two flushes.
    package struct Mark: Sendable {
        fileprivate let number: Int
    }

    private struct Partial {
        let number: Int
        let selector: EntrySelector
        let at: Timestamp
    }

    private struct State {
        /// The number of the last flush that began or ended.
        var number = 0
        /// The number of the last one that means every entry.
        var whole = 0
        /// Flushes of everything that have not ended.
        var underway = 0
        /// The last that mean some entries, oldest first.
        var partial: Deque<Partial> = []
    }

    /// The flushes by selector that are remembered; an older one counts as one of everything, which costs a call that takes so long its place.
    private static let limit = 1024

    private let state = Mutex(State())

    /// This moment.
    var mark: Mark { Mark(number: state.withLock { $0.number }) }

    /// Removes everything by `removal`; whatever comes in meanwhile goes too.
    func ofAll<Result>(_ removal: () -> Result) -> Result {
        change { state in
            state.underway += 1
            state.partial = []
        }
        defer { change { $0.underway -= 1 } }
        return removal()
    }

    private func change(_ change: (inout State) -> Void) {
        state.withLock { state in
            state.number += 1
            state.whole = state.number
            change(&state)
        }
    }

    /// Notes that what a selector means is about to be removed. `similar_to` is not looked at: it takes in more than it has to.
    func note(_ selector: EntrySelector, at now: Timestamp) {
        state.withLock { state in
            state.number += 1
            state.partial.append(Partial(number: state.number, selector: selector, at: now))
            if state.partial.count > Self.limit { state.whole = state.partial.removeFirst().number }
        }
    }

    /// Whether a flush since `mark` means this entry.
    func cover(_ entry: EntryMetadata, since mark: Mark) -> Bool {
        let partial: [Partial]? = state.withLock { state in
            guard state.underway == 0, state.whole <= mark.number else { return nil }
            return state.number > mark.number ? state.partial.filter { $0.number > mark.number } : []
        }
        guard let partial else { return true }
        return partial.contains { flush in
            // One that cannot be made ready removed nothing: it was refused.
            (try? CompiledSelector(flush.selector))?.selects(entry, at: flush.at) ?? false
        }
    }
}
