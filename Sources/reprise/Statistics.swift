/// The statistics of `GET /cache/stats`. Members that a proxy may leave out are optional.
struct Statistics: Decodable, Sendable {
    struct Requests: Decodable, Sendable {
        var total: Int
        var exactHits: Int
        var semanticHits: Int
        var misses: Int
        var bypassed: Int
        var coalesced: Int?
        var stale: Int?
        var upstreamErrors: Int?
    }

    struct Evictions: Decodable, Sendable {
        var expired: Int?
        var capacity: Int?
        var flushed: Int?
    }

    struct Savings: Decodable, Sendable {
        var upstreamCalls: Int?
        var promptTokens: Int?
        var completionTokens: Int?
        var usd: Double?
        var grossUsd: Double?
        var seconds: Double?
    }

    struct Costs: Decodable, Sendable {
        var judgeUsd: Double?
        var explorationUsd: Double?
        var calibrationUsd: Double?
    }

    struct Latency: Decodable, Sendable {
        var p50: Double?
        var p95: Double?
        var p99: Double?
    }

    struct Matching: Decodable, Sendable {
        var embedder: String?
        var dimension: Int?
        var errorBound: Double?
        var estimatedError: Double?
        var upperBound: Double?
        var observations: Int?
    }

    /// The tier that several proxies share.
    struct Shared: Decodable, Sendable {
        var kind: String
        var state: String
        var reason: String?
        var exactHits: Int?
        var semanticHits: Int?
        var misses: Int?
        var late: Int?
        var errors: Int?
        var notAsked: Int?
        var waiting: Int?
        var dropped: Int?

        /// `redis, works` or `redis, down: it cannot be reached`.
        var condition: String { "\(printable(kind)), \(printable(state))" + (reason.map { ": \(printable($0))" } ?? "") }
    }

    /// What one model, tenant or namespace had of the cache.
    struct Share: Decodable, Sendable {
        var requests: Int?
        var hits: Int?
        var savedUsd: Double?
    }

    var version: String
    var uptimeSeconds: Double
    var requests: Requests
    var hitRatio: Double?
    var entries: Int
    var memoryBytes: Int?
    var diskBytes: Int?
    var evictions: Evictions?
    var saved: Savings?
    var latencyMs: [String: Latency]?
    var matching: Matching?
    var shared: Shared?
    var costs: Costs?
    var models: [String: Share]?
    var tenants: [String: Share]?
    var namespaces: [String: Share]?

    /// The statistics for people: titled groups of aligned lines.
    func lines(title: (String) -> String = { $0 }) -> [String] {
        var lines = [title("Reprise \(printable(version))") + ", up \(spokenTime(uptimeSeconds))"]
        func group(_ name: String, _ facts: [(String, String?)]) {
            let given = facts.compactMap { fact in fact.1.map { (fact.0, $0) } }
            guard !given.isEmpty else { return }
            lines += ["", title(name)]
            lines += given.map { "  \($0.0)\(String(repeating: " ", count: max(1, 22 - $0.0.count)))\($0.1)" }
        }
        let count = { (number: Int?) in number.map { "\($0)" } }
        group(
            "Requests",
            [
                ("total", count(requests.total)), ("exact hits", count(requests.exactHits)), ("semantic hits", count(requests.semanticHits)),
                ("misses", count(requests.misses)), ("bypassed", count(requests.bypassed)), ("coalesced", count(requests.coalesced)),
                ("stale", count(requests.stale)), ("upstream errors", count(requests.upstreamErrors)), ("hit ratio", hitRatio.map(percent)),
            ])
        group(
            "Saved",
            [
                ("upstream calls", count(saved?.upstreamCalls)), ("prompt tokens", count(saved?.promptTokens)),
                ("completion tokens", count(saved?.completionTokens)), ("US dollars", saved?.usd.map(spokenDollars)),
                ("own costs", ownCosts), ("waiting", saved?.seconds.map(spokenTime)),
            ])
        group(
            "Cache",
            [
                ("entries", count(entries)), ("memory", memoryBytes.map(spokenSize)), ("disk", diskBytes.map(spokenSize)),
                ("expired", count(evictions?.expired)), ("evicted for room", count(evictions?.capacity)), ("flushed", count(evictions?.flushed)),
            ])
        group(
            "Shared tier",
            [
                ("engine", shared?.condition), ("exact hits", count(shared?.exactHits)), ("semantic hits", count(shared?.semanticHits)),
                ("misses", count(shared?.misses)), ("late", count(shared?.late)), ("errors", count(shared?.errors)),
                ("not asked", count(shared?.notAsked)), ("waiting", count(shared?.waiting)), ("dropped", count(shared?.dropped)),
            ])
        group(
            "Matching",
            [
                ("embedder", matching?.embedder.map(printable)), ("dimension", count(matching?.dimension)),
                ("error bound", matching?.errorBound.map(percent)),
                ("estimated error", matching?.estimatedError.map(percent)), ("upper bound", matching?.upperBound.map(percent)),
                ("observations", count(matching?.observations)),
            ])
        lines += latencyLines(title: title) + shareLines("Models", models, title: title)
        lines += shareLines("Namespaces", namespaces, title: title)
        // One tenant alone has what the sums above say.
        if let tenants, tenants.count > 1 { lines += shareLines("Tenants", tenants, title: title) }
        return lines
    }

