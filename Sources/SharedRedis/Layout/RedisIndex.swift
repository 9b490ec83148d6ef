import SemanticCache

/// The search index of one embedder's proxies: its form, and questions to it.
struct RedisIndex: Sendable {
    let name: String
    private let names: RedisNames
    private let vectors: RedisVectors?
    private let kind: RedisConfiguration.Index

    /// Candidates that a graph looks at for each search: below this it misses too many (recall .88 at the engine's own default of 10, measured).
    private static let effort = 128

    init(_ names: RedisNames, _ vectors: RedisVectors?, _ kind: RedisConfiguration.Index) {
        self.names = names
        self.vectors = vectors
        self.kind = kind
        name = "\(names.prefix):ix:\(vectors?.mark ?? "none")" + (kind == .hnsw && vectors != nil ? ":hnsw" : "")
    }

    /// Makes the index; it fills itself with the entries that are there.
    var create: [RedisCommands.Word] {
        var words: [RedisCommands.Word] = [
            "FT.CREATE", .text(name), "ON", "HASH", "PREFIX", "1", .text(names.entries), "SCHEMA", "tenant", "TAG", "ns", "TAG", "model", "TAG",
            "tags", "TAG", "SEPARATOR", ",", "created", "NUMERIC", "since", "NUMERIC", "at", "NUMERIC",
        ]
        guard let vectors else { return words }
        words += [.text(vectors.scopeField), "AS", "s", "TAG", "SEPARATOR", ",", .text(vectors.field), "AS", "v", "VECTOR"]
        let form: [RedisCommands.Word] = ["TYPE", "FLOAT32", "DIM", .number(vectors.dimension), "DISTANCE_METRIC", "IP"]
        switch kind {
        case .flat: words += ["FLAT", .number(form.count)] + form
        case .hnsw: words += ["HNSW", .number(form.count + 4)] + form + ["M", "16", "EF_CONSTRUCTION", "100"]
        }
        return words
    }

    var info: [RedisCommands.Word] { ["FT.INFO", .text(name)] }

    /// Holds what ``info`` was answered with against the form that ``create`` gives; what differs, `nil` when nothing does.
    func difference(from info: RESPValue) -> String? {
        let prefixes = info["index_definition"]?["prefixes"]?.items?.compactMap(\.text)
        // An engine that does not say is taken at its name's word.
        if let prefixes, prefixes != [names.entries] { return "an index '\(name)' over \(prefixes)" }
        guard let vectors, let attributes = info["attributes"]?.items else { return nil }
        guard let field = attributes.first(where: { $0["identifier"]?.text == vectors.field }) else {
            return "an index '\(name)' without vectors of this embedder"
        }
        if let dimension = field["dim"]?.number, dimension != vectors.dimension { return "an index '\(name)' of \(dimension) components" }
        return nil
    }

    /// The nearest entries of a scope with some of their fields, and their distance as `d`.
    func nearest(
        _ vector: UnitVector, in scope: Scope, count: Int, fields: [String], within limit: Duration
    ) -> [RedisCommands.Word] {
        let effort = kind == .hnsw ? " EF_RUNTIME \(max(Self.effort, count))" : ""
        let query = "(@s:{\(RedisVectors.word(scope))})=>[KNN \(count) @v $q\(effort) AS d]"
        let parameters: [RedisCommands.Word] = ["PARAMS", "2", "q", .bytes(RedisEntry.bytes(of: vector))]
        let returned: [RedisCommands.Word] = ["RETURN", .number(fields.count + 1), "d"] + fields.map { .text($0) }
        let order: [RedisCommands.Word] = ["SORTBY", "d", "LIMIT", "0", .number(count)]
        return ["FT.SEARCH", .text(name), .text(query)] + parameters + returned + order + Self.options(limit)
    }

    /// Finds whether there is a vector in a scope. An aggregation stops at the first; a search would count them all.
    func anyVector(in scope: Scope, within limit: Duration) -> [RedisCommands.Word] {
        ["FT.AGGREGATE", .text(name), .text("@s:{\(RedisVectors.word(scope))}"), "LIMIT", "0", "1"] + Self.options(limit)
    }

    /// The names of the entries that `query` means, in no order, and how many there are.
    func names(_ query: String, skipping skipped: Int = 0, limit: Int) -> [RedisCommands.Word] {
        ["FT.SEARCH", .text(name), .text(query), "NOCONTENT", "LIMIT", .number(skipped), .number(limit)] + Self.options(.seconds(10))
    }

    /// What all entries with a vector are found by; `nil` without an embedder.
    var anyVector: String? { vectors == nil ? nil : "@s:{\(RedisVectors.anyScope)}" }

    private static func options(_ limit: Duration) -> [RedisCommands.Word] {
        ["TIMEOUT", .number(max(1, limit.wholeMilliseconds)), "DIALECT", "2"]
    }

    /// A selection as a query, of entries from before an event, or between two positions.
    static func query(_ selection: SharedSelection, before number: Int64? = nil, at positions: (from: UInt64, below: UInt64)? = nil) -> String {
        var terms: [String] = []
        for (field, mark) in [
            ("tenant", selection.tenant), ("ns", selection.namespace), ("model", selection.model), ("tags", selection.tag),
        ] {
            if let mark { terms.append("@\(field):{\(Hexadecimal.digits(mark))}") }
        }
        if let created = selection.createdBefore { terms.append("@created:[-inf (\(created.milliseconds)]") }
        if let number { terms.append("@since:[-inf (\(number)]") }
        if let positions { terms.append("@at:[\(positions.from) (\(positions.below)]") }
        return terms.isEmpty ? "*" : terms.joined(separator: " ")
    }
}

/// What a search was answered with.
struct RedisFinds {
    let names: [String]
    let total: Int

    /// Throws where the engine broke off: the rest would be missing.
    init(_ answer: RESPValue) throws(SharedTierError) {
        let answer = try answer.orThrow()
        guard let total = answer["total_results"]?.number, let results = answer["results"]?.items else {
            throw .garbled("a search is answered in a form that is not RESP3's")
        }
        if let warnings = answer["warning"]?.items, !warnings.isEmpty {
            throw .engine("a search was broken off: \(warnings.compactMap(\.text).joined(separator: ", "))")
        }
        names = results.compactMap { $0["id"]?.text }
        self.total = Int(clamping: total)
    }
}
