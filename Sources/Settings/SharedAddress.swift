/// What the settings need to know of a shared engine's URL. Whether it can be used the engine's adapter says, which reads it whole.
///
/// libpq takes several hosts in one URL, and hosts among the parameters, so `URLComponents` is no help.
struct SharedAddress: Equatable {
    /// In small letters.
    let scheme: String
    let hasPassword: Bool
    /// Whether nothing leaves this machine: all hosts are loopback addresses or sockets in the file system.
    let isLocal: Bool
    /// Whether TLS is spoken, or nothing.
    let isEncrypted: Bool

    /// `nil` where the text is no URL with a scheme and a host.
    init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), let colon = text.firstRange(of: "://") else { return nil }
        scheme = text[..<colon.lowerBound].lowercased()
        guard scheme.first?.isLetter ?? false, scheme.allSatisfy({ $0.isLetter || $0.isNumber || "+.-".contains($0) }) else { return nil }
        let rest = text[colon.upperBound...]
        let whole = rest.prefix { !"/?#".contains($0) }
        let authority = whole.lastIndex(of: "@").map { whole[$0...].dropFirst() } ?? whole
        // One that was not escaped may hold the marks that end an authority.
        let user = rest.lastIndex(of: "@").map { rest[..<$0] } ?? ""
        let query = rest.firstIndex(of: "?").map { rest[$0...].dropFirst().prefix { $0 != "#" } } ?? ""
        let parameters = query.split(separator: "&").map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false) }
        func values(of name: String) -> [Substring] { parameters.filter { $0[0] == name && $0.count == 2 }.map { $0[1] } }

        hasPassword = user.contains(":") || parameters.contains { $0[0] == "password" }
        let named = (values(of: "host") + values(of: "hostaddr")).flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let hosts = named.isEmpty ? authority.split(separator: ",", omittingEmptySubsequences: false).map(Self.withoutPort) : named
        // PostgreSQL without a host is the socket in the file system.
        guard scheme.hasPrefix("postgres") || !authority.isEmpty && hosts.allSatisfy({ !$0.isEmpty }) else { return nil }
        isLocal = hosts.allSatisfy(Self.isLocal)
        isEncrypted =
            scheme == "rediss" || scheme == "https"
            || scheme.hasPrefix("postgres") && values(of: "sslmode").last.map { ["require", "verify-ca", "verify-full"].contains($0) } ?? false
    }

    private static func withoutPort(_ host: Substring) -> Substring {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return host[..<end].dropFirst() }
        return host.prefix { $0 != ":" }
    }

    private static func isLocal(_ host: Substring) -> Bool {
        let host = host.lowercased()
        let isSocket = host.isEmpty || host.hasPrefix("/") || host.hasPrefix("%2f")
        return isSocket || host == "localhost" || host == "::1" || host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." }
    }

    static func schemes(of kind: Settings.SharedKind) -> [String] {
        switch kind {
        case .none: []
        case .redis: ["redis", "rediss"]
        case .postgres: ["postgres", "postgresql"]
        case .milvus: ["http", "https"]
        }
    }

    static func example(of kind: Settings.SharedKind) -> String {
        switch kind {
        case .none, .redis: "redis://host:6379/0"
        case .postgres: "postgres://user@host/database"
        case .milvus: "http://host:19530"
        }
    }

    static func tls(of kind: Settings.SharedKind) -> String {
        switch kind {
        case .none, .redis: "rediss://"
        case .postgres: "sslmode=verify-full"
        case .milvus: "https://"
        }
    }
}
