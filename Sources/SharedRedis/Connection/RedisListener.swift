import SemanticCache
import Synchronization

/// Listens on a channel for as long as anybody wants to hear, over connections that break and are made anew.
final class RedisListener: Sendable {
    /// Between two questions whether the connection still stands.
    private static let interval = Duration.seconds(1)
    /// After failures in a row.
    private static let longestPause = Duration.seconds(30)

    private struct State {
        var task: Task<Void, Never>?
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var next = 0
        var isClosed = false
    }

    private let link: RedisLink
    /// Shared with the connection, which says what it hears.
    private final class Listeners: Sendable {
        let state = Mutex(State())

        func tell() {
            for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
        }
    }

    private let listeners: Listeners

    init(_ configuration: RedisConfiguration, channel: String) {
        let listeners = Listeners()
        self.listeners = listeners
        link = RedisLink(configuration, subscribingTo: channel) { listeners.tell() }
    }

    /// Says something whenever a message came, and whenever one may have been missed. Ends when the listener is closed.
    func hints() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let number: Int? = listeners.state.withLock { state in
                guard !state.isClosed else { return nil }
                state.next += 1
                state.listeners[state.next] = continuation
                if state.task == nil { state.task = Task { [link, listeners] in await Self.keepListening(link, listeners) } }
                return state.next
            }
            guard let number else { return continuation.finish() }
            continuation.onTermination = { [listeners] _ in listeners.state.withLock { $0.listeners[number] = nil } }
        }
    }

    /// Any call makes the connection, and that one subscribes.
    private static func keepListening(_ link: RedisLink, _ listeners: Listeners) async {
        var pause = interval
        var wasConnected = false
        while !Task.isCancelled {
            do throws(SharedTierError) {
                _ = try await link.call(RedisCommands(["PING"]), until: .now + .seconds(5))
                // What was said meanwhile is not said again. Pushed on the connection that the subscription made, too.
                if !wasConnected { listeners.tell() }
                wasConnected = true
                pause = interval
            } catch {
                pause = wasConnected ? interval : min(pause * 2, longestPause)
                wasConnected = false
            }
            try? await Task.sleep(for: pause)
        }
    }

    func close() async {
        let (task, open) = listeners.state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [:] }
            return (state.task, Array(state.listeners.values))
        }
        task?.cancel()
        for listener in open { listener.finish() }
        await link.close()
    }
}
