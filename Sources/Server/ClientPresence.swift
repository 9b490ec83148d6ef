import NIOCore
import Proxy
import SemanticCache
import Synchronization

/// A request that was begun before it reached its route.
struct BegunRequest: Sendable {
    let id: String
    let beginning: RequestPipeline.Beginning
}

/// Tells whether the client of a connection is still there.
///
/// While a request waits for its upstream nothing is written, so a client that left would go unnoticed. ``ConnectionWatch`` sees the end of the
/// inbound side (a FIN counts as leaving, as it does for nginx) and runs what was left here.
final class ClientPresence: Sendable {
    private struct State {
        var hasLeft = false
        var action: (@Sendable () -> Void)?
        var begun: BegunRequest?
    }

    private let state = Mutex(State())
    /// What the client says once its connection speaks HTTP no more; `nil` where it speaks nothing else.
    let bytes: BytePipe?

    init(bytes: BytePipe? = nil) { self.bytes = bytes }

    /// Runs `action` once when the client leaves; at once if it has left already. Replaces what was set before.
    func onLeave(_ action: (@Sendable () -> Void)?) {
        let runNow = state.withLock { state in
            state.action = state.hasLeft ? nil : action
            return state.hasLeft
        }
        if runNow { action?() }
    }

    /// Leaves what was begun for the request that is handed on; `nil` for one that was not begun.
    func handOn(_ begun: BegunRequest?) { state.withLock { $0.begun = begun } }

    /// What was begun for the request that was handed on last, once.
    func takeBegun() -> BegunRequest? { state.withLock { $0.begun.take() } }

    func leave() {
        let action = state.withLock { state in
            defer { state.action = nil }
            state.hasLeft = true
            return state.action
        }
        action?()
    }

    /// Runs `operation` in a task of its own, which is cancelled when the client leaves or the caller is cancelled.
    func whilePresent<Value: Sendable>(_ operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let task = Task(executorPreference: RequestExecutor.current) { try await operation() }
        onLeave { task.cancel() }
        defer { onLeave(nil) }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

/// The presences of all open connections.
final class ClientPresences: Sendable {
    private let byChannel = Mutex<[ObjectIdentifier: ClientPresence]>([:])

    /// The presence of a connection's client; one that never leaves for a connection that is unknown.
    func presence(of channel: any Channel) -> ClientPresence {
        byChannel.withLock { $0[ObjectIdentifier(channel)] } ?? ClientPresence()
    }

    /// Adds a connection; returns how many there are with it.
    func add(_ presence: ClientPresence, for channel: any Channel) -> Int {
        byChannel.withLock { presences in
            presences[ObjectIdentifier(channel)] = presence
            return presences.count
        }
    }

    func remove(_ channel: any Channel) {
        byChannel.withLock { $0[ObjectIdentifier(channel)] = nil }
    }
}
