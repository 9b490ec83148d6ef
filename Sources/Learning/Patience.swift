import Synchronization

/// Knows in which kinds of traffic hardly any rewording hits, where requests need not wait to hear so.
///
/// Embedding a prompt takes milliseconds, and where prompts never come back they buy nothing. After a run of look-ups without a hit the next requests
/// of the kind go to the model at once and are looked up behind the call, so that the cache goes on learning and the first that could have been
/// served ends the run. A hit is only ever given up after a full run without one: at most one look-up in `limit`, and those that come in the same moment.
///
/// A kind in which nothing was ever found is given less time: most traffic that repeats itself shows it early. Its first find costs it that one hit.
package final class Patience: Sendable {
    /// Runs are forgotten altogether beyond this many kinds, which only makes requests wait again.
    private static let maximumKinds = 4096

    struct Run {
        /// Look-ups since the last that found something to serve.
        var length = 0
        var hasEverFound = false
    }

    /// How many times shorter the run is after which a kind is given up that never found anything.
    private static let unprovenShare = 16

    let runs = Mutex<[PopulationKey: Run]>([:])

    package init() {}

    /// Whether a request waits for its look-up; always when `limit` is zero.
    package func waits(_ kind: @autoclosure () -> PopulationKey, limit: Int) -> Bool {
        guard limit > 0 else { return true }
        let kind = kind()
        let run = runs.withLock { $0[kind] } ?? Run()
        return run.length < (run.hasEverFound ? limit : max(1, limit / Self.unprovenShare))
    }

    /// Takes in what a look-up came to, awaited or not.
    package func note(isHit: Bool, of kind: PopulationKey) {
        runs.withLock { runs in
            if runs.count >= Self.maximumKinds, runs[kind] == nil { runs.removeAll() }
            if isHit { runs[kind] = Run(hasEverFound: true) } else { runs[kind, default: Run()].length += 1 }
        }
    }
}
