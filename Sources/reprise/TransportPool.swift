import Forwarding
import Synchronization

/// The curl threads, one a provider, kept over reloads so that calls under way go on.
final class TransportPool: Sendable {
    private struct Key: Hashable {
        let name: String
        let connections: Int
    }

    private let transports = Mutex<[Key: CurlTransport]>([:])

    /// The transport of a provider; a new one where its number of connections changed.
    func transport(for name: String, connections: Int) -> CurlTransport {
        transports.withLock { transports in
            let key = Key(name: name, connections: connections)
            if let known = transports[key] { return known }
            let made = CurlTransport(maximumConnections: connections)
            transports[key] = made
            return made
        }
    }

    /// Ends all transfers and threads.
    func close() async {
        for transport in transports.withLock({ Array($0.values) }) { await transport.close() }
    }
}
