import Synchronization

/// Knows in which kinds of traffic hardly any rewording hits, where requests need not wait to hear so.
///
/// Embedding a prompt takes milliseconds, and where prompts never come back they buy nothing. After a run of look-ups without a hit the next requests
/// of the kind go to the model at once and are looked up behind the call, so that the cache goes on learning and the first that could have been
/// served ends the run. A hit is only ever given up after a full run without one: at most one look-up in `limit`, and those that come in the same moment.
final class Patience: Sendable {
    /// Runs are forgotten altogether beyond this many kinds, which only makes requests wait again.
    private static let maximumKinds = 4096

    /// Look-ups of a kind since the last that found something to serve.
    private let runs = Mutex<[PopulationKey: Int]>([:])

    /// Whether a request waits for its look-up; always when `limit` is zero.
    func waits(_ kind: @autoclosure () -> PopulationKey, limit: Int) -> Bool {
        guard limit > 0 else { return true }
        let kind = kind()
        return runs.withLock { $0[kind, default: 0] } < limit
    }

    /// Takes in what a look-up came to, awaited or not.
    func note(isHit: Bool, of kind: PopulationKey) {
        runs.withLock { runs in
            guard !isHit else {
                runs[kind] = nil
                return
            }
            if runs.count >= Self.maximumKinds, runs[kind] == nil { runs.removeAll() }
            runs[kind, default: 0] += 1
        }
    }
}
