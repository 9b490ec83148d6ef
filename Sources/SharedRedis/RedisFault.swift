import NIOCore
import NIOPosix
import NIOSSL
import SemanticCache

/// What servers and connections say, in the words of ``SharedTierError``.
enum RedisFault {
    /// An error that a command was answered with.
    static func of(_ message: String) -> SharedTierError {
        let code = message.prefix { $0 != " " }
        switch code {
        case "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "NOREPLICAS", "NOSCRIPT": return .starting(message)
        case "READONLY": return .readOnly(message)
        // MISCONF: the last copy could not be written to the disk.
        case "OOM", "MISCONF": return .full(message)
        case "NOAUTH", "WRONGPASS", "NOPERM", "DENIED", "NOPROTO": return .refused(message)
        case "MOVED", "ASK", "CROSSSLOT": return .refused("it is a node of a cluster: \(message)")
        case "WRONGTYPE": return .wrongLayout(found: "a key of ours with a value of another type", expected: "\(SharedIdentity.layout)")
        default: break
        }
        let words = message.lowercased()
        if words.contains("unknown command") {
            if words.contains("'ft.") || words.contains("`ft.") { return .noSearch("it has no search module: \(message)") }
            if words.contains("hello") { return .refused("it does not speak RESP3: Redis 6, Valkey or newer is needed") }
        }
        if words.contains("index on db != 0") { return .noSearch("it searches database 0 alone") }
        if words.contains("max number of clients") { return .unreachable(message) }
        if words.contains("vector blob size") { return .wrongLayout(found: message, expected: "\(SharedIdentity.layout)") }
        return .engine(message)
    }

    /// Whether a search was refused because its index is gone. Each version has words of its own.
    static func meansNoIndex(_ message: String) -> Bool {
        let words = message.lowercased()
        return words.contains("no such index") || words.contains("unknown index name")
            || words.contains("index") && words.contains("not found")
    }

    /// What ended a connection.
    static func of(_ error: any Error) -> SharedTierError {
        switch error {
        case let error as SharedTierError: return error
        case let error as RESPFault: return .garbled(error.description)
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            let words = "\(error)"
            let isDistrust = words.contains("CERTIFICATE_VERIFY_FAILED") || words.contains("failedToValidateHostname")
            return isDistrust || words.contains("unableToValidateCertificate")
                ? .refused("its certificate is not trusted: \(words)") : .unreachable("TLS: \(words)")
        case let error as NIOConnectionError:
            let reasons = error.connectionErrors.map { "\($0.error)" }
            if let reason = reasons.last { return .unreachable(reason) }
            let reason = (error.dnsAError ?? error.dnsAAAAError).map { "\($0)" } ?? "no address"
            return .unreachable("the name \(error.host) leads nowhere: \(reason)")
        case ChannelError.connectTimeout: return .unreachable("no connection in time")
        default: return .unreachable("\(error)")
        }
    }
}

extension RESPValue {
    /// The value itself; throws where it is an error.
    func orThrow() throws(SharedTierError) -> RESPValue {
        guard case .error(let message) = self else { return self }
        throw RedisFault.of(message)
    }

    /// Whether this says that a search's index is gone.
    var meansNoIndex: Bool {
        guard case .error(let message) = self else { return false }
        return RedisFault.meansNoIndex(message)
    }

    /// Whether this says that a key holds what is not ours.
    var meansWrongType: Bool {
        guard case .error(let message) = self else { return false }
        return message.hasPrefix("WRONGTYPE")
    }
}