    /// What the cache itself spent, which is taken off the savings; `nil` where that is nothing.
    private var ownCosts: String? {
        let purposes: [(name: String, usd: Double?)] = [
            ("judge", costs?.judgeUsd), ("exploration", costs?.explorationUsd), ("calibration", costs?.calibrationUsd),
        ]
        var parts: [String] = []
        for case (let name, let usd?) in purposes where usd > 0 { parts.append("\(spokenDollars(usd)) \(name)") }
        guard !parts.isEmpty, let gross = saved?.grossUsd else { return nil }
        return "\(parts.joined(separator: ", ")), taken off \(spokenDollars(gross))"
    }

    private func latencyLines(title: (String) -> String) -> [String] {
        let order = ["exact_hit", "semantic_hit", "miss_overhead", "embed", "search", "decide", "shared_lookup"]
        let known = (latencyMs ?? [:]).filter { $0.value.p50 != nil }
        guard !known.isEmpty else { return [] }
        let names = order.filter { known[$0] != nil } + known.keys.filter { !order.contains($0) }.sorted()
        var table = TextTable(columns: [.init(title: "Milliseconds")] + ["p50", "p95", "p99"].map { .init(title: $0, alignment: .right) })
        for name in names {
            let latency = known[name]
            let numbers = [latency?.p50, latency?.p95, latency?.p99].map { $0.map { rounded($0, digits: 2) } ?? "-" }
            table.rows.append(["  " + printable(name).replacing("_", with: " ").padded(to: 20)] + numbers)
        }
        let lines = table.lines(width: 1000)
        return ["", title(lines[0])] + lines.dropFirst()
    }

    private func shareLines(_ kind: String, _ shares: [String: Share]?, title: (String) -> String) -> [String] {
        guard let shares, !shares.isEmpty else { return [] }
        let columns = ["requests", "hits", "saved $"].map { TextTable.Column(title: $0, alignment: .right) }
        var table = TextTable(columns: [.init(title: kind)] + columns)
        // The busiest first; a terminal has room for some twenty.
        let busiest = shares.sorted { ($1.value.requests ?? 0, $0.key) < ($0.value.requests ?? 0, $1.key) }
        for (name, share) in busiest.prefix(20) {
            let cells = [share.requests, share.hits].map { $0.map { "\($0)" } ?? "-" } + [share.savedUsd.map(spokenDollars) ?? "-"]
            table.rows.append(["  " + shortened(printable(name), to: 40).padded(to: 20)] + cells)
        }
        let lines = table.lines(width: 1000)
        return ["", title(lines[0])] + lines.dropFirst()
    }
}

private func percent(_ share: Double) -> String { "\(rounded(share * 100, digits: 2)) %" }

/// The number with at most so many digits behind the point.
private func rounded(_ number: Double, digits: Int) -> String {
    let factor = (0..<digits).reduce(1.0) { value, _ in value * 10 }
    return "\((number * factor).rounded() / factor)"
}

extension String {
    fileprivate func padded(to length: Int) -> String { self + String(repeating: " ", count: max(0, length - count)) }
}
