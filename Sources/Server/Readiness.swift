import Synchronization

/// What `/readyz` says: whether each part is in order, and why not.
package final class Readiness: Sendable {
    /// The state of one part. A degraded part does not make the proxy unready: it serves on with less.
    package enum State: Sendable, Equatable {
        case ready
        case degraded(String)
        case starting
    }

    private let parts = Mutex<[String: State]>([:])

    package init() {}

    /// Sets the state of the part `name`.
    package func set(_ name: String, _ state: State) { parts.withLock { $0[name] = state } }

    /// All parts by name.
    var all: [String: State] { parts.withLock { $0 } }

    /// Whether no part is still starting.
    var isReady: Bool { !all.values.contains(.starting) }
}
