import Synchronization

/// Whether somebody waits for what is made in the background. Nobody does at first; that may change while it is made.
package final class Urgency: Sendable {
    private struct State {
        var isRaised = false
        var actions: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    package init() {}

    package var isRaised: Bool { state.withLock { $0.isRaised } }

    /// From now on somebody waits.
    package func raise() {
        let actions = state.withLock { state in
            state.isRaised = true
            defer { state.actions = [] }
            return state.actions
        }
        for action in actions { action() }
    }

    /// Runs `action` when somebody begins to wait; at once if somebody does already.
    package func onRaise(_ action: @escaping @Sendable () -> Void) {
        let runsNow = state.withLock { state in
            if !state.isRaised { state.actions.append(action) }
            return state.isRaised
        }
        if runsNow { action() }
    }
}
