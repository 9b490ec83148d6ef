import HTTPTypes

/// Who may use the admin surface: anyone on loopback while no token is set, else whoever shows the token.
package struct AdminGate: Sendable {
    private let token: [UInt8]?
    private let isLoopback: Bool

    /// - Parameters:
    ///   - token: the admin token, if one is set.
    ///   - isLoopback: whether the server listens on a loopback address only.
    package init(token: String?, isLoopback: Bool) {
        self.token = token.map { Array($0.utf8) }
        self.isLoopback = isLoopback
    }

    /// What to do with a request that has this `Authorization`.
    enum Verdict: Equatable {
        case open
        /// A token is set and was not shown.
        case unauthorized
        /// No token is set, and the network can reach the server.
        case closed
    }

    func verdict(authorization: String?) -> Verdict {
        guard let token else { return isLoopback ? .open : .closed }
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return .unauthorized }
        return Self.areEqual(Array(authorization.dropFirst(7).utf8), token) ? .open : .unauthorized
    }

    /// Whether an `Authorization` field is the admin's, and so cannot be an application's credential.
    var usesAuthorization: Bool { token != nil }

    /// Compares in a time that depends on the lengths only.
    private static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard a.count == b.count else { return false }
        var difference: UInt8 = 0
        for index in a.indices { difference |= a[index] ^ b[index] }
        return difference == 0
    }
}
