import SemanticCache
import Synchronization

/// Answers whose last event has come and whose connections are still open: they are kept within a moment.
///
/// A client has all it wants at the last event, and may ask the same again before the provider has closed the connection. It then waits for the answer
/// to be kept, rather than for a call of its own.
final class Endings: Sendable {
    /// One answer that is about to be kept; ended by ``end()``, at the latest when the last copy is gone.
    final class Ending: Sendable {
        private let endings: Endings
        private let key: CacheKey
        private let isOpen = Mutex(true)

        fileprivate init(_ endings: Endings, _ key: CacheKey) {
            self.endings = endings
            self.key = key
        }

        /// The answer is kept, or never will be. Further calls do nothing.
        func end() {
            let wasOpen = isOpen.withLock { isOpen in
                defer { isOpen = false }
                return isOpen
            }
            if wasOpen { endings.end(key) }
        }

        deinit { end() }
    }

    private struct State {
        var open: [CacheKey: Int] = [:]
        var waiting: [CacheKey: [CheckedContinuation<Void, Never>]] = [:]
    }

    private let state = Mutex(State())

    /// Notes that the last event of an answer has come.
    func begin(_ key: CacheKey) -> Ending {
        state.withLock { $0.open[key, default: 0] += 1 }
        return Ending(self, key)
    }

    /// Whether an answer under this key is about to be kept.
    func isOpen(_ key: CacheKey) -> Bool { state.withLock { !$0.open.isEmpty && $0.open[key] != nil } }

    /// Waits until no answer under this key is about to be kept.
    func settle(_ key: CacheKey) async {
        guard isOpen(key) else { return }
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                guard state.open[key] != nil else { return false }
                state.waiting[key, default: []].append(continuation)
                return true
            }
            if !waits { continuation.resume() }
        }
    }

    private func end(_ key: CacheKey) {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard let count = state.open[key], count > 1 else {
                state.open[key] = nil
                return state.waiting.removeValue(forKey: key) ?? []
            }
            state.open[key] = count - 1
            return []
        }
        for waiter in waiting { waiter.resume() }
    }
}
