import CPostgres
package import SemanticCache

/// Which PostgreSQL, and where in it.
package struct PostgresConfiguration: Sendable {
    /// As libpq reads it: `postgres://user:password@host:5432/database?sslmode=verify-full`.
    let url: String
    /// The schema that the tables lie in; also the channel that the journal is announced on.
    let schema: String
    /// How long a connection may take to be made: `connect_timeout` of the URL, else ``usualPatience``.
    let patience: Duration
    /// What people are told: host and database, never a password.
    package let endpoint: String

    private static let usualPatience = Duration.seconds(5)

    /// - Throws: ``SharedTierError/refused(_:)`` with what is wrong. No password is ever in it.
    package init(url: String, schema: String) throws(SharedTierError) {
        guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") else {
            throw .refused("its URL must begin with postgres:// or postgresql://")
        }
        // The longest name that PostgreSQL keeps whole; control characters are in no name that anybody means.
        guard (1...63).contains(schema.utf8.count), schema.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw .refused("the name of a schema has 1 to 63 bytes, found '\(schema)'")
        }
        var complaint: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &complaint) else {
            defer { PQfreemem(complaint) }
            throw .refused("its URL cannot be read: \(Self.withoutSecrets(complaint.map { String(cString: $0) } ?? "no memory", of: url))")
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        self.url = url
        self.schema = schema
        patience = values["connect_timeout"].flatMap { Int($0) }.flatMap { $0 > 0 ? .seconds($0) : nil } ?? Self.usualPatience
        let host = values["host"] ?? values["hostaddr"] ?? "localhost"
        endpoint = "\(host):\(values["port"] ?? "5432")/\(values["dbname"] ?? values["user"] ?? "")"
    }

    /// libpq quotes what it stumbled over, which may be a part of the password: only what stands behind the `@` is repeated.
    private static func withoutSecrets(_ complaint: String, of url: String) -> String {
        let open = url.lastIndex(of: "@").map { url[$0...] } ?? ""
        let parts = complaint.split(separator: "\"", omittingEmptySubsequences: false)
        let told = parts.enumerated().map { number, part in
            number.isMultiple(of: 2) || part.count <= 1 || open.contains(part) ? String(part) : "..."
        }
        return told.joined(separator: "\"").trimmed
    }
}

extension String {
    /// Without spaces and line ends at either side.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
