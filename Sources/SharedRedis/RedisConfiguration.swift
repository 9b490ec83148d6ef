/// Where a Redis or Valkey is, and what is ours in it.
package struct RedisConfiguration: Sendable, Hashable, CustomStringConvertible {
    /// How the engine finds the nearest vectors of a scope.
    package enum Index: String, Sendable, CaseIterable {
        /// Compares with each: exact, cheap to write and to load; 7 ms of everybody's time in a scope of 100,000.
        case flat
        /// A graph: for very large scopes. It is built anew whenever the engine starts (39 s for 100,000 vectors, measured), during which it answers nobody.
        case hnsw
    }

    package let host: String
    package let port: Int
    package let isSecure: Bool
    /// A file of certificates to trust in place of the system's.
    package let caFile: String?
    let user: String?
    let password: String?
    let database: Int
    let prefix: String
    let index: Index

    /// - Parameters:
    ///   - url: `redis://[user[:password]@]host[:port][/database][?ca_file=path]`, or `rediss://` for TLS. User and password percent-encoded.
    ///   - prefix: what all names of keys begin with, before a colon. In a cluster it needs a hash tag, such as `{reprise}`, and the URL names the node
    ///     that this tag belongs to.
    package init(url: String, prefix: String, index: Index = .flat) throws(RedisURLError) {
        guard let mark = url.firstRange(of: "://") else { throw .notAURL }
        let scheme = url[..<mark.lowerBound].lowercased()
        guard scheme == "redis" || scheme == "rediss" else { throw .scheme(scheme) }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !url.contains("#") else { throw .notAURL }
        let rest = url[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let query = rest.drop { $0 != "?" }.dropFirst()
        let path = rest.dropFirst(authority.count).prefix { $0 != "?" }.dropFirst()

        let at = authority.lastIndex(of: "@")
        let place = at.map { authority[authority.index(after: $0)...] } ?? authority
        (host, port) = try Self.place(place)
        if let at {
            let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let user = Self.decoded(parts[0]), let password = Self.decoded(parts.count > 1 ? parts[1] : "") else { throw .credential }
            // `redis://:password@host` is the user that servers call default.
            self.user = user.isEmpty ? (password.isEmpty ? nil : "default") : user
            self.password = password
        } else {
            (user, password) = (nil, nil)
        }
        guard path.isEmpty || path.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let database = Int(path.isEmpty ? "0" : path) else {
            throw .database(String(path))
        }
        self.database = database
        var caFile: String?
        for part in query.split(separator: "&") {
            guard part.hasPrefix("ca_file="), let file = Self.decoded(part.dropFirst(8)), !file.isEmpty else { throw .query(String(part)) }
            caFile = file
        }
        self.caFile = caFile
        isSecure = scheme == "rediss"
        guard !prefix.isEmpty else { throw .prefix }
        self.prefix = prefix
        self.index = index
    }

    private static func place(_ text: Substring) throws(RedisURLError) -> (String, Int) {
        var host = text.prefix { $0 != ":" }
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw .notAURL }
            host = text[...end]
        }
        let port = text[host.endIndex...]
        guard port.isEmpty || port.hasPrefix(":"), let number = Int(port.isEmpty ? "6379" : port.dropFirst()), 1...65535 ~= number else {
            throw .port(String(port.dropFirst()))
        }
        let name = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host)
        guard !name.isEmpty else { throw .notAURL }
        return (name, number)
    }

    private static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16), high != UInt8(ascii: "+")
            else { return nil }
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Without user and password.
    package var description: String {
        "\(isSecure ? "rediss" : "redis")://\(host.contains(":") ? "[\(host)]" : host):\(port)/\(database)"
    }
}

/// A URL of a Redis that cannot be used. Says nothing of user or password.
package enum RedisURLError: Error, Sendable, Hashable, CustomStringConvertible {
    case notAURL
    case scheme(String)
    case port(String)
    case credential
    case database(String)
    case query(String)
    case prefix

    package var description: String {
        switch self {
        case .notAURL: "is not a URL such as redis://host:6379/0"
        case .scheme(let scheme): "begins with \(scheme)://, expected redis:// or rediss://"
        case .port(let port): "has the port '\(port)', expected a number up to 65535"
        case .credential: "has a user or password with a % that encodes nothing"
        case .database(let path): "has the path '/\(path)', expected the number of a database"
        case .query(let part): "has the parameter '\(part)', expected ca_file=path"
        case .prefix: "has an empty prefix of its keys"
        }
    }
}
