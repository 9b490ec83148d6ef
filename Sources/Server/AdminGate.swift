import Foundation
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
        guard let authorization else { return .unauthorized }
        let shown: [UInt8]
        if authorization.lowercased().hasPrefix("bearer ") {
            shown = Array(authorization.dropFirst(7).utf8)
        } else if authorization.lowercased().hasPrefix("basic "), let decoded = Data(base64Encoded: String(authorization.dropFirst(6))),
            let colon = decoded.firstIndex(of: UInt8(ascii: ":"))
        {
            // What a browser asks its user for when it opens the dashboard: any name, and the token as the password.
            shown = Array(decoded[decoded.index(after: colon)...])
        } else {
            return .unauthorized
        }
        return Self.areEqual(shown, token) ? .open : .unauthorized
    }

    /// Whether a browser sends this request on behalf of another site's page. Such a page can make a browser post to this machine, so what changes
    /// anything must not be open to it. Programs that are no browsers send neither field.
    func isForeign(_ fields: HTTPFields, authority: String?) -> Bool {
        if let site = fields[.secFetchSite], site != "same-origin", site != "none" { return true }
        guard let origin = fields[.origin] else { return false }
        guard let authority, let start = origin.range(of: "://")?.upperBound else { return true }
        return origin[start...].lowercased() != authority.lowercased()
    }

    /// Whether a request that only its coming from this machine vouches for names some other site's host. A page whose name was made to lead to this
    /// machine (DNS rebinding) makes such requests, which to its browser go to its own site. Addresses, and names that no site has, are not meant.
    func isMisled(authority: String?) -> Bool {
        guard token == nil, isLoopback, let authority else { return false }
        guard !authority.hasPrefix("[") else { return false }
        let host = authority.prefix { $0 != ":" }.lowercased()
        let isAddress = host.allSatisfy { $0 == "." || $0.isASCII && $0.isNumber }
        return !isAddress && host.contains(".") && !host.hasSuffix(".localhost") && !host.hasSuffix(".internal")
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

extension HTTPField.Name {
    // The name is a valid token, so it cannot fail to be made.
    static let secFetchSite = Self("Sec-Fetch-Site")!
}
