/// An entry as `GET /cache/entries` shows it; there the names are in snake case.
struct CachedEntry: Decodable, Sendable {
    var id: String
    var endpoint: String
    var model: String?
    var tenant: String
    var namespace: String?
    var tags: [String]?
    var query: String?
    var createdAt: String
    var expiresAt: String?
    var ageSeconds: Double
    var ttlSeconds: Double?
    var hits: Int
    var bytes: Int
    var semantic: Bool?
    var answer: String?
    /// Only for a single entry: the answer's whole body, and whether it is a `message` or `events`.
    var body: String?
    var form: String?

    static let columns: [TextTable.Column] = [
        .init(title: "ID"), .init(title: "AGE", alignment: .right), .init(title: "LEFT", alignment: .right), .init(title: "HITS", alignment: .right),
        .init(title: "SIZE", alignment: .right), .init(title: "MODEL"), .init(title: "QUESTION"),
    ]

    /// One row of a listing, safe for a terminal.
    var row: [String] {
        [
            id, spokenTime(ageSeconds), ttlSeconds.map(spokenTime) ?? "-", "\(hits)", spokenSize(bytes), shortened(printable(model ?? "-"), to: 32),
            printable(query ?? ""),
        ]
    }

    /// The entry in full, a line a fact.
    var description: [(name: String, value: String)] {
        var facts: [(name: String, value: String)] = [
            ("id", id), ("endpoint", endpoint), ("model", model ?? "-"), ("tenant", tenant), ("namespace", namespace ?? ""),
            ("tags", (tags ?? []).joined(separator: ", ")), ("created", "\(createdAt) (\(spokenTime(ageSeconds)) ago)"),
        ]
        if let expiresAt { facts.append(("expires", "\(expiresAt)\(ttlSeconds.map { " (\(spokenTime($0)) left)" } ?? "")")) }
        facts += [
            ("hits", "\(hits)"), ("size", spokenSize(bytes)), ("semantic", semantic == true ? "yes" : "no, exact matches only"),
            ("form", form ?? "-"),
            ("question", query ?? ""),
        ]
        return facts.filter { !$0.value.isEmpty }.map { ($0.name, printable($0.value)) }
    }
}

/// A page of `GET /cache/entries`.
struct EntryPage: Decodable, Sendable {
    var entries: [CachedEntry]
    var nextCursor: String?
}
