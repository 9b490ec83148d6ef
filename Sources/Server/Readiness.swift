import Synchronization

/// What `/readyz` says: whether each part is in order, and why not.
package final class Readiness: Sendable {
    /// The state of one part. A degraded part does not make the proxy unready: it serves on with less.
    package enum State: Sendable, Equatable {
        case ready
        case degraded(String)
        case starting
    }

    private struct Parts {
        var states: [String: State] = [:]
        /// What a part has to say as long as nothing else is wrong with it.
        var remembered: [String: String] = [:]
    }

    private let parts = Mutex(Parts())

    package init() {}

    /// Sets the state of the part `name`.
    package func set(_ name: String, _ state: State) {
        parts.withLock { parts in
            if state == .ready, let detail = parts.remembered[name] {
                parts.states[name] = .degraded(detail)
            } else {
                parts.states[name] = state
            }
        }
    }

    /// Notes what happened to the part `name` and somebody should look at, although it works on: said until the end of the process.
    package func remember(_ name: String, _ detail: String) {
        parts.withLock { parts in
            parts.remembered[name] = detail
            parts.states[name] = .degraded(detail)
        }
    }

    /// All parts by name.
    var all: [String: State] { parts.withLock { $0.states } }

    /// Whether no part is still starting.
    var isReady: Bool { !all.values.contains(.starting) }
}
