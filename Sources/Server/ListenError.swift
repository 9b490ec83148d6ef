import Glibc
import NIOCore

/// Why the server cannot listen where it was told to.
package enum ListenError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another program listens there.
    case portTaken(Int, host: String)
    /// Only root, and who has its capability, may open the port.
    case portReserved(Int)
    /// The address is none of this machine's.
    case foreignAddress(String)
    /// The name leads to no address.
    case unknownHost(String, reason: String)
    /// The system takes no such address for another reason.
    case unusableAddress(String, reason: String)

    /// - Parameter error: of opening `port` on `host`; `nil` comes of one that says nothing about either.
    init?(_ error: any Error, host: String, port: Int) {
        switch error {
        case let error as SocketAddressError.UnknownHost: self = .unknownHost(host, reason: error.errorDescription)
        case let error as IOError:
            switch error.errnoCode {
            case EADDRINUSE: self = .portTaken(port, host: host)
            case EACCES: self = .portReserved(port)
            case EADDRNOTAVAIL: self = .foreignAddress(host)
            case EINVAL, EAFNOSUPPORT: self = .unusableAddress(host, reason: String(cString: strerror(error.errnoCode)))
            default: return nil
            }
        default: return nil
        }
    }

    package var description: String {
        switch self {
        case .portTaken(let port, let host):
            "server.port (--port): expected a free port, 0 for any; found \(port), which is in use on \(host) by another program"
        case .portReserved(let port):
            "server.port (--port): expected a port that this user may open, such as 8080; found \(port), and ports below 1024 need root or "
                + "CAP_NET_BIND_SERVICE"
        case .foreignAddress(let host):
            "server.host (--host): expected an address of this machine, 127.0.0.1 for clients on it alone or 0.0.0.0 for every network; found "
                + "\(host), which none of its networks has"
        case .unknownHost(let host, let reason):
            "server.host (--host): expected a name or an address of this machine; found \(host), which leads to no address (\(reason))"
        case .unusableAddress(let host, let reason):
            "server.host (--host): expected an address that can be listened on, a link-local one with its interface (fe80::1%eth0); found \(host) "
                + "(\(reason))"
        }
    }
}
