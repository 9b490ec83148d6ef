import CPostgres
import Foundation
import SemanticCache
import Synchronization

/// The thread that drives libpq over a few connections, as one thread drives libcurl.
///
/// `@unchecked Sendable`: the connections belong to the thread alone; other threads only write to the pipe that wakes it, which is there as long as
/// the transport is, and reach everything else through the lock.
final class PostgresTransport: @unchecked Sendable {
    /// What a call is, so that none waits behind another kind.
    enum Lane {
        /// A look-up, which somebody waits for.
        case look
        /// Work behind the requests.
        case bulk
        /// The journal; this connection listens too.
        case journal
    }

    private enum Command {
        case call(PostgresCall, Lane)
        case listen
        case connected(Int, Result<MadeConnection, PostgresFault>)
    }

    private struct State {
        var commands: [Command] = []
        var hasBegun = false
        var isClosing = false
        var hasEnded = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let configuration: PostgresConfiguration
    private let onNotice: @Sendable () -> Void
    private let state = Mutex(State())
    private let wakeUp: (read: Int32, write: Int32)

    // The thread's own.
    private var connections: [PostgresConnection] = []
    private var isListening = false
    private var listenAgain: ContinuousClock.Instant?
    private var pause = PostgresTransport.shortestPause

    /// Look-ups share as many connections as they need, up to this.
    private static let lookers = 3
    private static let bulk = lookers
    private static let journal = lookers + 1
    private static let shortestPause = Duration.milliseconds(250)
    private static let longestPause = Duration.seconds(10)

    /// Starts nothing yet.
    ///
    /// - Parameter onNotice: called on the thread when the journal may have grown.
    init(_ configuration: PostgresConfiguration, onNotice: @escaping @Sendable () -> Void) {
        self.configuration = configuration
        self.onNotice = onNotice
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { preconditionFailure("the system has no pipe to give: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        wakeUp = (ends[0], ends[1])
    }

    deinit {
        Foundation.close(wakeUp.read)
        Foundation.close(wakeUp.write)
    }

    /// Carries out the statements as one transaction and waits until then, or until the deadline.
    func run(_ statements: [Statement], on lane: Lane, until deadline: ContinuousClock.Instant) async throws(PostgresFault) -> [ResultRows] {
        guard deadline > .now else { throw .timedOut }
        let call = PostgresCall(statements, until: deadline)
        guard send(.call(call, lane)) else { throw .closed }
        return try await call.outcome().get()
    }

    /// Listens from now on, over every loss of the connection.
    func listen() { _ = send(.listen) }

    /// Ends all connections and waits for the thread. Calls that are under way fail.
    func close() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                state.isClosing = true
                if !state.hasBegun { state.hasEnded = true }
                if !state.hasEnded { state.closers.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() } else { wake() }
        }
    }

    private func send(_ command: Command) -> Bool {
        let (isTaken, isFirst) = state.withLock { state in
            guard !state.isClosing else { return (false, false) }
            state.commands.append(command)
            defer { state.hasBegun = true }
            return (true, !state.hasBegun)
        }
        if isFirst {
            let thread = Thread { [self] in run() }
            thread.name = "postgres"
            thread.start()
        } else if isTaken {
            wake()
        }
        return isTaken
    }

    private func wake() {
        var byte: UInt8 = 0
        // A full pipe wakes it just as well.
        _ = write(wakeUp.write, &byte, 1)
    }

    // MARK: The thread

    private func run() {
        connections = (0...Self.journal).map { number in
            PostgresConnection(onNotice: { [onNotice] in if number == Self.journal { onNotice() } })
        }
        while true {
            let (commands, isClosing) = state.withLock { state in
                defer { state.commands = [] }
                return (state.commands, state.isClosing)
            }
            for command in commands { obey(command, isClosing) }
            if isClosing { break }
            let next = enforceDeadlines()
            wait(until: next)
        }
        for connection in connections { connection.drop(.closed) }
        let closers = state.withLock { state in
            state.hasEnded = true
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    private func obey(_ command: Command, _ isClosing: Bool) {
        switch command {
        case .call(let call, let lane):
            let number = connection(for: lane)
            connections[number].take(call)
            connect(number)
        case .listen:
            isListening = true
            if connections[Self.journal].isReady { beginListening() } else { connect(Self.journal) }
        case .connected(_, .success(let connection)) where isClosing:
            PQfinish(connection.handle)
        case .connected(let number, .success(let connection)):
            connections[number].connected(connection)
            if number == Self.journal, isListening { beginListening() }
        case .connected(let number, .failure(let fault)):
            connections[number].failedToConnect(fault)
        }
    }

    /// Of those that look up: one that has nothing to do, else the one with the least; and where all are busy, one more for those who come later.
    private func connection(for lane: Lane) -> Int {
        switch lane {
        case .bulk: return Self.bulk
        case .journal: return Self.journal
        case .look:
            let ready = (0..<Self.lookers).filter { connections[$0].isReady }.min { connections[$0].load < connections[$1].load }
            guard let ready else {
                return (0..<Self.lookers).first { !connections[$0].isUnused } ?? 0
            }
            if !connections[ready].isIdle, let unused = (0..<Self.lookers).first(where: { connections[$0].isUnused }) { connect(unused) }
            return ready
        }
    }

    private func connect(_ number: Int) {
        guard connections[number].isUnused else { return }
        connections[number].beginConnecting()
        Handshake.begin(configuration) { [self] outcome in
            guard !send(.connected(number, outcome)), case .success(let connection) = outcome else { return }
            PQfinish(connection.handle)
        }
    }

    private func beginListening() {
        pause = Self.shortestPause
        let call = PostgresCall([Statement(sql: "listen \(configuration.schema.quotedName)")], until: .now + .seconds(10))
        call.finish(.success([]))
        connections[Self.journal].take(call)
        // Something may have been said while nobody listened; whoever asks now asks on this connection, after it listens.
        onNotice()
    }

    private func enforceDeadlines() -> ContinuousClock.Instant {
        let now = ContinuousClock.now
        var nearest = now + .seconds(30)
        for connection in connections { nearest = min(nearest, connection.enforceDeadlines(now) ?? nearest) }
        if isListening, connections[Self.journal].isUnused {
            let again = listenAgain ?? now + pause
            listenAgain = again
            if again <= now {
                listenAgain = nil
                pause = min(pause * 2, Self.longestPause)
                connect(Self.journal)
            } else {
                nearest = min(nearest, again)
            }
        }
        return nearest
    }

    private func wait(until instant: ContinuousClock.Instant) {
        var descriptors = [pollfd(fd: wakeUp.read, events: Int16(POLLIN), revents: 0)]
        var polled: [PostgresConnection] = []
        for connection in connections {
            guard let descriptor = connection.descriptor else { continue }
            descriptors.append(descriptor)
            polled.append(connection)
        }
        let left = max(0, (instant - .now).wholeMilliseconds + 1)
        guard poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: left)) > 0 else { return }
        if descriptors[0].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 256)
            while read(wakeUp.read, &bytes, bytes.count) == bytes.count {}
        }
        for (connection, descriptor) in zip(polled, descriptors.dropFirst()) where descriptor.revents != 0 { connection.advance() }
    }
}

extension String {
    /// As a name in SQL.
    var quotedName: String { "\"" + split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" }
}
