import CPostgres
import Foundation
import SemanticCache

/// A connection that stands, on its way to the thread that will drive it.
///
/// `@unchecked Sendable`: whoever made it lets go of it before another takes it.
struct MadeConnection: @unchecked Sendable {
    let handle: OpaquePointer
}

/// Makes a connection, on a thread of its own that lives no longer: libpq looks up the names of hosts while it connects, and waits for the answer.
enum Handshake {
    static func begin(_ configuration: PostgresConfiguration, _ done: @escaping @Sendable (Result<MadeConnection, PostgresFault>) -> Void) {
        let thread = Thread { done(perform(configuration)) }
        thread.name = "postgres connect"
        thread.start()
    }

    private static func perform(_ configuration: PostgresConfiguration) -> Result<MadeConnection, PostgresFault> {
        let deadline = ContinuousClock.now + configuration.patience
        guard let handle = start(configuration) else { return .failure(PostgresFault(state: nil, error: .unreachable("libpq has no memory"))) }
        // With the code of what the engine refuses, which libpq says nowhere else.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        PQsetNoticeReceiver(handle, { _, _ in }, nil)
        var step = PQstatus(handle) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while step != PGRES_POLLING_OK {
            guard step != PGRES_POLLING_FAILED else { return give(up: handle, PostgresFault(connection: handle)) }
            var descriptor = pollfd(fd: PQsocket(handle), events: Int16(step == PGRES_POLLING_READING ? POLLIN : POLLOUT), revents: 0)
            let left = (deadline - .now).wholeMilliseconds
            let ready = left > 0 ? poll(&descriptor, 1, Int32(clamping: left + 1)) : 0
            if ready == 0 {
                let reason = "\(configuration.endpoint) let nobody in within \(configuration.patience.components.seconds) s"
                return give(up: handle, PostgresFault(state: nil, error: .unreachable(reason)))
            }
            if ready > 0 { step = PQconnectPoll(handle) }
        }
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            return give(up: handle, PostgresFault(connection: handle))
        }
        return .success(MadeConnection(handle: handle))
    }

    private static func give(up handle: OpaquePointer, _ fault: PostgresFault) -> Result<MadeConnection, PostgresFault> {
        PQfinish(handle)
        return .failure(fault)
    }

    private static func start(_ configuration: PostgresConfiguration) -> OpaquePointer? {
        // What stands before the URL gives way to it, what stands behind it does not. A peer that is gone without a word is missed after a minute.
        let words = [
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"), ("tcp_user_timeout", "30000"),
            ("fallback_application_name", "reprise"), ("dbname", configuration.url), ("client_encoding", "UTF8"),
        ]
        var keywords = words.map { strdup($0.0) } + [nil]
        var values = words.map { strdup($0.1) } + [nil]
        defer { for word in keywords + values { free(word) } }
        return keywords.withUnsafeMutableBufferPointer { keywords in
            values.withUnsafeMutableBufferPointer { values in
                keywords.withMemoryRebound(to: UnsafePointer<CChar>?.self) { keywords in
                    values.withMemoryRebound(to: UnsafePointer<CChar>?.self) { values in
                        PQconnectStartParams(keywords.baseAddress, values.baseAddress, 1)
                    }
                }
            }
        }
    }
}
