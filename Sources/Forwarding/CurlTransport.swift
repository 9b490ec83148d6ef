import CCurl
import Foundation
import SemanticCache
import Synchronization

/// The thread that drives libcurl's multi interface, and the connections that it keeps.
///
/// `@unchecked Sendable`: `multi` and `active` belong to the thread alone; other threads only call `curl_multi_wakeup` on `multi`, which libcurl
/// allows and which is there as long as the transport is, and reach everything else through the lock.
package final class CurlTransport: @unchecked Sendable {
    private enum Command {
        case start(Transfer)
        case resume(Transfer)
        case cancel(Transfer)
    }

    private struct State {
        var commands: [Command] = []
        var isClosing = false
        var hasEnded = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let multi: UnsafeMutableRawPointer
    private let state = Mutex(State())
    private var active: [ObjectIdentifier: Exchange] = [:]

    /// Starts the thread.
    ///
    /// - Parameter maximumConnections: open at once to one host; more exchanges wait for a connection.
    package init(maximumConnections: Int) {
        // Runs once in the process, before any other call, as libcurl demands.
        _ = Self.initialised
        guard let multi = curl_multi_init() else { preconditionFailure("libcurl has no memory for its first handle") }
        self.multi = multi
        ccurl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, maximumConnections)
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, maximumConnections)
        ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        let thread = Thread { [self] in run() }
        thread.name = "curl"
        thread.start()
    }

    deinit { curl_multi_cleanup(multi) }

    private static let initialised: Void = { _ = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) }()

    /// Begins an exchange; it fails with ``UpstreamError/closed`` when the transport is closing.
    func start(_ transfer: Transfer) {
        if !send(.start(transfer)) { transfer.finish(.failure(.closed)) }
    }

    /// Lets an exchange that was paused in either direction go on.
    func resume(_ transfer: Transfer) { _ = send(.resume(transfer)) }

    /// Ends an exchange early. One that has ended already is left alone.
    func cancel(_ transfer: Transfer) { _ = send(.cancel(transfer)) }

    /// Ends what is still under way, closes all connections and waits for the thread.
    package func close() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                state.isClosing = true
                if !state.hasEnded { state.closers.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() } else { curl_multi_wakeup(multi) }
        }
    }

    private func send(_ command: Command) -> Bool {
        let isTaken = state.withLock { state in
            if !state.isClosing { state.commands.append(command) }
            return !state.isClosing
        }
        // After the lock, which the thread takes first of all.
        if isTaken { curl_multi_wakeup(multi) }
        return isTaken
    }

    // MARK: The thread

    private func run() {
        while true {
            let (commands, isClosing) = state.withLock { state in
                defer { state.commands = [] }
                return (state.commands, state.isClosing)
            }
            for command in commands { obey(command) }
            if isClosing { break }
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            reapFinished()
            let wait = enforceDeadlines()
            curl_multi_poll(multi, nil, 0, wait, nil)
        }
        for exchange in active.values { end(exchange, with: .failure(.closed)) }
        let closers = state.withLock { state in
            state.hasEnded = true
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    private func obey(_ command: Command) {
        switch command {
        case .start(let transfer):
            guard let exchange = Exchange(transfer, wake: { [weak self] in self?.resume(transfer) }) else {
                transfer.finish(.failure(.broken("libcurl has no memory for it")))
                return
            }
            active[ObjectIdentifier(transfer)] = exchange
            curl_multi_add_handle(multi, exchange.easy)
        case .resume(let transfer):
            active[ObjectIdentifier(transfer)]?.resume()
        case .cancel(let transfer):
            // A transfer that was never started is not in the list; whoever waits for it must still be told.
            if let exchange = active[ObjectIdentifier(transfer)] {
                end(exchange, with: .failure(.cancelled))
            } else {
                transfer.finish(.failure(.cancelled))
            }
        }
    }

    private func reapFinished() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let exchange = Exchange.of(message.pointee.easy_handle) else { continue }
            end(exchange, with: exchange.outcome(of: ccurl_message_result(message)))
        }
    }

    /// Ends what has taken too long; returns for how many milliseconds the thread may sleep.
    private func enforceDeadlines() -> Int32 {
        let now = ContinuousClock.now
        var nearest = now + .seconds(30)
        for exchange in active.values {
            guard let (deadline, error) = exchange.deadline else { continue }
            if deadline <= now { end(exchange, with: .failure(error)) } else { nearest = min(nearest, deadline) }
        }
        return Int32(clamping: (nearest - now).wholeMilliseconds + 1)
    }

    private func end(_ exchange: Exchange, with result: Result<Void, UpstreamError>) {
        active[ObjectIdentifier(exchange.transfer)] = nil
        curl_multi_remove_handle(multi, exchange.easy)
        exchange.close()
        exchange.transfer.finish(result)
    }
}
