import CPostgres
import Foundation
import SemanticCache

/// One connection in pipeline mode, and the calls that it owes an answer. Lives on the transport's thread alone.
final class PostgresConnection {
    enum State {
        case none
        case connecting
        case ready(OpaquePointer)
    }

    private(set) var state = State.none
    /// Calls that wait for the connection.
    private var waiting: [PostgresCall] = []
    /// Calls that were sent, in the order in which they will be answered.
    private var sent: [PostgresCall] = []
    /// What came of the first of them so far.
    private var collected: [ResultRows] = []
    private var fault: PostgresFault?
    /// `statement_timeout` as the engine will have it when it comes to the next call.
    private var patience: Int64?
    private var hasOutput = false
    private let onNotice: () -> Void

    /// How long the answer to a call may be overdue before the connection is given up.
    private static let grace = Duration.seconds(2)

    /// - Parameter onNotice: called for what the engine was asked to LISTEN to.
    init(onNotice: @escaping () -> Void = {}) { self.onNotice = onNotice }

    var isIdle: Bool { load == 0 }

    /// Calls that it has still to answer.
    var load: Int { waiting.count + sent.count }

    /// Whether it is neither there nor being made.
    var isUnused: Bool { if case .none = state { true } else { false } }

    var isReady: Bool { if case .ready = state { true } else { false } }

    /// What `poll` is to wait for.
    var descriptor: pollfd? {
        guard case .ready(let handle) = state else { return nil }
        return pollfd(fd: PQsocket(handle), events: Int16(hasOutput ? POLLIN | POLLOUT : POLLIN), revents: 0)
    }

    /// Sends the call now, or as soon as there is a connection.
    func take(_ call: PostgresCall) {
        waiting.append(call)
        send()
    }

    func beginConnecting() { state = .connecting }

    func connected(_ connection: MadeConnection) {
        state = .ready(connection.handle)
        patience = nil
        // Settings that this program can do without are asked for one by one. A search goes on through a graph until it has enough of its scope.
        for (name, value) in [
            ("plan_cache_mode", "force_custom_plan"), ("hnsw.iterative_scan", "strict_order"), ("jit", "off"), ("idle_session_timeout", "0"),
        ] { dispatch(.setting(name, value)) }
        send()
    }

    func failedToConnect(_ fault: PostgresFault) { drop(fault) }

    /// Ends the connection; everybody who waits is told why.
    func drop(_ fault: PostgresFault) {
        if case .ready(let handle) = state { PQfinish(handle) }
        state = .none
        hasOutput = false
        // What the engine said last says more than that the connection is gone.
        sent.first?.finish(.failure(self.fault ?? fault))
        for call in sent.dropFirst() + waiting { call.finish(.failure(fault)) }
        sent = []
        waiting = []
        collected = []
        self.fault = nil
    }

    /// Ends what has taken too long. Returns when to look again.
    func enforceDeadlines(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        if let first = sent.first, first.deadline + Self.grace <= now {
            drop(.timedOut)
            return nil
        }
        var nearest = sent.first.map { $0.deadline + Self.grace }
        for call in sent + waiting where !call.isFinished {
            if call.deadline <= now {
                call.finish(.failure(.timedOut))
            } else {
                nearest = min(nearest ?? call.deadline, call.deadline)
            }
        }
        if !isReady { waiting.removeAll(where: \.isFinished) }
        return nearest
    }

    // MARK: Sending

    private func send() {
        guard isReady else { return }
        let calls = waiting
        waiting = []
        for call in calls where !call.isFinished {
            limitTime(of: call)
            dispatch(call)
        }
        flush()
    }

    /// Lets the engine end a call by itself soon after nobody waits for it. Rides along with the call, and only when the limit changes much.
    private func limitTime(of call: PostgresCall) {
        let left = max(1, (call.deadline - .now).wholeMilliseconds)
        if let patience, (left...2 * left).contains(patience) { return }
        patience = left + left / 2 + 1
        dispatch(.setting("statement_timeout", "\(left + left / 2 + 1)"))
    }

    private func dispatch(_ call: PostgresCall) {
        guard case .ready(let handle) = state else { return call.finish(.failure(.broken)) }
        sent.append(call)
        for statement in call.statements where !Self.send(statement, on: handle) { return drop(PostgresFault(connection: handle)) }
        if PQpipelineSync(handle) != 1 { drop(PostgresFault(connection: handle)) }
    }

    private static func send(_ statement: Statement, on handle: OpaquePointer) -> Bool {
        let count = statement.parameters.count
        let types = statement.parameters.map(\.type)
        let lengths = statement.parameters.map { Int32(clamping: $0.bytes?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: count)
        // One buffer for all values; a value of no bytes must have an address as well.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: statement.parameters.reduce(1) { $0 + ($1.bytes?.count ?? 0) }, alignment: 1)
        defer { buffer.deallocate() }
        var values: [UnsafePointer<CChar>?] = []
        var offset = 0
        for parameter in statement.parameters {
            guard let bytes = parameter.bytes else {
                values.append(nil)
                continue
            }
            buffer[offset...].copyBytes(from: bytes)
            values.append(buffer.baseAddress.map { UnsafePointer(($0 + offset).assumingMemoryBound(to: CChar.self)) })
            offset += bytes.count
        }
        return PQsendQueryParams(handle, statement.sql, Int32(count), types, values, lengths, formats, 1) == 1
    }

    private func flush() {
        guard case .ready(let handle) = state else { return }
        switch PQflush(handle) {
        case 0: hasOutput = false
        case 1: hasOutput = true
        default: drop(PostgresFault(connection: handle))
        }
    }

    // MARK: Reading

    /// Called when `poll` found something.
    func advance() {
        guard case .ready(let handle) = state else { return }
        let isAlive = PQconsumeInput(handle) == 1
        readResults(handle)
        while let notice = PQnotifies(handle) {
            PQfreemem(notice)
            onNotice()
        }
        guard isAlive, PQstatus(handle) != CONNECTION_BAD else { return drop(PostgresFault(connection: handle)) }
        flush()
    }

    private func readResults(_ handle: OpaquePointer) {
        // NULL stands between the results of two statements; twice in a row it means that there is nothing.
        var gaps = 0
        while !sent.isEmpty, gaps < 2, PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else {
                gaps += 1
                continue
            }
            gaps = 0
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK: collected.append(ResultRows(result))
            case PGRES_PIPELINE_SYNC:
                PQclear(result)
                sent.removeFirst().finish(fault.map { .failure($0) } ?? .success(collected))
                collected = []
                fault = nil
            case PGRES_PIPELINE_ABORTED: PQclear(result)
            default:
                fault = fault ?? PostgresFault(result: result)
                PQclear(result)
            }
        }
    }
}

extension PostgresCall {
    /// Sets something for the rest of the connection's life; nobody waits for it.
    fileprivate static func setting(_ name: String, _ value: String) -> PostgresCall {
        let call = PostgresCall(
            [Statement(sql: "select set_config($1, $2, false)", parameters: [.text(name), .text(value)])], until: .now + .seconds(10))
        call.finish(.success([]))
        return call
    }
}
