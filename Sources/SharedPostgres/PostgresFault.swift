import CPostgres
import SemanticCache

/// What went wrong with a call, with the engine's own code where it gave one.
struct PostgresFault: Error, Sendable {
    /// The SQLSTATE, five characters; `nil` where the fault is libpq's or ours.
    let state: String?
    let error: SharedTierError

    static let timedOut = PostgresFault(state: nil, error: .timedOut)
    static let closed = PostgresFault(state: nil, error: .unreachable("closed"))

    static let broken = PostgresFault(state: nil, error: .unreachable("the connection broke"))
    static let noResult = PostgresFault(state: nil, error: .garbled("a statement without a result"))

    init(state: String?, error: SharedTierError) {
        self.state = state
        self.error = error
    }

    /// Of a statement's result.
    init(result: OpaquePointer) {
        func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        if let state = field(cpostgres_sqlstate) {
            self.init(state: state, message: field(cpostgres_message) ?? state)
        } else {
            self.init(libpq: PQresultErrorMessage(result).map { String(cString: $0) } ?? "")
        }
    }

    /// Of a connection that broke or could not be made.
    ///
    /// libpq gives no code for these: it is read out of the message, which `PQERRORS_VERBOSE` makes it part of.
    init(connection: OpaquePointer) {
        let message = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
        if PQconnectionNeedsPassword(connection) != 0 {
            self.init(state: nil, error: .refused("it asks for a password, and the URL has none"))
        } else if let match = message.firstMatch(of: /(?:^|[ \n])[^ \n]+:  (?<state>[0-9A-Z]{5}): (?<message>[^\n]*)/) {
            self.init(state: String(match.state), message: String(match.message))
        } else {
            self.init(libpq: message)
        }
    }

    /// What libpq itself found wrong.
    private init(libpq message: String) {
        let line = message.split(separator: "\n").joined(separator: " ").trimmed
        // Its texts, in the C locale that this program runs in; it gives no codes.
        let strange = ["lost synchronization", "unexpected response", "expected authentication request", "invalid response", "unsupported frontend"]
        let refusals = ["certificate", "SSL was required", "SSL error", "sslmode", "authentication method", "channel binding", "SCRAM"]
        if strange.contains(where: line.contains) {
            self.init(state: nil, error: .garbled(line))
        } else if refusals.contains(where: line.contains) {
            self.init(state: nil, error: .refused(line))
        } else {
            self.init(state: nil, error: .unreachable(line.isEmpty ? "the connection broke" : line))
        }
    }

    init(state: String, message: String) {
        self.init(state: state, error: Self.error(state, message))
    }

    /// The codes are those of PostgreSQL's appendix A.
    private static func error(_ state: String, _ message: String) -> SharedTierError {
        switch state {
        case "57014", "55P03": return .timedOut
        case "57P03": return .starting(message)
        case "57P01", "57P02", "57P04", "57P05", "25P03", "53300": return .unreachable(message)
        case "53100", "53200", "53000", "53400": return .full(message)
        case "25006": return .readOnly(message)
        case "3D000", "42501": return .refused(message)
        // An operator, a type or a library that pgvector brings.
        case "42883", "42704", "58P01": return .noSearch(message)
        case "22000":
            if let match = message.wholeMatch(of: /expected ([0-9]+) dimensions, not ([0-9]+)/), let found = Int(match.1),
                let expected = Int(match.2)
            {
                return .wrongDimension(found: found, expected: expected)
            }
            return .engine(message)
        // A column that our layout has and the table has not, or one of another type.
        case "42703", "42804", "42809": return .wrongLayout(found: message, expected: "\(SharedIdentity.layout)")
        default:
            if state.hasPrefix("28") { return .refused(message) }
            if state.hasPrefix("08") { return .unreachable(message) }
            return .engine("\(message) (\(state))")
        }
    }

    /// Whether the engine undid all of it for the sake of another transaction: it is worth doing again at once.
    var isCollision: Bool { state == "40001" || state == "40P01" }
}
